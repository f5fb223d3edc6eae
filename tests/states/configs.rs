//! Eleven configs that between them use every knob, each with the events that matter to it.

use core::time::Duration;

use redial::backoff::AfterTable;
use redial::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use redial::endpoints::{EndpointOrder, EndpointsConfig};
use redial::handover;
use redial::heartbeat::{HeartbeatConfig, Liveness};
use redial::policy::{
    CredentialConfig, Establish, HoldReason, OnNetworkChange, OnNetworkDown, OnVisible, OnWake, RefreshOn,
    RestoreConfig, ResumeConfig,
};
use redial::{BackoffConfig, Cause, Config, Epoch, Event, IoKind, Jitter, Ratio, breaker};

use crate::harness::{TestEvent, secs};

/// A config, how many endpoints there are, and the events that are tried in every state.
pub struct Case {
    pub name: &'static str,
    pub config: Config,
    pub endpoints: u8,
    pub handover: Option<handover::Config>,
    /// For the newest transport, and the one before it.
    pub events: fn(Epoch, Epoch) -> Vec<TestEvent<u8>>,
    /// Time stops just before each deadline and just after it too.
    pub edges: bool,
    /// A clock that runs back is a step.
    pub rewinds: bool,
    /// What is longer ago makes no difference: more than every span of the config. A sleep moves what is past nearer, and
    /// the failures of endpoints halve at multiples of a span, so that a search with either never forgets.
    pub horizon: Duration,
}

const DOUBLING: BackoffConfig = BackoffConfig::exponential(secs(1), Ratio::TWO, secs(4)).build_const();
const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

const SHORT: Duration = secs(24);
/// Some verdicts ask for two minutes.
const LONGER: Duration = secs(130);
const NEVER: Duration = secs(86_400);
pub const HOLD: HoldReason = HoldReason::new(3).expect("below 32");

/// No span is longer than 10 s, so that what is longer ago makes no difference.
const PLAIN: Config = Config::new(DOUBLING)
    .reset_after_stable(secs(2))
    .max_attempts(Some(3))
    .endpoints(EndpointsConfig::new().sticky(secs(8)).half_life(secs(8)).build_const())
    .build_const();

/// A session with numbers, behind a greeting, with a heartbeat that the server asks for.
const SESSIONS: Config = PLAIN
    .to_builder()
    .greeting(Some(secs(5)))
    .ready_timeout(Some(secs(4)))
    .resume(
        ResumeConfig::new()
            .sequence_needed(true)
            .failures_max(2)
            .invalid_wait(secs(2), secs(3))
            .endpoint_fallback(2, secs(6))
            .build_const(),
    )
    .requested_spread(Some(secs(2)))
    .heartbeat(
        HeartbeatConfig::new()
            .interval(secs(3))
            .missed(2)
            .first_jitter(false)
            .required(true)
            .answer_within(Some(secs(1)))
            .build_const(),
    )
    .close_code(4_001)
    .build_const();

/// A session with a secret, and what is restored in it.
const CREDENTIALS: Config = PLAIN
    .to_builder()
    .credential(
        CredentialConfig::new()
            .refresh_on(RefreshOn::Dial)
            .rejections_max(Some(1))
            .timeout(secs(3))
            .lead(secs(2), secs(1))
            .in_band(true)
            .build_const(),
    )
    .restore(RestoreConfig::new().authentication(true).build_const())
    .build_const();

const RESTORING: Config = PLAIN
    .to_builder()
    .restore(RestoreConfig::new().batches(1, secs(2)).confirm_timeout(Some(secs(3))).build_const())
    .build_const();

/// What the host knows: its network, its page, its sleep.
const HOST: Config = PLAIN
    .to_builder()
    .min_interval(secs(2))
    .network(OnNetworkDown::Drop, secs(1))
    .restart_on_network_up(true)
    .on_network_change(OnNetworkChange::Drop)
    .on_wake(OnWake::Probe)
    .on_visible(OnVisible::Probe)
    .heartbeat(HeartbeatConfig::new().interval(secs(3)).liveness(Liveness::AnyTraffic).build_const())
    .defer_while_hidden(false)
    .establish(Establish::OnOpen)
    .build_const();

/// Limits of time, and two backoffs.
const LIMITED: Config = PLAIN
    .to_builder()
    .backoff(
        DOUBLING
            .to_builder()
            .jitter(Jitter::Full)
            .floor(Duration::from_millis(250))
            .first_delay(secs(2))
            .exact_first()
            .max_fresh(secs(6))
            .build_const(),
    )
    .max_attempts(None)
    .max_elapsed(Some(secs(20)))
    .initial_limits(Some(2), Some(secs(9)))
    .wait_from_dial(true)
    .long_outage(secs(8), BackoffConfig::constant(secs(7)).build_const())
    .retry_after_max(secs(5))
    .retry_after_spread(Ratio::new_const(1, 2))
    .connect_timeout(secs(3))
    .build_const();

