//! Every stage of a handover against every kind of event: `tests/decisions/transitions/handover.txt`. An event of a transport is told of
//! the connection, then of the successor, then of the one that drains.

use core::time::Duration;

use redial::handover::{self, Handover};
use redial::subscriptions::FixedSubscriptions;
use redial::{Epoch, Event, Instant, SplitMix64};

use super::{CONFIG, Fact, NOW, REFUSED, compare, facts, hold, line, ready};

type Pair = Handover<SplitMix64, &'static str, FixedSubscriptions<u8, 4>>;

const HANDOVER: handover::Config = handover::Config::new().drain(Duration::from_secs(5)).build_const();

fn numbered(number: u32) -> Epoch {
    Epoch::from_raw(number).unwrap()
}

/// Online on epoch 1, and then these events.
fn after(facts: &[Fact]) -> Pair {
    let mut policy = redial::Policy::new(&CONFIG, SplitMix64::new(7))
        .with_session_type()
        .with_subscriptions(FixedSubscriptions::new())
        .with_handover(HANDOVER);
    let epoch = numbered(1);
    let online =
        [Event::Start, Event::Opened { epoch }, Event::Greeting { epoch, heartbeat: None }, ready(1)];
    for fact in online.iter().chain(&[Event::AuthOk { epoch }]).chain(facts) {
        let _used = policy.handle_event(NOW, fact.clone());
    }
    policy
}

fn stages() -> Vec<(&'static str, Pair)> {
    let epoch = numbered(2);
    let refused = Event::OpenFailed { epoch, cause: REFUSED, retry_after: None };
    let opened = Event::Opened { epoch };
    let greeting = Event::Greeting { epoch, heartbeat: None };
    let begun = |more: &[Fact]| after(&[&[Event::Redial][..], more].concat());
    let identified = [opened.clone(), greeting.clone()];
    let promoted = [opened.clone(), greeting.clone(), Event::Resumed { epoch }];
    vec![
        ("online", after(&[])),
        ("connecting", begun(&[])),
        ("greeting", begun(core::slice::from_ref(&opened))),
        ("establishing", begun(&identified)),
        ("waiting", begun(core::slice::from_ref(&refused))),
        ("parked:hold", begun(&[refused, Event::Hold(hold())])),
        ("parked:network", after(&[Event::NetworkDown, Event::Redial])),
        ("draining", begun(&promoted)),
    ]
}

/// S92, S93 and what is stale or does not apply, at a glance.
#[test]
fn every_stage_of_a_handover_against_every_event() {
    let mut table = String::new();
    for (stage, policy) in stages() {
        let newest = numbered(policy.stats().opens);
        let of = |name, epoch: Option<Epoch>| epoch.map(|epoch| (name, epoch));
        let transports = [
            of("connection", policy.epoch()),
            of("successor", policy.successor()),
            of("draining", policy.draining()),
        ];
        for (number, (of, epoch)) in transports.into_iter().flatten().enumerate() {
            for (name, fact) in facts(epoch) {
                if number > 0 && fact.epoch().is_none() {
                    continue;
                }
                let mut policy = policy.clone();
                let transport = if fact.epoch().is_some() { of } else { "" };
                let actions = policy.handle_event(NOW, fact);
                let stage = format!("{stage:<16}{transport:<12}");
                line(&mut table, &stage, name, &policy, NOW, actions);
            }
        }
        let mut drained = policy.clone();
        let actions =
            drained.handle_event(NOW, Event::Drained { epoch: policy.draining().unwrap_or(newest) });
        line(&mut table, &format!("{stage:<28}"), "drained", &drained, NOW, actions);
        let mut policy = policy.clone();
        let due = policy.poll_timeout().unwrap_or(Instant::MAX);
        let actions = policy.handle_timeout(due);
        line(&mut table, &format!("{stage:<28}"), "(timeout)", &policy, due, actions);
        table.push('\n');
    }
    compare(&table, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/decisions/transitions/handover.txt"));
}
