//! Counters, gauges and histograms for the crate `metrics`.

use metrics::{
    Label, SharedString, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::breaker;
use crate::mode::Mode;
use crate::policy::Phase;
use crate::time::Instant;
use crate::words::words;

use super::change::{AttemptResult, Change, OutageResult};
use super::sink::Sink;

/// What kind of metric a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

words!(MetricKind {
    Counter => "counter",
    Gauge => "gauge",
    Histogram => "histogram",
});

/// A metric that [`Metrics`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind it is.
    pub kind: MetricKind,
    /// Its labels beside `client`.
    pub labels: &'static [&'static str],
    /// What it says. Those whose names end in `_seconds` are in seconds, the others are counts.
    pub help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, labels, help }
}

use MetricKind::{Counter, Gauge, Histogram};

/// Every metric that [`Metrics`] writes.
pub const METRICS: [Metric; 18] = [
    metric(CLIENTS, Gauge, &[], "Clients that are observed."),
    metric(ONLINE, Gauge, &[], "Clients that are online: connected, with their subscriptions sent."),
    metric(SUBSCRIPTIONS, Gauge, &[], "Subscriptions that are wanted."),
    metric(BREAKER_OPEN, Gauge, &[], "Clients whose breaker is not closed."),
    metric(OUTAGES, Counter, &["trigger"], "Outages that began, first connections included."),
    metric(ATTEMPTS, Counter, &["result"], "Attempts that ended: established, failed or abandoned."),
    metric(ATTEMPT_FAILURES, Counter, &["cause"], "Attempts that failed."),
    metric(LOSSES, Counter, &["cause"], "Established connections that were lost."),
    metric(SESSIONS, Counter, &["mode"], "Sessions that were established: fresh or resume."),
    metric(HEARTBEATS_MISSED, Counter, &[], "Heartbeats that were unanswered when the next one was due."),
    metric(BREAKER_TRANSITIONS, Counter, &["to"], "Changes of the breaker's state."),
    metric(GIVE_UPS, Counter, &["reason"], "How often a client gave up."),
    metric(EVENTS_IGNORED, Counter, &["disposition"], "Events without effect."),
    metric(
        RECOVERY,
        Histogram,
        &[],
        "From the loss of a connection until the client is online, without the time parked on a condition.",
    ),
    metric(
        OUTAGE,
        Histogram,
        &["result"],
        "From the beginning of an outage to its end, first connections included.",
    ),
    metric(ATTEMPT, Histogram, &["result"], "From a dial to the outcome of the attempt."),
    metric(WAIT, Histogram, &["reason"], "How long was waited, and for what."),
    metric(ROUND_TRIP, Histogram, &[], "From the newest heartbeat to its acknowledgement."),
];

const CLIENTS: &str = "redial_clients";
const ONLINE: &str = "redial_online";
const SUBSCRIPTIONS: &str = "redial_subscriptions";
const BREAKER_OPEN: &str = "redial_breaker_open";
const OUTAGES: &str = "redial_outages_total";
const ATTEMPTS: &str = "redial_attempts_total";
const ATTEMPT_FAILURES: &str = "redial_attempt_failures_total";
const LOSSES: &str = "redial_losses_total";
const SESSIONS: &str = "redial_sessions_total";
const HEARTBEATS_MISSED: &str = "redial_heartbeats_missed_total";
const BREAKER_TRANSITIONS: &str = "redial_breaker_transitions_total";
const GIVE_UPS: &str = "redial_give_ups_total";
const EVENTS_IGNORED: &str = "redial_events_ignored_total";
const RECOVERY: &str = "redial_recovery_seconds";
const OUTAGE: &str = "redial_outage_seconds";
const ATTEMPT: &str = "redial_attempt_seconds";
const WAIT: &str = "redial_wait_seconds";
const ROUND_TRIP: &str = "redial_heartbeat_round_trip_seconds";

/// Counts and measures every change with the recorder of the crate `metrics`: [`METRICS`] are the names.
///
/// Each has the label `client` with this name. Clients of one name add up: of ten in a pool with one name, `redial_online` says how
/// many are online. The values of the other labels are words of this crate's enums, some thirty at most and for causes some
/// sixty, never a close code or an address: so the number of series hangs on the number of names that you give. Give a name to a
/// service, not to each of its connections.
///
/// Install the recorder first: what is made before it writes its gauges to nowhere. Without a recorder a change costs a look at
/// a static.
///
/// ```
/// use redial::telemetry::{Metrics, Observed};
/// use redial::{Policy, SplitMix64, presets};
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let policy = Observed::new(policy, Metrics::new("feed"));
/// # let _ = policy;
/// ```
#[derive(Debug)]
pub struct Metrics {
    client: SharedString,
    online: bool,
    subscriptions: usize,
    breaker_open: bool,
}

