//! Every string of steps up to a length, over small alphabets that reach every stage of a handover; and from each state that
//! is found it gets online when the faults stop, and a handover that was begun ends.

#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

use core::time::Duration;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use redial::handover;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{
    CredentialConfig, Establish, HoldReason, OnNetworkChange, OnNetworkDown, OnWake, RefreshOn,
    RestoreConfig, ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Instant, IoKind, Ratio, breaker, classify::Class};

use redial::testing::Limits;

use crate::harness::deeper;
use crate::pair::{Pair, PairEvent, pair};

const SECOND: Duration = Duration::from_secs(1);
const DOUBLING: BackoffConfig =
    BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(8)).build_const();

fn limits() -> Limits {
    Limits::of(&Config::new(DOUBLING).build_const()).longest_wait(Duration::from_secs(302))
}

/// Long enough to begin a handover, let it get anywhere, and have three things go wrong.
const DEPTH: usize = 3;

type Step = (When, Option<PairEvent>);

#[derive(Clone, Copy)]
enum When {
    Now,
    Due,
    Late,
    Leap,
    Back,
}

/// The connection, or the newest dial while there is none; the successor, or the newest dial.
fn epochs(pair: &Pair<'_>) -> (Epoch, Epoch, Option<Epoch>) {
    let newest = Epoch::from_raw(pair.stats().opens.max(1)).expect("not 0");
    (pair.epoch().unwrap_or(newest), pair.successor().unwrap_or(newest), pair.draining())
}

fn with_time(events: Vec<PairEvent>) -> Vec<Step> {
    let time = [When::Due, When::Late, When::Leap, When::Back].map(|when| (when, None));
    events.into_iter().map(|event| (When::Now, Some(event))).chain(time).collect()
}

/// How a handover begins, fails, is lost, promoted, drained, stopped and held up.
fn steps(pair: &Pair<'_>) -> Vec<Step> {
    let (connection, successor, draining) = epochs(pair);
    let hold = HoldReason::new(0).expect("a valid number");
    let mut events = vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Stop { keep: false },
        Event::Redial,
        Event::RetryNow,
        Event::Hold(hold),
        Event::Release(hold),
        Event::CredentialOk { request: None, ttl: Some(6 * SECOND) },
        Event::CredentialFailed { request: None, fatal: false },
        Event::AuthOk { epoch: connection },
        Event::Subscribe { key: 1, priority: 0 },
        Event::SubscriptionConfirmed { epoch: connection, key: 1, send: None },
        Event::Sequence { epoch: connection, sequence: 5 },
        Event::ReconnectRequested { epoch: connection, retry_after: None, deadline: None },
        Event::ReconnectRequested { epoch: connection, retry_after: None, deadline: Some(4 * SECOND) },
        Event::Closed { epoch: connection, cause: Cause::Class(Class::Fatal) },
    ];
    events.extend(of_dial(successor));
    if connection != successor {
        events.push(Event::Closed { epoch: connection, cause: Cause::NoCloseFrame });
    }
    if let Some(epoch) = draining {
        events.extend([Event::Drained { epoch }, Event::Closed { epoch, cause: Cause::NoCloseFrame }]);
    }
    with_time(events)
}

/// What becomes of a dial.
fn of_dial(epoch: Epoch) -> Vec<PairEvent> {
    let refused = Cause::Io(IoKind::ConnectionRefused);
    vec![
        Event::Opened { epoch },
        Event::Greeting { epoch, heartbeat: None },
        Event::OpenFailed { epoch, cause: refused, retry_after: None },
        Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: Some((3 * SECOND).into()) },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(0), ttl: Some(20 * SECOND) },
        Event::Ready { epoch, token: Some(2), endpoint: None, sequence: None, ttl: None },
        Event::Resumed { epoch },
        Event::SessionInvalid { epoch, resumable: false },
        Event::AuthOk { epoch },
        Event::AuthFailed { epoch, fatal: false },
        Event::Sequence { epoch, sequence: 9 },
    ]
}

