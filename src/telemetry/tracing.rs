//! Spans and events for the crate `tracing`.

use tracing::field::{DisplayValue, Empty, display};
use tracing::{Span, event, info_span};

use crate::classify::Cause;
use crate::mode::Mode;
use crate::policy::{Endpoint, Role, Trigger};
use crate::time::Instant;

use super::change::{Change, Level, millis};
use super::sink::Sink;

/// An event of this level. Its fields are made only if somebody listens.
macro_rules! emit {
    ($level:ident, $parent:expr, $client:expr, $change:expr) => {
        if tracing::enabled!(target: "redial", tracing::Level::$level) {
            let fields = Fields::of($change);
            event!(
                target: "redial",
                parent: $parent,
                tracing::Level::$level,
                client = $client,
                change = $change.as_str(),
                epoch = fields.epoch,
                attempt = fields.attempt,
                attempts = fields.attempts,
                mode = fields.mode,
                endpoint = fields.endpoint,
                role = fields.role,
                result = fields.result,
                cause = fields.cause,
                trigger = fields.trigger,
                reason = fields.reason,
                from = fields.from,
                to = fields.to,
                event = fields.event,
                disposition = fields.disposition,
                initial = fields.initial,
                subscriptions = fields.subscriptions,
                duration_ms = fields.duration_ms,
                parked_ms = fields.parked_ms,
            );
        }
    };
}

/// A span for each outage, a span for each attempt in it, and an event for each change, with the target `redial`. See
/// [the fields](super#fields).
///
/// Parents are given, not taken from the context: an attempt's parent is the outage, that of an event is the attempt, or else the
/// outage, or else nothing. So the spans of several clients in one thread or one task do not mix, and each span and event says
/// which `client` it is of. An attempt without an outage is that of a [successor](crate::handover).
///
/// Without a subscriber, or if it is not interested, a change costs the look at a static.
///
/// ```
/// use redial::telemetry::{Observed, Tracing};
/// use redial::{Policy, SplitMix64, presets};
///
/// let policy = Policy::new(&presets::RECOMMENDED, SplitMix64::new(7));
/// let policy = Observed::new(policy, Tracing::new("feed"));
/// # let _ = policy;
/// ```
#[derive(Debug)]
pub struct Tracing<N = &'static str> {
    client: N,
    outage: Option<Span>,
    attempt: Option<Span>,
}

impl<N: AsRef<str>> Tracing<N> {
    /// For the client of this name.
    #[must_use]
    pub const fn new(client: N) -> Self {
        Self { client, outage: None, attempt: None }
    }

    /// The span of the attempt under way, to enter while it dials; `None` between two of them.
    #[must_use]
    pub const fn attempt(&self) -> Option<&Span> {
        self.attempt.as_ref()
    }

    fn begin(&mut self, change: &Change) {
        let client = self.client.as_ref();
        match *change {
            Change::OutageBegan { trigger, initial } => {
                self.outage = Some(info_span!(
                    target: "redial",
                    parent: None,
                    "outage",
                    client,
                    trigger = display(trigger),
                    initial,
                    result = Empty,
                    attempts = Empty,
                    duration_ms = Empty,
                    parked_ms = Empty,
                ));
            }
            Change::AttemptBegan { epoch, attempt, mode, endpoint, role } => {
                self.attempt = Some(info_span!(
                    target: "redial",
                    parent: self.outage.as_ref().and_then(Span::id),
                    "attempt",
                    client,
                    epoch = epoch.get(),
                    attempt,
                    mode = mode.as_str(),
                    endpoint = endpoint.as_str(),
                    role = role.as_str(),
                    result = Empty,
                    cause = Empty,
                    duration_ms = Empty,
                ));
            }
            _ => {}
        }
    }

    fn end(&mut self, change: &Change) {
        match *change {
            Change::OutageEnded { result, attempts, duration, parked, .. } => {
                if let Some(span) = self.outage.take() {
                    span.record("result", result.as_str()).record("attempts", attempts);
                    span.record("duration_ms", millis(duration)).record("parked_ms", millis(parked));
                }
            }
            Change::AttemptEnded { result, cause, duration, .. } => {
                if let Some(span) = self.attempt.take() {
                    span.record("result", result.as_str()).record("duration_ms", millis(duration));
                    span.record("cause", cause.map(display));
                }
            }
            _ => {}
        }
    }
}

