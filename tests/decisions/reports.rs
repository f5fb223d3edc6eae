//! Public bug reports: what failed there, and that a policy decides what is right.
//!
//! `reports.tsv` lists them: the number, the source, the log in `tests/replay/reports` that shows it, and the tests. A doc
//! comment says "Report NN" with its source, and what failed there.

mod credentials;
mod endpoints;
mod handover;
mod host;
mod limits;
mod liveness;
mod sessions;
mod subscriptions;
mod time;
mod verdicts;

use core::time::Duration;

use redial::policy::Endpoint;
use redial::{Action, Config, Disposition, Event, IoKind, Mode, Ratio};

use crate::harness::*;

/// What most of the reports' logs have: 1 to 30 s without jitter, stable after 10 s.
const BASE: Config =
    Config::new(DOUBLING).reset_after_stable(secs(10)).retry_after_spread(Ratio::ZERO).build_const();

const NO_NETWORK: redial::Cause = redial::Cause::Io(IoKind::NetworkUnreachable);
const NO_NAME: redial::Cause = redial::Cause::Io(IoKind::NameNotFound);

/// Online with a session that the server keeps so long.
fn with_session(config: Config, ttl: Duration) -> Harness {
    let mut rig = Harness::started(config);
    rig.opened();
    keep(&mut rig, "s1", ttl);
    rig
}

/// The server says that it keeps the session `token` so long.
fn keep(rig: &mut Harness, token: &'static str, ttl: Duration) -> Vec<Action> {
    let epoch = rig.epoch();
    rig.event(Event::Ready { epoch, token: Some(token), endpoint: None, sequence: None, ttl: Some(ttl) })
}

/// Something is heard.
fn hear(rig: &mut Harness) {
    let epoch = rig.epoch();
    rig.event(Event::Received { epoch });
}

/// The host slept, on a clock that went on meanwhile or stood still.
fn wake(rig: &mut Harness, gap: Duration, counted: bool) -> Vec<Action> {
    if counted {
        rig.now = rig.now.saturating_add(gap);
    }
    rig.event(Event::HostResumed { gap, counted })
}

/// The one dial that this event brings, in the call or in the next one, which is due at once.
fn dial(rig: &mut Harness, fact: TestEvent) -> (Mode, Endpoint, u32) {
    let mut actions = rig.event(fact);
    actions.extend(rig.advance(secs(0)));
    assert_eq!(opens(&actions), 1, "{actions:?}, {}", rig.told());
    open(&actions).expect("it was counted")
}

/// The connection was closed with its session kept, and the dial that replaces it is due at once: the mode of that dial.
fn replaced(rig: &mut Harness, actions: &[Action]) -> Mode {
    assert_eq!(rig.disposition(), Disposition::Applied);
    assert!(keeps_session(actions), "{actions:?}");
    assert_eq!(opens(actions), 0, "a loss and a dial in one call");
    open(&rig.advance(secs(0))).expect("a dial at once").0
}