impl Metrics {
    /// For the client of this name: a `&'static str`, a `String`, an `Arc<str>`. It describes the metrics to the recorder, counts one
    /// more client and, where a rule of an alert needs a series from the beginning, writes a zero. Dropped, it is one client less.
    #[must_use]
    pub fn new(client: impl Into<SharedString>) -> Self {
        describe();
        let metrics = Self { client: client.into(), online: false, subscriptions: 0, breaker_open: false };
        metrics.add(CLIENTS, 1);
        for name in [ONLINE, SUBSCRIPTIONS, BREAKER_OPEN] {
            metrics.add(name, 0);
        }
        for result in [AttemptResult::Established, AttemptResult::Failed, AttemptResult::Abandoned] {
            metrics.count_by(ATTEMPTS, "result", result.as_str(), 0);
        }
        metrics
    }

    fn label(&self) -> Label {
        Label::new("client", self.client.clone())
    }

    fn count_by(&self, name: &'static str, key: &'static str, value: &'static str, times: u64) {
        counter!(name, [self.label(), Label::from_static_parts(key, value)].iter()).increment(times);
    }

    fn measure(&self, name: &'static str, seconds: core::time::Duration) {
        histogram!(name, [self.label()].iter()).record(seconds);
    }

    fn measure_by(
        &self,
        name: &'static str,
        key: &'static str,
        value: &'static str,
        seconds: core::time::Duration,
    ) {
        histogram!(name, [self.label(), Label::from_static_parts(key, value)].iter()).record(seconds);
    }

    fn add(&self, name: &'static str, difference: i32) {
        gauge!(name, [self.label()].iter()).increment(difference);
    }

    fn set_online(&mut self, online: bool) {
        let difference = i32::from(online).saturating_sub(self.online.into());
        if difference != 0 {
            self.online = online;
            self.add(ONLINE, difference);
        }
    }

    fn set_breaker_open(&mut self, open: bool) {
        let difference = i32::from(open).saturating_sub(self.breaker_open.into());
        if difference != 0 {
            self.breaker_open = open;
            self.add(BREAKER_OPEN, difference);
        }
    }

    fn set_subscriptions(&mut self, subscriptions: usize) {
        let before = core::mem::replace(&mut self.subscriptions, subscriptions);
        let whole = |number| i32::try_from(number).unwrap_or(i32::MAX);
        self.add(SUBSCRIPTIONS, whole(subscriptions).saturating_sub(whole(before)));
    }
}

/// Tells the recorder what each metric is.
fn describe() {
    for Metric { name, kind, help, .. } in METRICS {
        let unit = if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        match kind {
            Counter => describe_counter!(name, unit, help),
            Gauge => describe_gauge!(name, unit, help),
            Histogram => describe_histogram!(name, unit, help),
        }
    }
}

impl Sink for Metrics {
    fn change(&mut self, _: Instant, change: &Change) {
        match *change {
            Change::HeartbeatAcked { round_trip, .. } => self.measure(ROUND_TRIP, round_trip),
            Change::HeartbeatMissed => {
                counter!(HEARTBEATS_MISSED, [self.label()].iter()).increment(1);
            }
            Change::AttemptEnded { result, cause, mode, duration, .. } => {
                self.count_by(ATTEMPTS, "result", result.as_str(), 1);
                self.measure_by(ATTEMPT, "result", result.as_str(), duration);
                if let Some(cause) = cause {
                    self.count_by(ATTEMPT_FAILURES, "cause", cause.as_str(), 1);
                }
                if let Some(mode) = mode.map(Mode::as_str) {
                    self.count_by(SESSIONS, "mode", mode, 1);
                }
            }
            Change::ConnectionLost { cause, .. } => self.count_by(LOSSES, "cause", cause.as_str(), 1),
            Change::OutageBegan { trigger, .. } => self.count_by(OUTAGES, "trigger", trigger.as_str(), 1),
            Change::SubscriptionsChanged { subscriptions } => self.set_subscriptions(subscriptions),
            Change::GaveUp { reason, .. } => self.count_by(GIVE_UPS, "reason", reason.as_str(), 1),
            Change::BreakerChanged { to, .. } => {
                self.count_by(BREAKER_TRANSITIONS, "to", to.as_str(), 1);
                self.set_breaker_open(to != breaker::Phase::Closed);
            }
            Change::WaitEnded { reason, duration } => {
                self.measure_by(WAIT, "reason", reason.as_str(), duration);
            }
            Change::PhaseChanged { to, .. } => {
                self.set_online(to == Phase::Online || self.online && to == Phase::Restoring);
            }
            Change::OutageEnded { result, initial, duration, parked, .. } => {
                self.measure_by(OUTAGE, "result", result.as_str(), duration);
                if result == OutageResult::Recovered && !initial {
                    self.measure(RECOVERY, duration.saturating_sub(parked));
                }
            }
            Change::EventIgnored { disposition, .. } => {
                self.count_by(EVENTS_IGNORED, "disposition", disposition.as_str(), 1);
            }
            Change::SessionDropped { .. }
            | Change::CredentialRequested
            | Change::AttemptBegan { .. }
            | Change::WaitBegan { .. }
            | Change::Restored { .. } => {}
        }
    }
}

impl Drop for Metrics {
    /// This client counts no more.
    fn drop(&mut self) {
        self.set_online(false);
        self.set_breaker_open(false);
        self.set_subscriptions(0);
        self.add(CLIENTS, -1);
    }
}
