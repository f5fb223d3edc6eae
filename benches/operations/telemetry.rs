//! The same policy with an observer that nobody listens to.

use std::hint::black_box;
use std::time::Duration;

use redial::telemetry::{Observed, Tracing};
use redial::{Cause, Config, Event, Instant};

use super::policy::{CONFIG, Tested, online_on};
use super::{Operation, Steps, repeat};

/// With a config of its own, so that this is another type than that of the other rows, and their code stays what it is.
type Watched = Observed<Tested<Config>, Tracing>;

fn watched() -> (Watched, Instant) {
    let (policy, now) = online_on(CONFIG);
    (Observed::new(policy, Tracing::new("client")), now)
}

#[inline(never)]
fn tell(policy: &mut Watched, now: Instant, event: Event<u32>) {
    black_box(&policy.handle_event(now, event));
}

#[inline(never)]
fn due(policy: &mut Watched) -> Instant {
    let now = policy.poll_timeout().expect("a deadline");
    black_box(&policy.handle_timeout(now));
    now
}

fn traffic() -> Steps {
    let (mut policy, start) = watched();
    let epoch = policy.epoch().expect("a connection");
    repeat(move |n| {
        let now = start.saturating_add(Duration::from_micros(n));
        tell(black_box(&mut policy), now, Event::Received { epoch });
    })
}

fn beat() -> Steps {
    let (mut policy, _) = watched();
    let epoch = policy.epoch().expect("a connection");
    repeat(move |_| {
        let policy = black_box(&mut policy);
        let now = due(policy);
        tell(policy, now, Event::HeartbeatAcked { epoch });
    })
}

fn outage() -> Steps {
    let (mut policy, mut now) = watched();
    repeat(move |_| {
        let policy = black_box(&mut policy);
        let epoch = policy.epoch().expect("a connection");
        tell(policy, now, Event::Closed { epoch, cause: Cause::NoCloseFrame });
        now = due(policy);
        let epoch = policy.epoch().expect("a dial");
        now = now.saturating_add(Duration::from_millis(30));
        tell(policy, now, Event::Opened { epoch });
        tell(policy, now, Event::Greeting { epoch, heartbeat: Some(Duration::from_secs(3_600)) });
        tell(policy, now, Event::Resumed { epoch });
        now = due(policy);
    })
}

pub(super) fn operations() -> Vec<Operation> {
    const GROUP: &str = "policy";
    let who = "redial, `Tracing` without a subscriber";
    vec![
        Operation::ours(GROUP, "traffic, observed", who, None, traffic),
        Operation::ours(GROUP, "a beat, observed", who, None, beat),
        Operation::ours(GROUP, "a whole outage, observed", who, None, outage),
    ]
}
