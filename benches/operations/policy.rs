//! A whole policy with the preset of a Discord gateway: what an event costs that changes nothing, and what an outage costs.
//!
//! An event is made and handed over in memory as a driver would; the entry points are not inlined, so that the compiler
//! can't know which event it is.

use std::hint::black_box;
use std::time::Duration;

use redial::policy::ConfigSource;
use redial::subscriptions::NoSubscriptions;
use redial::{
    Action, Actions, Cause, Config, Epoch, Event, Instant, Phase, Policy, SplitMix64, fixed_config, presets,
};

use super::{Kind, Operation, Steps, bare_policy, repeat};

pub static CONFIG: Config = presets::DISCORD_GATEWAY;
/// A session token of four bytes: a key into the caller's own table.
pub type Tested<C = &'static Config> = Policy<SplitMix64, u32, NoSubscriptions, C>;
fixed_config!(struct Known = presets::DISCORD_GATEWAY);

/// So slow that it stays out of the picture.
const HEARTBEAT: Duration = Duration::from_secs(3_600);
const STABLE_MICROS: u64 = 120_000_000;
const STABLE: Duration = Duration::from_micros(STABLE_MICROS);
const ROUND_TRIP: Duration = Duration::from_millis(30);
const START: u64 = 1_000_000;

#[inline(never)]
fn fact<C: ConfigSource>(policy: &mut Tested<C>, now: Instant, event: Event<u32>) -> Actions {
    policy.handle_event(now, event)
}

#[inline(never)]
fn due<C: ConfigSource>(policy: &mut Tested<C>, now: Instant) -> Actions {
    policy.handle_timeout(now)
}

#[inline(never)]
fn deadline<C: ConfigSource>(policy: &Tested<C>) -> Option<Instant> {
    policy.poll_timeout()
}

/// Takes the actions and does none.
fn ignore(actions: Actions) {
    black_box(&actions);
}

fn live<C: ConfigSource>(policy: &Tested<C>) -> Epoch {
    policy.epoch().expect("a connection")
}

/// A live connection that has held.
pub fn online() -> (Tested, Instant) {
    online_on(&CONFIG)
}

pub fn online_on<C: ConfigSource>(config: C) -> (Tested<C>, Instant) {
    let mut policy: Tested<C> = Policy::new(config, SplitMix64::new(1)).with_session_type();
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
pub fn one_outage<C: ConfigSource>(policy: &mut Tested<C>, now: &mut Instant) {
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

fn outage<C: ConfigSource + 'static>(config: C) -> Steps {
    let (mut policy, mut now) = online_on(config);
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

/// The calls of an outage with nothing behind them.
fn calls_of_an_outage() -> Steps {
    let (mut policy, mut now) = online();
    let epoch = live(&policy);
    repeat(move |_| {
        let policy = black_box(&mut policy);
        let events = [
            Event::Closed { epoch: live(policy), cause: Cause::NoCloseFrame },
            Event::Opened { epoch: live(policy) },
            Event::Greeting { epoch, heartbeat: Some(HEARTBEAT) },
            Event::Resumed { epoch },
        ];
        for event in events {
            black_box(&disregard(policy, now, event));
        }
        black_box(deadline(policy));
        for _ in 0..2 {
            now = now.saturating_add(STABLE);
            black_box(&let_pass(policy, now));
        }
    })
}

/// Takes the time and leaves it alone.
#[inline(never)]
fn let_pass(policy: &mut Tested, now: Instant) -> [Option<Action>; 4] {
    black_box((policy, now));
    [None; 4]
}

const HANDED: &str = "handed over and back";
const CALLS: &str = "the calls of an outage";
const OUTAGE: &str = "a whole outage";

pub fn operations() -> Vec<Operation> {
    const GROUP: &str = "policy";
    type Row = (&'static str, &'static str, Option<u32>, fn() -> Steps);
    let redial = "redial";
    let rows: [Row; 7] = [
        ("a sequence number", redial, Some(35), || quiet(|epoch, n| Event::Sequence { epoch, sequence: n })),
        ("traffic", redial, Some(40), || quiet(|epoch, _| Event::Received { epoch })),
        ("an acknowledged beat", redial, Some(40), || quiet(|epoch, _| Event::HeartbeatAcked { epoch })),
        ("poll_timeout", redial, Some(25), ask),
        ("a beat: deadline, beat, acknowledged", redial, None, beat),
        (OUTAGE, redial, Some(1_250), || outage::<&'static Config>(&CONFIG)),
        (OUTAGE, "redial, a known config", Some(900), || outage(Known)),
    ];
    let handed = "an event made, handed to a function, a result like that of `handle_event` taken back";
    let calls = "six such calls and `poll_timeout`";
    let bare =
        "a struct with the same calls, deadlines and counters; no classifier, breaker, budget or explanation";
    let mut all = vec![
        Operation::other("loop", HANDED, "a fact", Kind::Bare, handed, handing_over),
        Operation::other("loop", CALLS, "nothing behind them", Kind::Bare, calls, calls_of_an_outage),
    ];
    all.extend(
        rows.into_iter().map(|(name, who, goal, prepare)| Operation::ours(GROUP, name, who, goal, prepare)),
    );
    all.push(Operation::other(GROUP, OUTAGE, "bare", Kind::Bare, bare, bare_policy::outage));
    all
}
