//! `Tracing` and `Log`: the spans, their parents, and the same fields in both.

use redial::telemetry::{Log, Tracing};

use super::capture::{Fields, listen};
use super::*;

/// The change as `Display` writes it, out of an event's fields.
fn displayed(fields: &Fields) -> BTreeSet<String> {
    let own = |(key, value): (&&str, &String)| {
        (!["change", "client"].contains(key)).then(|| format!("{key}={value}"))
    };
    fields.iter().filter_map(own).chain([fields["change"].clone()]).collect()
}

use std::collections::BTreeSet;

/// Whatever happens: the fields of an event are those of the line, and the levels are the same.
#[test]
fn a_line_and_an_event_say_the_same() {
    let told = listen(|| {
        scripts::play(|_| (Tracing::new("feed"), Log::new("feed")));
    });
    assert!(told.events.len() > 5_000);
    assert_eq!(told.events.len(), told.lines.len());
    for (event, (level, line)) in told.events.iter().zip(&told.lines) {
        let line = line.strip_prefix("feed: ").expect("the client's name");
        let words: BTreeSet<_> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(displayed(&event.fields), words);
        assert_eq!(event.level.as_str(), level.as_str());
        assert_eq!(event.fields["client"], "feed");
    }
}

#[test]
fn two_clients_in_one_thread_do_not_mix() {
    let told = listen(|| {
        let clients = ["one", "two"];
        let mut policies = clients.map(|name| Observed::new(subject(config(), 7), Tracing::new(name)));
        for (millis, event) in [
            (0, Event::Start),
            (10, refused(1)),
            (20, Event::RetryNow),
            (30, refused(2)),
            (40, Event::Stop { keep: true }),
        ] {
            for policy in &mut policies {
                let _actions = policy.handle_event(at(millis), event.clone());
            }
        }
    });
    let client = |span: Option<usize>| span.map(|span| told.spans[span].fields["client"].as_str());
    for event in &told.events {
        assert!(client(event.parent).is_none_or(|of| of == event.fields["client"]), "{event:?}");
    }
    for name in ["one", "two"] {
        let of = |kind: &str| {
            let spans = told.spans.iter().enumerate();
            spans.filter(|(_, span)| span.name == kind && span.fields["client"] == name).collect::<Vec<_>>()
        };
        let [(outage, span)] = of("outage")[..] else { panic!("{told:#?}") };
        assert_eq!((span.parent, span.open), (None, false));
        let fields = ["attempts", "client", "duration_ms", "initial", "parked_ms", "result", "trigger"];
        assert!(span.fields.keys().eq(&fields), "{span:?}");
        assert_eq!(
            ["result", "attempts", "duration_ms"].map(|key| span.fields[key].as_str()),
            ["stopped", "2", "40"]
        );
        let attempts = of("attempt");
        assert_eq!(attempts.len(), 2);
        for (_, attempt) in attempts {
            assert_eq!((attempt.parent, attempt.open), (Some(outage), false));
            assert_eq!(
                ["result", "cause"].map(|key| attempt.fields[key].as_str()),
                ["failed", "connection_refused"]
            );
        }
    }
}

/// Nothing of a token, an endpoint or a key.
#[test]
fn nothing_secret_is_told() {
    let secret = || "s3cret".to_owned();
    let told = listen(|| {
        let policy = Policy::new(config(), SplitMix64::new(7))
            .with_session_type::<String>()
            .with_subscriptions(redial::subscriptions::SubscriptionList::<String>::new());
        let mut policy = Observed::new(policy, (Tracing::new("feed"), Log::new("feed")));
        let epoch = epoch(1);
        for event in [
            Event::Subscribe { key: secret(), priority: 0 },
            Event::Start,
            Event::Opened { epoch },
            Event::Ready {
                epoch,
                token: Some(secret()),
                endpoint: Some(secret()),
                sequence: Some(1),
                ttl: None,
            },
            Event::SubscriptionConfirmed { epoch, key: secret(), send: None },
            Event::Cursor { epoch, token: secret() },
            Event::SubscriptionLost { epoch, key: secret() },
            Event::Redirected { epoch, endpoint: secret(), permanent: true },
            Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
            Event::Unsubscribe { key: secret() },
            Event::Stop { keep: false },
        ] {
            let _actions = policy.handle_event(at(0), event);
        }
    });
    assert!(told.events.len() > 10);
    let text = format!("{told:?}");
    assert!(!text.contains("s3cret"), "{text}");
}

/// The level of each change, for a reader of logs.
#[test]
fn the_levels_are_those_of_the_table() {
    let told = listen(|| {
        scripts::play(|_| Tracing::new("feed"));
        let mut policy = Observed::new(subject(config(), 7), Tracing::new("feed"));
        let _subscribed = policy.handle_event(at(0), Event::Subscribe { key: 1, priority: 0 });
        let _open = policy.handle_event(at(0), Event::Start);
        let _opened = policy.handle_event(at(0), Event::Opened { epoch: epoch(1) });
        let _restored = policy.handle_event(at(0), ready(1));
    });
    let docs = include_str!("../../src/telemetry.rs");
    let mut seen = BTreeSet::new();
    for event in &told.events {
        let change = event.fields["change"].as_str();
        let row = format!("//! | `{change}` | ");
        let row = docs.lines().find_map(|line| line.strip_prefix(&row)).expect(change);
        let mut columns = row.split(" | ");
        let level = event.level.as_str().to_lowercase();
        let levels = columns.next().expect("the level").to_lowercase();
        assert!(
            levels.split(|c: char| !c.is_alphabetic()).any(|word| word == level),
            "{change}: {level}, {levels}"
        );
        let fields = columns.next().unwrap_or_default();
        for field in event.fields.keys().filter(|field| !["client", "change"].contains(*field)) {
            assert!(fields.contains(&format!("`{field}`")), "{change} has {field}, and its row has {fields}");
            assert!(docs.contains(&format!("`{field}`")), "{field}");
        }
        seen.insert(change.to_owned());
    }
    let table =
        docs.split("# Changes and their levels").nth(1).and_then(|rest| rest.split("# Fields").next());
    let rows = table.into_iter().flat_map(str::lines).filter(|line| line.starts_with("//! | `"));
    let rows: BTreeSet<_> = rows.filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    assert_eq!(seen, rows);
}
