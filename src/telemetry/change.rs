//! What changed in one step, in the words that every sink uses.

use core::fmt;
use core::time::Duration;

use crate::breaker;
use crate::classify::Cause;
use crate::mode::Mode;
use crate::policy::{Disposition, DropReason, Endpoint, Epoch, GiveUp, Phase, Role, Trigger, WaitReason};
use crate::words::words;

/// How much a change matters to the reader of a log. From [`Change::level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the five levels that every logging crate has")]
pub enum Level {
    /// The client is over: somebody has to act.
    Error,
    /// Messages may be late or lost, and the client sees to it itself.
    Warn,
    /// The course of an outage, a line for each attempt.
    Info,
    /// Steps between them.
    Debug,
    /// What happens on a healthy connection, again and again.
    Trace,
}

words!(Level {
    Error => "error",
    Warn => "warn",
    Info => "info",
    Debug => "debug",
    Trace => "trace",
});

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptResult {
    /// With an established connection.
    Established,
    /// With a failure.
    Failed,
    /// The user or the host ended it before its outcome was known.
    Abandoned,
}

words!(AttemptResult {
    Established => "established",
    Failed => "failed",
    Abandoned => "abandoned",
});

/// How an outage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OutageResult {
    /// The client is online.
    Recovered,
    /// The user stopped it.
    Stopped,
    /// The policy gave up.
    GaveUp,
}

words!(OutageResult {
    Recovered => "recovered",
    Stopped => "stopped",
    GaveUp => "gave_up",
});

/// One thing that changed. A step has none, one, or several in this order.
///
/// No field holds anything of the user's or the server's: no token, no endpoint, no key of a subscription, no message. `Display`
/// writes one line: the word and then `field=value` for each field, with durations in whole milliseconds (`duration_ms`), rounded
/// down.
///
/// ```
/// use redial::telemetry::{Change, Observed, Sink};
/// use redial::{Cause, Event, Instant, Policy, SplitMix64, presets};
///
/// /// Remembers the attempts that failed, as a line each.
/// #[derive(Default)]
/// struct Failures(Vec<String>);
///
/// impl Sink for Failures {
///     fn change(&mut self, _: Instant, change: &Change) {
///         if let Change::AttemptEnded { cause: Some(_), .. } = change {
///             self.0.push(change.to_string());
///         }
///     }
/// }
///
/// let mut policy = Observed::new(Policy::new(&presets::RECOMMENDED, SplitMix64::new(7)), Failures::default());
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let now = Instant::from_millis(20);
/// let _wait = policy.handle_event(now, Event::OpenFailed { epoch, cause: Cause::Http(503), retry_after: None });
/// assert_eq!(
///     policy.sink().0,
///     ["attempt_ended epoch=1 attempt=1 result=failed cause=http_503 duration_ms=20"]
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// A heartbeat was acknowledged.
    HeartbeatAcked {
        /// The transport.
        epoch: Epoch,
        /// The time since the newest heartbeat on it.
        round_trip: Duration,
    },
    /// A heartbeat was unanswered when the next one was due.
    HeartbeatMissed,
    /// The attempt under way ended.
    AttemptEnded {
        /// Its transport.
        epoch: Epoch,
        /// Its number in its outage, from 1.
        attempt: u32,
        /// How it ended.
        result: AttemptResult,
        /// Why, if it failed.
        cause: Option<Cause>,
        /// Whether the session is a new one or was resumed, if it is established.
        mode: Option<Mode>,
        /// How long it took.
        duration: Duration,
    },
    /// An established connection was lost.
    ConnectionLost {
        /// Why.
        cause: Cause,
        /// How long it was established.
        uptime: Duration,
    },
    /// The client is to be online and is not.
    OutageBegan {
        /// What brought it about.
        trigger: Trigger,
        /// Whether the user has just asked for the connection. Otherwise it was there, and its end is a recovery.
        initial: bool,
    },
    /// A wait ended, or goes on for another reason.
    WaitEnded {
        /// What was waited for.
        reason: WaitReason,
        /// How long it was.
        duration: Duration,
    },
    /// The subscriptions that the user wants have another number.
    SubscriptionsChanged {
        /// How many they are now.
        subscriptions: usize,
    },
    /// The session was dropped: its token, its sequence number and its endpoint.
    SessionDropped {
        /// Why.
        reason: DropReason,
    },
    /// A fresh credential was asked for.
    CredentialRequested,
    /// The policy gave up.
    GaveUp {
        /// Why.
        reason: GiveUp,
        /// The cause of the last failure or loss.
        cause: Cause,
    },
    /// A transport is dialled.
    AttemptBegan {
        /// Its number.
        epoch: Epoch,
        /// The number of the dial in its outage, from 1.
        attempt: u32,
        /// What will be sent on it.
        mode: Mode,
        /// Where it goes.
        endpoint: Endpoint,
        /// Whether it is to replace a connection that is up.
        role: Role,
    },
    /// The breaker of the policy changed its state, as far as the policy has looked: that an open time has passed shows with
    /// the next dial.
    BreakerChanged {
        /// What it was.
        from: breaker::Phase,
        /// What it is.
        to: breaker::Phase,
    },
    /// The policy is in another phase.
    PhaseChanged {
        /// The one that it was in.
        from: Phase,
        /// The one that it is in.
        to: Phase,
        /// What brought it there.
        trigger: Trigger,
    },
    /// The policy waits, for a time or for a condition.
    WaitBegan {
        /// What for.
        reason: WaitReason,
        /// How long, if that is known.
        planned: Option<Duration>,
    },
    /// Every subscription was sent on a connection that is established again.
    Restored {
        /// How many are wanted.
        subscriptions: usize,
    },
    /// The outage is over.
    OutageEnded {
        /// How it ended.
        result: OutageResult,
        /// As in [`Change::OutageBegan`].
        initial: bool,
        /// The attempts that began in it.
        attempts: u32,
        /// How long it was.
        duration: Duration,
        /// How much of that the policy was parked on a condition: a hold, the network, a hidden page, a credential. Nothing
        /// could be tried then.
        parked: Duration,
    },
    /// An event had no effect.
    EventIgnored {
        /// Its [word](crate::Event::as_str).
        event: &'static str,
        /// Why.
        disposition: Disposition,
    },
}