impl<N: AsRef<str>> Sink for Tracing<N> {
    fn change(&mut self, _: Instant, change: &Change) {
        self.begin(change);
        let span = self.attempt.as_ref().or(self.outage.as_ref());
        let (client, parent) = (self.client.as_ref(), span.and_then(Span::id));
        match change.level() {
            Level::Error => emit!(ERROR, parent, client, change),
            Level::Warn => emit!(WARN, parent, client, change),
            Level::Info => emit!(INFO, parent, client, change),
            Level::Debug => emit!(DEBUG, parent, client, change),
            Level::Trace => emit!(TRACE, parent, client, change),
        }
        self.end(change);
    }
}

/// The fields of a change; those that are `None` are not recorded.
#[derive(Default)]
struct Fields {
    epoch: Option<u32>,
    attempt: Option<u32>,
    attempts: Option<u32>,
    mode: Option<&'static str>,
    endpoint: Option<&'static str>,
    role: Option<&'static str>,
    result: Option<&'static str>,
    cause: Option<DisplayValue<Cause>>,
    trigger: Option<DisplayValue<Trigger>>,
    reason: Option<&'static str>,
    from: Option<&'static str>,
    to: Option<&'static str>,
    event: Option<&'static str>,
    disposition: Option<&'static str>,
    initial: Option<bool>,
    subscriptions: Option<u64>,
    duration_ms: Option<u64>,
    parked_ms: Option<u64>,
}

impl Fields {
    fn of(change: &Change) -> Self {
        let none = Self::default();
        match *change {
            Change::HeartbeatMissed | Change::CredentialRequested => none,
            Change::HeartbeatAcked { epoch, round_trip } => {
                Self { epoch: Some(epoch.get()), duration_ms: Some(millis(round_trip)), ..none }
            }
            Change::AttemptEnded { epoch, attempt, result, cause, mode, duration } => Self {
                epoch: Some(epoch.get()),
                attempt: Some(attempt),
                result: Some(result.as_str()),
                cause: cause.map(display),
                mode: mode.map(Mode::as_str),
                duration_ms: Some(millis(duration)),
                ..none
            },
            Change::ConnectionLost { cause, uptime } => {
                Self { cause: Some(display(cause)), duration_ms: Some(millis(uptime)), ..none }
            }
            Change::OutageBegan { trigger, initial } => {
                Self { trigger: Some(display(trigger)), initial: Some(initial), ..none }
            }
            Change::SubscriptionsChanged { subscriptions } | Change::Restored { subscriptions } => {
                Self { subscriptions: u64::try_from(subscriptions).ok(), ..none }
            }
            Change::SessionDropped { reason } => Self { reason: Some(reason.as_str()), ..none },
            Change::GaveUp { reason, cause } => {
                Self { reason: Some(reason.as_str()), cause: Some(display(cause)), ..none }
            }
            Change::AttemptBegan { epoch, attempt, mode, endpoint, role } => Self {
                epoch: Some(epoch.get()),
                attempt: Some(attempt),
                mode: Some(Mode::as_str(mode)),
                endpoint: Some(Endpoint::as_str(endpoint)),
                role: Some(Role::as_str(role)),
                ..none
            },
            Change::BreakerChanged { from, to } => {
                Self { from: Some(from.as_str()), to: Some(to.as_str()), ..none }
            }
            Change::WaitEnded { reason, duration } => {
                Self { reason: Some(reason.as_str()), duration_ms: Some(millis(duration)), ..none }
            }
            Change::PhaseChanged { from, to, trigger } => Self {
                from: Some(from.as_str()),
                to: Some(to.as_str()),
                trigger: Some(display(trigger)),
                ..none
            },
            Change::WaitBegan { reason, planned } => {
                Self { reason: Some(reason.as_str()), duration_ms: planned.map(millis), ..none }
            }
            Change::OutageEnded { result, initial, attempts, duration, parked } => Self {
                result: Some(result.as_str()),
                initial: Some(initial),
                attempts: Some(attempts),
                duration_ms: Some(millis(duration)),
                parked_ms: Some(millis(parked)),
                ..none
            },
            Change::EventIgnored { event, disposition } => {
                Self { event: Some(event), disposition: Some(disposition.as_str()), ..none }
            }
        }
    }
}