/// A breaker over three endpoints.
const BROKEN: Config = PLAIN
    .to_builder()
    .max_attempts(Some(5))
    .breaker(Some(
        breaker::Config::new(2, secs(3))
            .growth(Ratio::TWO, secs(6))
            .jitter(Ratio::ONE)
            .probes(2)
            .lease(secs(5))
            .build_const(),
    ))
    .endpoints(
        EndpointsConfig::new()
            .order(EndpointOrder::LeastFailed)
            .gap(secs(1), secs(2))
            .sticky(secs(4))
            .half_life(secs(8))
            .build_const(),
    )
    .connect_timeout_growing(true)
    .establish(Establish::OnOpen)
    .build_const();

/// What the server plans.
const PLANNED: Config = PLAIN
    .to_builder()
    .max_age(Some(secs(8)), secs(1))
    .redirects(1)
    .on_network_change(OnNetworkChange::Ignore)
    .network(OnNetworkDown::Ignore, Duration::ZERO)
    .build_const();

/// A connection that is replaced before it ends.
const REPLACED: Config = PLANNED
    .to_builder()
    .heartbeat(HeartbeatConfig::new().interval(secs(3)).first_jitter(false).build_const())
    .build_const();

const HANDOVER: handover::Config = handover::Config::new().drain(secs(3)).build_const();

/// Verdicts of every class, a table that ends, and no session.
const VERDICTS: Config = PLAIN
    .to_builder()
    .backoff(BackoffConfig::table(&[secs(0), secs(2), secs(5)], AfterTable::GiveUp).build_const())
    .classifier(
        Classifier::new(&tables::DISCORD_GATEWAY)
            .rule(Rule::new(Match::Is(Cause::CloseFrame(4_999)), Verdict::new(Class::Fatal).with_limit(2)))
            .build_const(),
    )
    .resume(ResumeConfig::DISABLED)
    .restore(RestoreConfig::DISABLED)
    .stability_by_cap()
    .network(OnNetworkDown::Probe, Duration::ZERO)
    .build_const();

/// The smallest: all of its states are found.
pub const CLOSED: Case = Case {
    name: "closed",
    config: PLAIN,
    endpoints: 1,
    handover: None,
    events: plain,
    edges: false,
    rewinds: false,
    horizon: SHORT,
};

pub const CASES: [Case; 11] = [
    Case {
        name: "handover",
        config: REPLACED,
        endpoints: 1,
        handover: Some(HANDOVER),
        events: replacing,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "replaced",
        config: PLAIN,
        endpoints: 1,
        handover: None,
        events: replaced,
        edges: false,
        rewinds: false,
        horizon: NEVER,
    },
    Case {
        name: "plain",
        config: PLAIN,
        endpoints: 1,
        handover: None,
        events: plain,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "sessions",
        config: SESSIONS,
        endpoints: 1,
        handover: None,
        events: sessions,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "credentials",
        config: CREDENTIALS,
        endpoints: 1,
        handover: None,
        events: credentials,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "restoring",
        config: RESTORING,
        endpoints: 1,
        handover: None,
        events: restoring,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "host",
        config: HOST,
        endpoints: 1,
        handover: None,
        events: host,
        edges: true,
        rewinds: true,
        horizon: NEVER,
    },
    Case {
        name: "limited",
        config: LIMITED,
        endpoints: 1,
        handover: None,
        events: limited,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "broken",
        config: BROKEN,
        endpoints: 3,
        handover: None,
        events: broken,
        edges: true,
        rewinds: false,
        horizon: NEVER,
    },
    Case {
        name: "planned",
        config: PLANNED,
        endpoints: 1,
        handover: None,
        events: planned,
        edges: true,
        rewinds: false,
        horizon: SHORT,
    },
    Case {
        name: "verdicts",
        config: VERDICTS,
        endpoints: 1,
        handover: None,
        events: verdicts,
        edges: true,
        rewinds: false,
        horizon: LONGER,
    },
];

/// What every protocol has.
fn plain(epoch: Epoch, old: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Stop { keep: false },
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch: old, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::SendFailed { epoch },
        Event::Received { epoch },
    ]
}

fn ready(epoch: Epoch, sequence: Option<u64>, ttl: Option<u64>) -> TestEvent<u8> {
    Event::Ready { epoch, token: Some(1), endpoint: None, sequence, ttl: ttl.map(secs) }
}

fn sessions(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Greeting { epoch, heartbeat: Some(secs(3)) },
        Event::Greeting { epoch, heartbeat: None },
        ready(epoch, Some(1), Some(9)),
        Event::Ready { epoch, token: Some(1), endpoint: Some(2), sequence: None, ttl: None },
        Event::Resumed { epoch },
        Event::Sequence { epoch, sequence: 2 },
        Event::SessionInvalid { epoch, resumable: true },
        Event::SessionInvalid { epoch, resumable: false },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: None },
        Event::HeartbeatAcked { epoch },
        Event::HeartbeatRequested { epoch },
    ]
}