words!(as_str Change {
    HeartbeatAcked => "heartbeat_acked",
    HeartbeatMissed => "heartbeat_missed",
    AttemptEnded => "attempt_ended",
    ConnectionLost => "connection_lost",
    OutageBegan => "outage_began",
    SubscriptionsChanged => "subscriptions_changed",
    SessionDropped => "session_dropped",
    CredentialRequested => "credential_requested",
    GaveUp => "gave_up",
    AttemptBegan => "attempt_began",
    BreakerChanged => "breaker_changed",
    WaitEnded => "wait_ended",
    PhaseChanged => "phase_changed",
    WaitBegan => "wait_began",
    Restored => "restored",
    OutageEnded => "outage_ended",
    EventIgnored => "event_ignored",
});

impl Change {
    /// How much it matters: see the table in [`telemetry`](super).
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::GaveUp { .. } => Level::Error,
            Self::OutageBegan { initial: false, .. }
            | Self::BreakerChanged { to: breaker::Phase::Open | breaker::Phase::ForcedOpen, .. } => {
                Level::Warn
            }
            Self::OutageBegan { .. }
            | Self::OutageEnded { .. }
            | Self::ConnectionLost { .. }
            | Self::AttemptBegan { .. }
            | Self::AttemptEnded { .. }
            | Self::BreakerChanged { .. }
            | Self::SessionDropped { .. }
            | Self::HeartbeatMissed => Level::Info,
            Self::PhaseChanged { .. }
            | Self::WaitBegan { .. }
            | Self::WaitEnded { .. }
            | Self::Restored { .. }
            | Self::SubscriptionsChanged { .. }
            | Self::CredentialRequested => Level::Debug,
            Self::HeartbeatAcked { .. } | Self::EventIgnored { .. } => Level::Trace,
        }
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Writes the fields of a change, each by the macro `$field` from a literal and a value: one text for everything that prints.
macro_rules! write_fields {
    ($change:expr, $field:ident) => {
        match *$change {
            Change::HeartbeatAcked { epoch, round_trip } => {
                $field!(" epoch={}", epoch);
                $field!(" duration_ms={}", millis(round_trip));
            }
            Change::HeartbeatMissed | Change::CredentialRequested => {}
            Change::AttemptEnded { epoch, attempt, result, cause, mode, duration } => {
                $field!(" epoch={}", epoch);
                $field!(" attempt={}", attempt);
                $field!(" result={}", result);
                if let Some(cause) = cause {
                    $field!(" cause={}", cause);
                }
                if let Some(mode) = mode {
                    $field!(" mode={}", mode);
                }
                $field!(" duration_ms={}", millis(duration));
            }
            Change::ConnectionLost { cause, uptime } => {
                $field!(" cause={}", cause);
                $field!(" duration_ms={}", millis(uptime));
            }
            Change::OutageBegan { trigger, initial } => {
                $field!(" trigger={}", trigger);
                $field!(" initial={}", initial);
            }
            Change::SubscriptionsChanged { subscriptions } | Change::Restored { subscriptions } => {
                $field!(" subscriptions={}", subscriptions);
            }
            Change::SessionDropped { reason } => $field!(" reason={}", reason),
            Change::GaveUp { reason, cause } => {
                $field!(" reason={}", reason);
                $field!(" cause={}", cause);
            }
            Change::AttemptBegan { epoch, attempt, mode, endpoint, role } => {
                $field!(" epoch={}", epoch);
                $field!(" attempt={}", attempt);
                $field!(" mode={}", mode);
                $field!(" endpoint={}", endpoint);
                $field!(" role={}", role);
            }
            Change::BreakerChanged { from, to } => {
                $field!(" from={}", from);
                $field!(" to={}", to);
            }
            Change::WaitEnded { reason, duration } => {
                $field!(" reason={}", reason);
                $field!(" duration_ms={}", millis(duration));
            }
            Change::PhaseChanged { from, to, trigger } => {
                $field!(" from={}", from);
                $field!(" to={}", to);
                $field!(" trigger={}", trigger);
            }
            Change::WaitBegan { reason, planned } => {
                $field!(" reason={}", reason);
                if let Some(planned) = planned {
                    $field!(" duration_ms={}", millis(planned));
                }
            }
            Change::OutageEnded { result, initial, attempts, duration, parked } => {
                $field!(" result={}", result);
                $field!(" initial={}", initial);
                $field!(" attempts={}", attempts);
                $field!(" duration_ms={}", millis(duration));
                $field!(" parked_ms={}", millis(parked));
            }
            Change::EventIgnored { event, disposition } => {
                $field!(" event={}", event);
                $field!(" disposition={}", disposition);
            }
        }
    };
}

#[cfg(feature = "defmt")]
pub(super) use write_fields;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        macro_rules! field {
            ($format:literal, $value:expr) => {
                write!(f, $format, $value)?
            };
        }
        f.write_str(self.as_str())?;
        write_fields!(self, field);
        Ok(())
    }
}