/// What the host says, and what a server plans, with what they need around them.
fn news(pair: &Pair<'_>) -> Vec<Step> {
    let (connection, successor, draining) = epochs(pair);
    let refused = Cause::Io(IoKind::ConnectionRefused);
    let mut events = vec![
        Event::Start,
        Event::Redial,
        Event::NetworkDown,
        Event::NetworkUp,
        Event::NetworkChanged,
        Event::Hidden,
        Event::Visible,
        Event::HostResumed { gap: 9 * SECOND, counted: false },
        Event::HostResumed { gap: 60 * SECOND, counted: true },
        Event::CredentialNew,
        Event::CredentialLost,
        Event::CredentialOk { request: None, ttl: Some(6 * SECOND) },
        Event::BackoffHint { base: Duration::ZERO },
        Event::Redirected { epoch: connection, endpoint: 3, permanent: false },
        Event::ReconnectRequested { epoch: connection, retry_after: Some(SECOND.into()), deadline: None },
        Event::Cursor { epoch: connection, token: 7 },
        Event::Received { epoch: connection },
        Event::HeartbeatAcked { epoch: connection },
        Event::SendFailed { epoch: connection },
        Event::Opened { epoch: successor },
        Event::OpenFailed { epoch: successor, cause: refused, retry_after: None },
        Event::NotNow { epoch: successor, retry_after: None },
        Event::Greeting { epoch: successor, heartbeat: Some(5 * SECOND) },
        Event::Redirected { epoch: successor, endpoint: 4, permanent: true },
        Event::Closed { epoch: successor, cause: Cause::AuthRejected },
        Event::Resumed { epoch: successor },
        Event::Ready { epoch: successor, token: Some(2), endpoint: Some(6), sequence: None, ttl: None },
    ];
    events.extend(draining.map(|epoch| Event::HeartbeatRequested { epoch }));
    with_time(events)
}

fn at(when: When, pair: &Pair<'_>) -> Option<Instant> {
    let now = pair.now();
    let due = || Some(pair.poll_timeout()?.max(now));
    Some(match when {
        When::Now => now,
        When::Due => due()?,
        When::Late => due()?.saturating_add(60 * SECOND),
        When::Leap => due()?.saturating_add(600 * SECOND),
        When::Back => Instant::from_micros(now.as_micros().checked_sub(1_500_000)?),
    })
}

/// Explores all strings of at most `depth` steps; the states found, the steps taken and the handovers on the way.
fn explore(start: Pair<'_>, depth: usize, alphabet: fn(&Pair<'_>) -> Vec<Step>) -> (usize, usize, u32) {
    let mut seen = HashSet::from([start.clone()]);
    let mut frontier = vec![(start, Vec::new())];
    let (mut steps, mut handovers) = (0, 0);
    for _ in 0..depth {
        let mut next = Vec::new();
        for (state, path) in &frontier {
            for (when, event) in alphabet(state) {
                let Some(now) = at(when, state) else { continue };
                let step = (now, event);
                let reached = take(state, path, &step);
                steps += 1;
                if !seen.contains(&reached) {
                    handovers += reached.handover_stats().handovers;
                    seen.insert(reached.clone());
                    next.push((reached, [&path[..], &[step]].concat()));
                }
            }
        }
        frontier = next;
    }
    (seen.len(), steps, handovers)
}

/// The state after this step, from which it also gets online. A failure tells how it came there.
fn take<'c>(
    state: &Pair<'c>,
    path: &[(Instant, Option<PairEvent>)],
    step: &(Instant, Option<PairEvent>),
) -> Pair<'c> {
    let taken = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut reached = state.clone();
        let _ = reached.call(step.0, step.1.clone());
        reached.assert_recovers();
        reached
    }));
    taken.unwrap_or_else(|_| panic!("after {path:#?}: {step:?}"))
}

/// How far a handover is at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Begun {
    Not,
    Dialled,
    Identified,
    /// A second one may begin while the first connection drains.
    Promoted,
}