fn credentials(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch, cause: Cause::AuthRejected },
        Event::OpenFailed { epoch, cause: Cause::Http(401), retry_after: None },
        ready(epoch, None, None),
        Event::CredentialOk { request: None, ttl: None },
        Event::CredentialOk { request: None, ttl: Some(secs(6)) },
        Event::CredentialFailed { request: None, fatal: false },
        Event::CredentialFailed { request: None, fatal: true },
        Event::CredentialNew,
        Event::CredentialLost,
        Event::AuthOk { epoch },
        Event::AuthFailed { epoch, fatal: false },
        Event::AuthFailed { epoch, fatal: true },
    ]
}

fn restoring(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Opened { epoch },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        ready(epoch, Some(0), None),
        Event::Resumed { epoch },
        Event::Subscribe { key: 1, priority: 0 },
        Event::Subscribe { key: 2, priority: 1 },
        Event::Unsubscribe { key: 1 },
        Event::SubscriptionConfirmed { epoch, key: 1, send: None },
        Event::SubscriptionConfirmed { epoch, key: 2, send: None },
        Event::SubscriptionFailed { epoch, key: 1, send: None, retryable: true },
        Event::SubscriptionFailed { epoch, key: 2, send: None, retryable: false },
        Event::SubscriptionLost { epoch, key: 1 },
        Event::Cursor { epoch, token: 3 },
    ]
}

fn host(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::RetryNow,
        Event::Redial,
        Event::Hold(HOLD),
        Event::Release(HOLD),
        Event::NetworkDown,
        Event::NetworkUp,
        Event::NetworkChanged,
        Event::Hidden,
        Event::Visible,
        Event::HostResumed { gap: secs(9), counted: true },
        Event::HostResumed { gap: secs(9), counted: false },
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::HeartbeatAcked { epoch },
        Event::Received { epoch },
    ]
}

fn limited(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: Some(secs(3)) },
        Event::OpenFailed { epoch, cause: Cause::Http(429), retry_after: Some(secs(60)) },
        Event::NotNow { epoch, retry_after: None },
        Event::NotNow { epoch, retry_after: Some(secs(2)) },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::BackoffHint { base: secs(2) },
        Event::BackoffHint { base: Duration::ZERO },
    ]
}

fn broken(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::RetryNow,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::OpenFailed { epoch, cause: Cause::Http(404), retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::NotNow { epoch, retry_after: None },
        Event::Redirected { epoch, endpoint: 3, permanent: false },
    ]
}

fn planned(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Redial,
        Event::NetworkChanged,
        Event::NetworkDown,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Ready { epoch, token: Some(1), endpoint: None, sequence: None, ttl: Some(secs(5)) },
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch, retry_after: None, deadline: Some(secs(3)) },
        Event::ReconnectRequested { epoch, retry_after: Some(secs(2)), deadline: None },
        Event::Redirected { epoch, endpoint: 3, permanent: false },
        Event::Redirected { epoch, endpoint: 4, permanent: true },
        Event::Cursor { epoch, token: 2 },
        Event::KeepAlive { epoch, interval: secs(2) },
        Event::Received { epoch },
    ]
}

/// For the newest transport and the one before it: a successor and its connection, where there are two.
fn replacing(epoch: Epoch, old: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Redial,
        Event::Opened { epoch },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::Closed { epoch: old, cause: Cause::NoCloseFrame },
        ready(epoch, None, None),
        Event::Resumed { epoch },
        Event::ReconnectRequested { epoch: old, retry_after: None, deadline: Some(secs(3)) },
        Event::Redirected { epoch: old, endpoint: 3, permanent: false },
        Event::HeartbeatAcked { epoch: old },
        Event::SessionInvalid { epoch, resumable: false },
        Event::Drained { epoch: old },
        Event::Subscribe { key: 1, priority: 0 },
    ]
}

/// When a loss to another client is forgotten is kept in whole seconds of the clock.
fn replaced(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    vec![
        Event::Start,
        Event::Stop { keep: true },
        Event::Opened { epoch },
        ready(epoch, None, None),
        Event::Closed { epoch, cause: Cause::Class(Class::Replaced) },
        Event::Closed { epoch, cause: Cause::NoCloseFrame },
        Event::OpenFailed { epoch, cause: REFUSED, retry_after: None },
    ]
}

fn verdicts(epoch: Epoch, _: Epoch) -> Vec<TestEvent<u8>> {
    let closed = |cause| Event::Closed { epoch, cause };
    let classes = Class::ALL.iter().filter(|class| **class != Class::Replaced);
    let classes = classes.map(|class| closed(Cause::Class(*class)));
    let others = [
        Event::Start,
        Event::Opened { epoch },
        ready(epoch, None, None),
        closed(Cause::CloseFrame(4_999)),
        closed(Cause::CloseFrame(4_004)),
        closed(Cause::SessionInvalid),
        Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: None },
        Event::NetworkDown,
        Event::NetworkUp,
        Event::Drained { epoch },
    ];
    classes.chain(others).collect()
}
