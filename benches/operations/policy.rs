//! A whole policy with the preset of a Discord gateway: what an event costs that changes nothing, and what an outage costs.
//!
//! An event is made and handed over in memory as a driver would; the entry points are not inlined, so that the compiler
//! can't know which event it is.

use std::hint::black_box;
use std::time::Duration;

use redial::{Action, Actions, Cause, Config, Epoch, Event, Instant, Phase, Policy, SplitMix64, presets};

use super::{Operation, Steps, repeat};

pub static CONFIG: Config = presets::DISCORD_GATEWAY;
/// A session token of four bytes: a key into the caller's own table.
pub type Tested = Policy<SplitMix64, u32>;

/// So slow that it stays out of the picture.
const HEARTBEAT: Duration = Duration::from_secs(3_600);
const STABLE_MICROS: u64 = 120_000_000;
const STABLE: Duration = Duration::from_micros(STABLE_MICROS);
const ROUND_TRIP: Duration = Duration::from_millis(30);
const START: u64 = 1_000_000;

#[inline(never)]
fn fact(policy: &mut Tested, now: Instant, event: Event<u32>) -> Actions {
    policy.handle_event(now, event)
}

#[inline(never)]
fn due(policy: &mut Tested, now: Instant) -> Actions {
    policy.handle_timeout(now)
}

#[inline(never)]
fn deadline(policy: &Tested) -> Option<Instant> {
    policy.poll_timeout()
}

/// Takes the actions and does none.
fn ignore(actions: Actions) {
    black_box(&actions);
}

fn live(policy: &Tested) -> Epoch {
    policy.epoch().expect("a connection")
}

/// A live connection that has held.
pub fn online() -> (Tested, Instant) {
    let mut policy: Tested = Policy::new(&CONFIG, SplitMix64::new(1)).with_session_type();
    let start = Instant::from_micros(START);
    ignore(policy.handle_event(start, Event::Start));
    let epoch = live(&policy);
    ignore(policy.handle_event(start, Event::Opened { epoch }));
    ignore(policy.handle_event(start, Event::Greeting { epoch, heartbeat: Some(HEARTBEAT) }));
    let (token, endpoint, sequence, ttl) = (Some(1), None, Some(1), None);
    ignore(policy.handle_event(start, Event::Ready { epoch, token, endpoint, sequence, ttl }));
    let now = start.saturating_add(STABLE);
    ignore(policy.handle_timeout(now));
    assert_eq!(policy.phase(), Phase::Online);
    (policy, now)
}

/// Lost, waited, opened, greeted, resumed, stable.
pub fn one_outage(policy: &mut Tested, now: &mut Instant) {
    let epoch = live(policy);
    ignore(fact(policy, *now, Event::Closed { epoch, cause: Cause::NoCloseFrame }));
    *now = deadline(policy).expect("a wait");
    ignore(due(policy, *now));
    let epoch = live(policy);
    *now = now.saturating_add(ROUND_TRIP);
    ignore(fact(policy, *now, Event::Opened { epoch }));
    ignore(fact(policy, *now, Event::Greeting { epoch, heartbeat: Some(HEARTBEAT) }));
    ignore(fact(policy, *now, Event::Resumed { epoch }));
    *now = now.saturating_add(STABLE);
    ignore(due(policy, *now));
}

fn quiet(make: impl Fn(Epoch, u64) -> Event<u32> + 'static) -> Steps {
    let (mut policy, _) = online();
    let epoch = live(&policy);
    repeat(move |n| {
        let now = Instant::from_micros(START + STABLE_MICROS + n);
        ignore(fact(black_box(&mut policy), now, make(epoch, n)));
    })
}

/// Takes an event and leaves it alone, with the arguments and the result of [`fact`].
#[inline(never)]
fn disregard(_: &mut Tested, _: Instant, event: Event<u32>) -> [Option<Action>; 4] {
    black_box(&event);
    [None; 4]
}

fn handing_over() -> Steps {
    let (mut policy, _) = online();
    let epoch = live(&policy);
    repeat(move |n| {
        let now = Instant::from_micros(START + STABLE_MICROS + n);
        let nothing = disregard(black_box(&mut policy), now, Event::Sequence { epoch, sequence: n });
        black_box(&nothing);
    })
}

fn ask() -> Steps {
    let (policy, _) = online();
    repeat(move |_| {
        black_box(deadline(black_box(&policy)));
    })
}

/// Waits for the next heartbeat, sends it, hears the answer.
fn beat() -> Steps {
    let (mut policy, _) = online();
    let epoch = live(&policy);
    repeat(move |_| {
        let policy = black_box(&mut policy);
        let now = deadline(policy).expect("the next beat");
        ignore(due(policy, now));
        ignore(fact(policy, now, Event::HeartbeatAcked { epoch }));
    })
}

fn outage() -> Steps {
    let (mut policy, mut now) = online();
    for outages in 1..=2 {
        one_outage(&mut policy, &mut now);
        assert_eq!(
            (policy.stats().losses, policy.stats().resumed),
            (outages, outages),
            "it ended in a resume"
        );
    }
    repeat(move |_| one_outage(black_box(&mut policy), &mut now))
}

const HANDED: &str = "handed over and back";
/// The events that change next to nothing. What they cost is `handle_event` alone.
const QUIET: [&str; 3] = ["a sequence number", "traffic", "an acknowledged beat"];

pub fn operations() -> Vec<Operation> {
    type Row = (&'static str, Option<u32>, fn() -> Steps);
    let rows: [Row; 6] = [
        (QUIET[0], Some(40), || quiet(|epoch, n| Event::Sequence { epoch, sequence: n })),
        (QUIET[1], Some(40), || quiet(|epoch, _| Event::Received { epoch })),
        (QUIET[2], Some(40), || quiet(|epoch, _| Event::HeartbeatAcked { epoch })),
        ("poll_timeout", Some(25), ask),
        ("a beat: deadline, beat, acknowledged", None, beat),
        ("a whole outage", Some(1_250), outage),
    ];
    let note = "made, handed to a function, a result like that of `handle_event` taken back";
    let mut all = vec![Operation::other("loop", HANDED, "a fact", super::Kind::Bare, note, handing_over)];
    all.extend(rows.into_iter().map(|(name, goal, prepare)| {
        let ours = Operation::ours("policy", name, "redial", goal, prepare);
        if QUIET.contains(&name) { Operation { base: HANDED, ..ours } } else { ours }
    }));
    all
}