fn started<'c>(
    config: &'c Config,
    limits: Limits,
    endpoints: u8,
    handover: handover::Config,
    begun: Begun,
) -> Pair<'c> {
    let mut pair = pair(config, limits, 7, endpoints, Some(handover));
    let numbered = |number| Epoch::from_raw(number).expect("not 0");
    let credential = Event::CredentialOk { request: None, ttl: Some(6 * SECOND) };
    let opened = |epoch| [Event::Opened { epoch }, Event::Greeting { epoch, heartbeat: Some(5 * SECOND) }];
    let epoch = numbered(1);
    let ready =
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(1), ttl: Some(5 * SECOND) };
    let online = [Event::Start, credential.clone()].into_iter().chain(opened(epoch));
    for event in online.chain([ready, Event::AuthOk { epoch }, Event::Subscribe { key: 2, priority: 0 }]) {
        let _ = pair.handle_event(Instant::from_millis(5_000), event);
    }
    let epoch = numbered(2);
    let steps = [
        (Begun::Dialled, vec![Event::Redial, credential]),
        (Begun::Identified, opened(epoch).to_vec()),
        (Begun::Promoted, vec![Event::Resumed { epoch }]),
    ];
    for (stage, events) in steps {
        for event in events.into_iter().filter(|_| stage <= begun) {
            let _ = pair.handle_event(Instant::from_millis(8_000), event);
        }
    }
    pair
}

fn configs() -> Vec<(&'static str, Config, Limits)> {
    let plain = Config::new(DOUBLING).reset_after_stable(2 * SECOND).build_const();
    let beats = HeartbeatConfig::new().first_jitter(false).interval(3 * SECOND);
    let beats = beats.answer_within(Some(SECOND)).build_const();
    let beating = limits().heartbeats(true);
    let planned = plain
        .to_builder()
        .max_age(Some(8 * SECOND), SECOND)
        .heartbeat(beats)
        .credential(
            CredentialConfig::new()
                .refresh_on(RefreshOn::Dial)
                .lead(2 * SECOND, SECOND)
                .in_band(true)
                .build_const(),
        )
        .network(OnNetworkDown::Probe, SECOND)
        .on_wake(OnWake::Redial)
        .requested_spread(Some(2 * SECOND))
        .build_const();
    let everything = plain
        .to_builder()
        .greeting(None)
        .restore(
            RestoreConfig::new()
                .authentication(true)
                .batches(1, 5 * SECOND)
                .confirm_timeout(Some(3 * SECOND))
                .build_const(),
        )
        .network(OnNetworkDown::Drop, SECOND)
        .on_network_change(OnNetworkChange::Drop)
        .breaker(Some(breaker::Config::new(1, 3 * SECOND).build_const()))
        .max_attempts(Some(3))
        .build_const();
    let open = plain
        .to_builder()
        .establish(Establish::OnOpen)
        .heartbeat(beats)
        .max_attempts(Some(2))
        .max_elapsed(Some(20 * SECOND))
        .restore(RestoreConfig::new().authentication(true).build_const())
        .resume(ResumeConfig::new().failures_max(1).build().unwrap_or(ResumeConfig::DEFAULT))
        .build_const();
    vec![
        ("plain", plain, limits()),
        ("planned", planned, beating),
        ("everything", everything, limits()),
        ("on open", open, beating),
    ]
}

/// Every config and start in a proof, otherwise the first config and two starts. A handover takes three steps, so that fewer
/// would go nowhere.
fn explore_all(alphabet: fn(&Pair<'_>) -> Vec<Step>) {
    let (configs_max, starts_max) = if deeper() == 0 { (1, 2) } else { (usize::MAX, usize::MAX) };
    let depth = DEPTH + deeper().saturating_sub(1);
    let drain = handover::Config::new().timeout(4 * SECOND).drain(3 * SECOND).build_const();
    for (name, config, limits) in configs().into_iter().take(configs_max) {
        let starts = [
            (handover::Config::DEFAULT, 1, Begun::Dialled),
            (drain, 2, Begun::Promoted),
            (handover::Config::DEFAULT, 1, Begun::Not),
            (drain, 2, Begun::Identified),
        ];
        for (handover, endpoints, begun) in starts.into_iter().take(starts_max) {
            let start = started(&config, limits, endpoints, handover, begun);
            let (states, steps, handovers) = explore(start, depth, alphabet);
            println!(
                "{name}, {endpoints} endpoints, {begun:?}: {states} states, {steps} steps, {handovers} handovers"
            );
            assert!(states > 100 && (handovers > 0 || begun == Begun::Not), "{name}: it goes nowhere");
        }
    }
}

#[test]
fn all_short_strings_around_a_handover_keep_the_invariants() {
    explore_all(steps);
}

#[test]
fn all_short_strings_of_host_events_around_a_handover_keep_the_invariants() {
    explore_all(news);
}
