//! Configs as data: what is written is read again, and what can't be is refused with its place.

use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use redial::backoff::AfterTable;
use redial::classify::{Class, Classifier, Match, Rule, Scope, Table, TlsKind, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::handover;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{ConfigOver, CredentialConfig, RefreshOn, RestoreConfig, ResumeConfig};
use redial::{BackoffConfig, Cause, Config, IoKind, Jitter, Ratio, breaker, presets};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// It is read as it was, from both formats.
fn round_trip<C: Serialize + DeserializeOwned + PartialEq + Debug>(config: &C) {
    let json = serde_json::to_string(config).expect("a table of the crate's");
    assert_eq!(
        &serde_json::from_str::<C>(&json).unwrap_or_else(|error| panic!("{json}: {error}")),
        config,
        "{json}"
    );
    let toml = toml::to_string(config).expect("a table of the crate's");
    assert_eq!(
        &toml::from_str::<C>(&toml).unwrap_or_else(|error| panic!("{toml}: {error}")),
        config,
        "{toml}"
    );
}

fn read(json: &str) -> Result<Config, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn over(base: &Config, json: &str) -> Result<Config, String> {
    let mut json = serde_json::Deserializer::from_str(json);
    ConfigOver::new(base).deserialize(&mut json).map_err(|error| error.to_string())
}

#[test]
fn every_preset_is_read_as_it_was_written() {
    for (name, preset) in presets::ALL {
        round_trip(*preset);
        assert_eq!(over(preset, "{}").as_ref(), Ok(*preset), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_config_is_read_as_it_was_written(config: Config) {
        round_trip(&config);
    }

    /// No text and no tree makes it panic, and every error is one line.
    #[test]
    fn no_value_does_harm(key in "[a-z_.]{1,20}", value in any::<i64>(), word in ".{0,30}") {
        for value in [value.to_string(), format!("{word:?}"), "null".to_owned(), "[]".to_owned(), "{}".to_owned(), "[{}, 1.5]".to_owned()] {
            for object in ["", "backoff", "resume", "classify", "hint", "long_outage", "heartbeat"] {
                let inner = format!("{{{key:?}: {value}}}");
                let json = if object.is_empty() { inner } else { format!("{{{object:?}: {inner}}}") };
                if let Err(error) = read(&json) {
                    prop_assert!(!error.is_empty() && error.lines().count() == 1, "{error}");
                }
            }
        }
    }
}

/// Each alone, with something other than the default in every key.
#[test]
fn each_config_is_data_by_itself() {
    round_trip(&BackoffConfig::constant(ms(7)).build_const());
    round_trip(&BackoffConfig::exponential(ms(1), Ratio::ONE, ms(9)).jitter(Jitter::Full).build_const());
    round_trip(
        &BackoffConfig::quadratic(ms(7), Duration::from_nanos(1_500_001), ms(70)).exact_first().build_const(),
    );
    let windows = BackoffConfig::windows(ms(7), Duration::from_micros(1_500));
    round_trip(&windows.build_const());
    round_trip(&windows.max_delay(ms(70)).max_fresh(ms(90)).build_const());
    static DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_micros(1_500), Duration::MAX];
    for after in [AfterTable::RepeatLast, AfterTable::GiveUp] {
        round_trip(&BackoffConfig::table(&DELAYS, after).build_const());
    }
    round_trip(
        &breaker::Config::new(3, ms(5))
            .growth(Ratio::TWO, ms(50))
            .jitter(Ratio::ONE)
            .probes(3)
            .lease(ms(9))
            .build_const(),
    );
    round_trip(
        &CredentialConfig::new()
            .refresh_on(RefreshOn::Dial)
            .rejections_max(Some(3))
            .timeout(ms(5))
            .lead(ms(7), ms(8))
            .in_band(true)
            .build_const(),
    );
    round_trip(
        &EndpointsConfig::new()
            .order(EndpointOrder::LeastFailed)
            .gap(ms(3), ms(4))
            .sticky(ms(5))
            .half_life(ms(6))
            .build_const(),
    );
    round_trip(&handover::Config::DEFAULT);
    round_trip(&handover::Config::new().timeout(ms(5)).drain(Duration::from_micros(1_500)).build_const());
    round_trip(
        &HeartbeatConfig::new()
            .interval(ms(45_000))
            .liveness(Liveness::AnyTraffic)
            .missed(3)
            .first_jitter(false)
            .required(true)
            .answer_within(Some(ms(9)))
            .build_const(),
    );
    round_trip(
        &RestoreConfig::new()
            .batches(7, ms(8))
            .confirm_timeout(Some(ms(9)))
            .authentication(true)
            .enabled(false)
            .build_const(),
    );
    round_trip(
        &ResumeConfig::new()
            .enabled(false)
            .sequence_needed(true)
            .failures_max(9)
            .invalid_wait(ms(1), ms(2))
            .endpoint_fallback(7, ms(8))
            .build_const(),
    );
}

/// Every cause, every detail of a verdict.
#[test]
fn a_classifier_is_data_with_its_overrides() {
    static STEPS: [u32; 2] = [1_000, u32::MAX];
    let verdict = Verdict::new(Class::RateLimited)
        .with_limit(7)
        .with_scope(Scope::Service)
        .with_wait_const(ms(5), ms(6))
        .with_steps_ms(&STEPS)
        .with_at_cap()
        .with_renewal()
        .with_client_fault();
    let matches = [
        Match::CloseRange(4_400, 4_499),
        Match::HttpRange(500, 599),
        Match::AnyIo,
        Match::AnyTls,
        Match::Is(Cause::CloseFrame(4_002)),
        Match::Is(Cause::NoCloseFrame),
        Match::Is(Cause::Http(503)),
        Match::Is(Cause::Io(IoKind::Other)),
        Match::Is(Cause::Tls(TlsKind::ALL[0])),
        Match::Is(Cause::Timeout),
        Match::Is(Cause::Class(Class::Auth)),
        Match::Is(Cause::Unknown),
        Match::Is(Cause::HeartbeatMissed),
    ];
    for table in tables::ALL {
        let mut classifier = Classifier::new(table).default_class(Class::Fresh);
        for matches in matches {
            classifier = classifier.rule(Rule::new(matches, verdict));
            round_trip(&Rule::new(matches, Verdict::new(Class::Fatal)));
        }
        round_trip(&classifier.build().expect("few"));
    }
    static MINE: Table = Table::new("mine", &[]);
    let error =
        serde_json::to_string(&Classifier::new(&MINE).build_const()).expect_err("it has no name").to_string();
    assert!(error.contains("\"mine\" is the program's own"), "{error}");
}

/// The place is named, with the nearest key of that place.
#[test]
fn an_error_names_its_place() {
    for (json, reason) in [
        ("[]", "\"config\" must be an object, not []"),
        (r#"{"bakoff": {}}"#, "unknown key \"bakoff\"; did you mean \"backoff\"?"),
        (r#"{"backoff": {"max": 5}}"#, "unknown key \"backoff.max\"; did you mean \"max_ms\"?"),
        (r#"{"heartbeat": {"max_ms": 5}}"#, "unknown key \"heartbeat.max_ms\"; did you mean \"missed\"?"),
        (r#"{"backoff": {"jitter": "ful"}}"#, "\"backoff.jitter\" must be \"none\", \"full\""),
        (r#"{"backoff": {"jitter": {"plus_minus": "2"}}}"#, "\"backoff\": a jitter of more than"),
        (r#"{"backoff": {"initial_ms": "1.0000001"}}"#, "\"backoff.initial_ms\" must be an integer"),
        (r#"{"connect_timeout_ms": 0}"#, "\"connect_timeout_ms\": a timeout of 0"),
        (
            r#"{"long_outage": {"after_ms": 5, "backoff": {"factor": "1/2"}}}"#,
            "\"long_outage.backoff\": the factor is below 1",
        ),
        (
            r#"{"classify": {"overrides": [{"ws": [5, 4], "class": "fatal"}]}}"#,
            "\"classify.overrides[0]\": the lower end",
        ),
        (
            r#"{"classify": {"overrides": [{"io": "conection_reset", "class": "fatal"}]}}"#,
            "nearest first: connection_reset, connection_refused",
        ),
        (r#"{"max_attempts": 3, "max_attempts": 4}"#, "the key \"max_attempts\" is there twice; remove one"),
        (r#"{"endpoints": ["a"]}"#, "unknown key \"endpoints\""),
        (
            r#"{"handover": {"drain_ms": 5}}"#,
            "\"handover\" must be null, not {\"drain_ms\":5}: a handover stands beside a policy; read it as a \
             handover::Config, for Policy::with_handover",
        ),
    ] {
        let error = read(json).expect_err(json);
        assert!(error.contains(reason), "{json}: {error}");
    }
    for (json, reason) in [
        ("7", "\"config\" must be an object, not 7"),
        (r#"{"timeout": 5}"#, "unknown key \"timeout\"; did you mean \"timeout_ms\"?"),
        (r#"{"timeout_ms": 0}"#, "\"timeout_ms\": a timeout of 0"),
        (r#"{"drain_ms": -1}"#, "\"drain_ms\" must be an integer from 0"),
    ] {
        let error = serde_json::from_str::<handover::Config>(json).expect_err(json).to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
    assert_eq!(read(r#"{"handover": null}"#), read("{}"));
    let mut json = serde_json::Deserializer::from_str(r#"{"backoff": {"max": 5}}"#);
    let error =
        ConfigOver::new(&presets::RECOMMENDED).named("client.policy").deserialize(&mut json).unwrap_err();
    assert!(error.to_string().starts_with("unknown key \"client.policy.backoff.max\""), "{error}");
    let error = toml::from_str::<Config>("[backoff]\nmax = 5\n").expect_err("no such key").to_string();
    assert!(error.contains("unknown key \"backoff.max\"; did you mean \"max_ms\"?"), "{error}");
}

#[test]
fn a_config_may_be_part_of_a_document() {
    #[derive(serde::Deserialize)]
    struct Settings {
        url: String,
        reconnect: Config,
    }
    let toml = "url = \"wss://feed.example\"\n[reconnect]\nmax_attempts = 7\n[reconnect.backoff]\njitter = \"full\"\nmax_ms = 60000\n";
    let settings: Settings = toml::from_str(toml).expect("settings");
    assert_eq!((settings.url.as_str(), settings.reconnect.max_attempts()), ("wss://feed.example", Some(7)));
    assert_eq!(settings.reconnect.backoff().jitter(), Jitter::Full);
}

/// The same table, read a thousand times, is kept once; too many different ones are refused.
#[test]
fn tables_are_bounded() {
    let table = |entry: usize, many: usize| {
        let entries: Vec<_> = (0..many).map(|at| (entry * 100_000 + at + 1).to_string()).collect();
        format!("{{\"curve\": \"table\", \"table_ms\": [{}]}}", entries.join(", "))
    };
    for _ in 0..1_000 {
        serde_json::from_str::<BackoffConfig>(&table(1, 1_000)).expect("one table");
    }
    let refused =
        (2..200).find_map(|entry| serde_json::from_str::<BackoffConfig>(&table(entry, 1_000)).err());
    let error = refused.expect("two hundred tables of a thousand waits").to_string();
    assert!(
        error.contains("\"table_ms\": the tables of all configs that were read have more than 1048576 bytes"),
        "{error}"
    );
    serde_json::from_str::<BackoffConfig>(&table(1, 1_000)).expect("known");
}
