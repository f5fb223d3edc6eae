//! Twelve configs that between them use every knob, each with the events that matter to it.

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
use redial::{BackoffConfig, Cause, Config, Epoch, IoKind, Jitter, Ratio, breaker};

use crate::events::{
    broken, credentials, handing_over, host, limited, plain, planned, replaced, restoring, sessions,
    verdicts, windowed,
};
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
pub const REFUSED: Cause = Cause::Io(IoKind::ConnectionRefused);

const SHORT: Duration = secs(42);
/// Some verdicts ask for two minutes.
const LONGER: Duration = secs(250);
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
    .retry_after_spread(Ratio::new_const(2, 3))
    .connect_timeout(secs(3))
    .build_const();

/// Consecutive windows at one phase an outage, and waits that the server gives to this client or to all.
const WINDOWED: Config = PLAIN
    .to_builder()
    .backoff(BackoffConfig::windows(secs(1), secs(4)).max_delay(secs(9)).build_const())
    .max_attempts(None)
    .retry_after_max(secs(5))
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

pub static CASES: [Case; 12] = [
    Case {
        name: "handover",
        config: REPLACED,
        endpoints: 1,
        handover: Some(HANDOVER),
        events: handing_over,
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
        name: "windowed",
        config: WINDOWED,
        endpoints: 1,
        handover: None,
        events: windowed,
        edges: true,
        rewinds: false,
        horizon: NEVER,
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
