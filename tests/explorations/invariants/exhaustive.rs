//! Every string of steps up to a length, over a small alphabet: S92 to S98 without luck.

#![allow(clippy::let_underscore_must_use, reason = "every action is looked at where it is made")]

use core::time::Duration;
use std::collections::HashSet;

use redial::breaker;
use redial::classify::Class;
use redial::heartbeat::HeartbeatConfig;
use redial::policy::{
    CredentialConfig, Establish, HoldReason, OnNetworkChange, OnNetworkDown, RefreshOn, RestoreConfig,
};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, Instant, IoKind, Ratio, SessionState};

use redial::testing::{Checked, Limits};

use crate::harness::{SmallPolicy, TestEvent, checked, deeper, small_policy};

const SECOND: Duration = Duration::from_secs(1);
const LADDER: BackoffConfig =
    BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(8)).build_const();

/// Every session here has a sequence number.
fn limits() -> Limits {
    let plain = Limits::of(&Config::new(LADDER).build_const());
    plain.longest_wait(Duration::from_secs(302)).sequence_needed(true)
}

type SmallChecked<'c> = Checked<SmallPolicy<'c>>;

/// Long enough for a dial, its outcome, the wait and the next dial; a proof sees its outcome too.
fn depth() -> usize {
    5 + deeper()
}

/// One step: an event, or none, and when.
type Step = (When, Option<TestEvent<u8>>);

#[derive(Clone, Copy)]
enum When {
    Now,
    Due,
    Late,
    Back,
}

/// What can happen next; events about a transport speak of the newest one, one of them of the one before.
fn alphabet(opens: u32) -> Vec<Step> {
    let numbered = |number: u32| Epoch::from_raw(number.max(1)).expect("not 0");
    let (epoch, old) = (numbered(opens), numbered(opens.saturating_sub(1)));
    let hold = HoldReason::new(0).expect("a valid number");
    let refused = Cause::Io(IoKind::ConnectionRefused);
    let events = [
        Event::Start,
        Event::Stop { keep: true },
        Event::Stop { keep: false },
        Event::RetryNow,
        Event::Hold(hold),
        Event::Release(hold),
        Event::NetworkDown,
        Event::NetworkUp,
        Event::HostResumed { gap: 60 * SECOND, counted: true },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: refused, retry_after: None },
        Event::NotNow { epoch, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch, cause: Cause::AuthRejected },
        Event::Closed { epoch, cause: Cause::Class(Class::Fatal) },
        Event::Closed { epoch: old, cause: Cause::NoCloseFrame },
        Event::Greeting { epoch, heartbeat: Some(5 * SECOND) },
        Event::Ready { epoch, token: Some(1), endpoint: Some(2), sequence: Some(0), ttl: Some(20 * SECOND) },
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
        Event::SessionInvalid { epoch, resumable: false },
        Event::CredentialOk { request: None, ttl: None },
        Event::CredentialFailed { request: None, fatal: false },
        Event::CredentialNew,
        Event::CredentialLost,
        Event::AuthOk { epoch },
        Event::Subscribe { key: 1, priority: 0 },
        Event::SubscriptionFailed { epoch, key: 1, send: None, retryable: true },
    ];
    let time = [When::Due, When::Late, When::Back].map(|when| (when, None));
    events.into_iter().map(|event| (When::Now, Some(event))).chain(time).collect()
}

/// The events of the server's plans and host events, with what they need around them.
fn news(opens: u32) -> Vec<Step> {
    let epoch = Epoch::from_raw(opens.max(1)).expect("not 0");
    let events = [
        Event::Start,
        Event::Stop { keep: true },
        Event::NetworkDown,
        Event::NetworkUp,
        Event::NetworkChanged,
        Event::Redial,
        Event::HostResumed { gap: 9 * SECOND, counted: false },
        Event::BackoffHint { base: Duration::ZERO },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: Cause::Http(404), retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: None, ttl: Some(5 * SECOND) },
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(4 * SECOND) },
        Event::Redirected { epoch, endpoint: 3, permanent: false },
        Event::Redirected { epoch, endpoint: 4, permanent: true },
        Event::Cursor { epoch, token: 2 },
        Event::KeepAlive { epoch, interval: 2 * SECOND },
        Event::Received { epoch },
        Event::CredentialOk { request: None, ttl: Some(6 * SECOND) },
        Event::CredentialFailed { request: None, fatal: false },
        Event::AuthFailed { epoch, fatal: false },
    ];
    let time = [When::Due, When::Late, When::Back].map(|when| (when, None));
    events.into_iter().map(|event| (When::Now, Some(event))).chain(time).collect()
}

fn at(when: When, harness: &SmallChecked<'_>) -> Option<Instant> {
    let now = harness.now();
    Some(match when {
        When::Now => now,
        When::Due => harness.poll_timeout()?.max(now),
        When::Late => harness.poll_timeout()?.max(now).saturating_add(60 * SECOND),
        When::Back => Instant::from_micros(now.as_micros().checked_sub(1_500_000)?),
    })
}

/// Explores all strings of at most `depth` steps; the states found and the steps taken.
fn explore(start: SmallChecked<'_>, depth: usize, alphabet: fn(u32) -> Vec<Step>) -> (usize, usize) {
    let mut seen = HashSet::from([start.clone()]);
    let mut frontier = vec![start];
    let mut steps = 0;
    for _ in 0..depth {
        let mut next = Vec::new();
        for state in &frontier {
            for (when, event) in alphabet(state.stats().opens) {
                let Some(now) = at(when, state) else { continue };
                let mut reached = state.clone();
                let _ = reached.call(now, event);
                steps += 1;
                if !seen.contains(&reached) {
                    seen.insert(reached.clone());
                    next.push(reached);
                }
            }
        }
        frontier = next;
    }
    (seen.len(), steps)
}

/// Every gate that two events can shut, and every stage.
#[test]
fn all_short_strings_keep_the_invariants() {
    let plain = Config::new(LADDER).reset_after_stable(Duration::ZERO).build_const();
    let everything = plain
        .to_builder()
        .greeting(None)
        .restore(RestoreConfig::new().authentication(true).build_const())
        .network(OnNetworkDown::Drop, SECOND)
        .breaker(Some(breaker::Config::new(1, 3 * SECOND).build_const()))
        .credential(CredentialConfig::new().refresh_on(RefreshOn::Dial).build_const())
        .requested_spread(Some(Duration::ZERO))
        .reset_after_stable(2 * SECOND)
        .build_const();
    let open = plain
        .to_builder()
        .establish(Establish::OnOpen)
        .heartbeat(HeartbeatConfig::new().interval(2 * SECOND).build_const())
        .max_attempts(Some(2))
        .credential(CredentialConfig::new().rejections_max(Some(0)).build_const())
        .build_const();
    let beating = limits().heartbeats(true);
    // A connection that is live before its resume was answered can step back.
    let resuming = plain
        .to_builder()
        .establish(Establish::OnOpen)
        .restore(
            RestoreConfig::new()
                .authentication(true)
                .batches(1, 5 * SECOND)
                .confirm_timeout(Some(3 * SECOND))
                .build_const(),
        )
        .build_const();
    let session = SessionState::resumable(1, None, Some(0));
    let fresh = SessionState::new();
    let cases = [
        ("everything", everything, limits(), &fresh),
        ("resuming", resuming, limits(), &session),
        ("plain", plain, limits(), &fresh),
        ("on open", open, beating, &fresh),
    ];
    for (name, config, limits, session) in cases.into_iter().take(if deeper() == 0 { 2 } else { 4 }) {
        let start = checked(small_policy(&config, 7, 1).with_session(session.clone())).with_limits(limits);
        let (states, steps) = explore(start, depth(), alphabet);
        println!("{name}: {states} states, {steps} steps");
        assert!(states > 1_000, "{name}: it goes nowhere");
    }
}

/// What the server plans and the host reports, from the beginning and from a connection; with one endpoint and with two.
#[test]
fn all_short_strings_of_plans_and_host_events_keep_the_invariants() {
    let plain = Config::new(LADDER).redirects(1).build_const();
    let planned = plain
        .to_builder()
        .max_age(Some(8 * SECOND), SECOND)
        .reset_after_stable(2 * SECOND)
        .heartbeat(
            HeartbeatConfig::new()
                .first_jitter(false)
                .interval(3 * SECOND)
                .answer_within(Some(SECOND))
                .build_const(),
        )
        .credential(
            CredentialConfig::new()
                .refresh_on(RefreshOn::Dial)
                .lead(2 * SECOND, SECOND)
                .in_band(true)
                .build_const(),
        )
        .network(OnNetworkDown::Probe, SECOND)
        .build_const();
    let dropping = plain
        .to_builder()
        .establish(Establish::OnOpen)
        .on_network_change(OnNetworkChange::Drop)
        .max_attempts(Some(2))
        .reset_after_stable(Duration::ZERO)
        .build_const();
    let beating = limits().heartbeats(true).sequence_needed(false);
    let plainly = limits().sequence_needed(false);
    for (name, config, limits) in [("planned", planned, beating), ("dropping", dropping, plainly)] {
        let starts = [(1, false), (2, true), (1, true)];
        for (endpoints, online) in starts.into_iter().take(if deeper() == 0 { 2 } else { 3 }) {
            let mut harness = checked(small_policy(&config, 7, endpoints)).with_limits(limits);
            let epoch = Epoch::from_raw(1).expect("not 0");
            let ready =
                Event::Ready { epoch, token: Some(1), endpoint: None, sequence: None, ttl: Some(5 * SECOND) };
            let credential = Event::CredentialOk { request: None, ttl: Some(6 * SECOND) };
            for event in [Event::Start, credential, Event::Opened { epoch }, ready] {
                if online {
                    let _ = harness.handle_event(Instant::from_millis(5_000), event);
                }
            }
            let (states, steps) = explore(harness, depth() - 1, news);
            println!("{name}, {endpoints} endpoints, online {online}: {states} states, {steps} steps");
            let somewhere = if deeper() == 0 { 200 } else { 1_000 };
            assert!(states > somewhere, "{name}: it goes nowhere");
        }
    }
}

/// From a state in the middle of things, with everything there is to lose.
#[test]
fn all_short_strings_from_a_session_keep_the_invariants() {
    let config =
        Config::new(LADDER).restore(RestoreConfig::new().authentication(true).build_const()).build_const();
    let mut harness = checked(small_policy(&config, 7, 1)).with_limits(limits());
    let epoch = Epoch::from_raw(1).expect("not 0");
    for event in [
        Event::Subscribe { key: 1, priority: 0 },
        Event::Start,
        Event::Opened { epoch },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: Some(0), ttl: None },
        Event::AuthOk { epoch },
        Event::SubscriptionConfirmed { epoch, key: 1, send: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
    ] {
        let _ = harness.handle_event(Instant::from_millis(5_000), event);
    }
    // One dial is behind it.
    let depth = if deeper() == 0 { depth() - 1 } else { depth() };
    let (states, steps) = explore(harness, depth, alphabet);
    println!("from a session: {states} states, {steps} steps");
}
