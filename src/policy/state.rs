//! What a policy remembers: everything that does not depend on the caller's types.

mod exchange;
mod named;
mod progress;
mod stored;

use crate::backoff::Backoff;
use crate::breaker::CircuitBreaker;
use crate::classify::Cause;
use crate::heartbeat::Heartbeat;
use crate::time::{Instant, Micros, OptInstant, SignedInstant, divide};

use super::action::{Endpoint, GiveUp};
use super::event::Epoch;
use super::explain::{Trigger, WaitReason};
use super::source::OptionalPart;
use super::stats::{Counts, count_small};

pub(super) use named::Named;
pub(super) use progress::{Progress, Reached};
pub(super) use stored::{load_part, store_part};

/// The part of a policy that does not depend on the caller's types, except for the optional parts and the redirect's endpoint.
/// The fields are in this order in memory, so that the hot path reads one or two cache lines and there is no padding: a fleet
/// has millions of policies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub(super) struct State<B = CircuitBreaker, H = Heartbeat, N = Named<()>> {
    /// The newest `now`.
    pub(super) latest: Instant,
    pub(super) epoch: Option<Epoch>,
    pub(super) progress: Progress,
    flags: u16,

    pub(super) stage: Stage,
    pub(super) heartbeat: H,
    /// While a connection is established: since when. Otherwise the gate that the backoff set. They exclude each other.
    established_or_backoff_at: Instant,
    /// When the stage began.
    pub(super) since: Instant,
    pub(super) outage_since: SignedInstant,
    pub(super) backoff: Backoff,
    floor_at: Instant,
    /// The time of the newest dial or failed credential request, from which the next one keeps its distance.
    pub(super) dialled_at: OptInstant,
    /// While a credential is requested: the limit for the answer. Otherwise the time of its renewal.
    pub(super) credential_at: OptInstant,
    pub(super) breaker: B,

    pub(super) attempt: u32,
    pub(super) holds: u32,
    pub(super) counts: Counts,
    pub(super) last_cause: Option<Cause>,
    /// The cause that `limited` counts.
    pub(super) limited_by: Option<Cause>,
    /// When the newest loss to another client is forgotten, in seconds.
    pub(super) replaced_secs: u32,
    pub(super) trigger: Trigger,

    backoff_by: WaitReason,
    floor_by: WaitReason,
    /// How often in a row the cause came whose number is limited.
    pub(super) limited: u8,
    /// Rate-limited failures in a row, of causes without a limit of their own.
    pub(super) rate_limited: u8,
    pub(super) credential: Credential,
    /// Rejections in a row of the credential.
    pub(super) rejections: u8,
    pub(super) endpoint: Endpoint,
    /// Resumes in a row that were sent and not granted.
    pub(super) resume_failures: u8,
    /// Losses to another client, each within an hour of the one before.
    pub(super) replaced: u8,
    /// Redirects that were followed in this outage.
    pub(super) hops: u8,
    pub(super) streaks: Streaks,
    /// The endpoint that the server named.
    pub(super) redirect: N,
}

const _: () =
    assert!(size_of::<State>() <= 224, "a byte more of any field is eight bytes more of every policy");

/// Conditions of one bit each.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum Flag {
    /// The newest dial was an immediate retry.
    AtOnce = 1,
    /// The next dial continues a round of endpoints.
    InRound = 1 << 1,
    NetworkDown = 1 << 2,
    Hidden = 1 << 3,
    /// The breaker admitted this attempt and waits for its outcome.
    Admitted = 1 << 4,
    /// The session is to be authenticated and is not yet. This outlives the transport, as the session does.
    Unauthenticated = 1 << 5,
    /// From the loss of an established connection until the next one is stable.
    Outage = 1 << 6,
    /// A connection was established since the start.
    Ever = 1 << 7,
    /// The present connection is established.
    Established = 1 << 8,
    /// The server named another endpoint on this transport.
    Redirected = 1 << 9,
    /// The redirect is for every dial, not only for the next.
    RedirectPermanent = 1 << 10,
    /// An endpoint of this round failed for a cause that is not fatal.
    OtherFailure = 1 << 11,
    /// This call came long after a deadline: the clock may have jumped, which the next call tells.
    Leapt = 1 << 12,
    /// A credential was sent on the live connection, and is not answered yet.
    Reauthenticating = 1 << 13,
    /// The next loss comes with a redirect and is not classified.
    Unclassified = 1 << 14,
    /// A connection to a configured endpoint was established since the start.
    EverAtBase = 1 << 15,
}

/// How often in a row a fatal verdict about the service was retried, and how often a fatal status that came with
/// `Retry-After`: four bits each, for counts below six. Any other failure resets both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Streaks(u8);

impl Streaks {
    pub(super) const NONE: Self = Self(0);

    /// Counts a fatal verdict about the service and returns how many there are.
    pub(super) const fn refused(&mut self) -> u8 {
        let count = self.0 & 0xf;
        if count < 0xf {
            self.0 = self.0.wrapping_add(1);
        }
        self.0 & 0xf
    }

    /// Counts a fatal status with `Retry-After` and returns how many there are.
    pub(super) const fn deferred(&mut self) -> u8 {
        if self.0 < 0xf0 {
            self.0 = self.0.wrapping_add(0x10);
        }
        self.0 >> 4
    }

    /// The counts as a snapshot stores them.
    pub(super) const fn to_bits(self) -> u8 {
        self.0
    }

    /// The counts from [`Self::to_bits`].
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// The stage of a policy, with its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Idle,
    Connecting { deadline: Instant },
    Greeting { deadline: Instant },
    Establishing { deadline: OptInstant },
    Authenticating { deadline: Instant },
    Live { restored: bool, replace_at: OptInstant, reason: WaitReason },
    Waiting { until: Instant, reason: WaitReason },
    Parked { on: WaitReason },
    Stopped,
    Failed { reason: GiveUp },
}

/// A time before which the policy does not dial, and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) at: Instant,
    pub(super) reason: WaitReason,
}

impl Gate {
    pub(super) const OPEN: Self = Self { at: Instant::ZERO, reason: WaitReason::Backoff };

    /// The later of the two; of equals, the first.
    pub(super) const fn later(self, other: Self) -> Self {
        if other.at.as_micros() > self.at.as_micros() { other } else { self }
    }
}

/// The state of the caller's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// Valid, as far as is known.
    Fine,
    /// To be requested before the next dial.
    Needed,
    /// Requested and not answered yet.
    Pending,
}

impl Stage {
    /// The same live stage with `restored` set.
    pub(super) const fn restored(self, restored: bool) -> Self {
        match self {
            Self::Live { replace_at, reason, .. } => Self::Live { restored, replace_at, reason },
            other => other,
        }
    }

    /// Whether there is to be no connection: never started, stopped, or failed.
    pub(super) const fn is_asleep(self) -> bool {
        matches!(self, Self::Idle | Self::Stopped | Self::Failed { .. })
    }

    pub(super) const fn is_alive(self) -> bool {
        match self {
            Self::Connecting { .. }
            | Self::Greeting { .. }
            | Self::Establishing { .. }
            | Self::Authenticating { .. }
            | Self::Live { .. } => true,
            Self::Idle | Self::Waiting { .. } | Self::Parked { .. } | Self::Stopped | Self::Failed { .. } => {
                false
            }
        }
    }
}

impl<B: OptionalPart<CircuitBreaker>, H: OptionalPart<Heartbeat>, T> State<B, H, Named<T>> {
    pub(super) const NEW: Self = Self {
        latest: Instant::ZERO,
        epoch: None,
        progress: Progress::NONE,
        flags: 0,
        stage: Stage::Idle,
        heartbeat: H::NEW,
        established_or_backoff_at: Gate::OPEN.at,
        since: Instant::ZERO,
        outage_since: SignedInstant::at(Instant::ZERO),
        backoff: Backoff::new(),
        floor_at: Gate::OPEN.at,
        dialled_at: OptInstant::NONE,
        credential_at: OptInstant::NONE,
        breaker: B::NEW,
        attempt: 0,
        holds: 0,
        counts: Counts::NEW,
        last_cause: None,
        limited_by: None,
        replaced_secs: 0,
        trigger: Trigger::New,
        backoff_by: Gate::OPEN.reason,
        floor_by: Gate::OPEN.reason,
        limited: 0,
        rate_limited: 0,
        credential: Credential::Fine,
        rejections: 0,
        endpoint: Endpoint::Base,
        resume_failures: 0,
        replaced: 0,
        hops: 0,
        streaks: Streaks::NONE,
        redirect: Named(None),
    };

    /// The clock ran back to `now`. If that is before the present stage began, the stage begins at `now`, so that no deadline is
    /// further away than when it was set, and none comes early.
    pub(super) fn rewind(&mut self, now: Instant, answer_within: Micros) {
        count_small(&mut self.counts.clock_rewinds);
        let back = self.since.since(now);
        let earlier = |at: Instant| at.before(back);
        self.since = self.since.min(now);
        self.stage = match self.stage {
            Stage::Connecting { deadline } => Stage::Connecting { deadline: earlier(deadline) },
            Stage::Greeting { deadline } => Stage::Greeting { deadline: earlier(deadline) },
            Stage::Establishing { deadline } => Stage::Establishing { deadline: deadline.map(earlier) },
            Stage::Authenticating { deadline } => Stage::Authenticating { deadline: earlier(deadline) },
            Stage::Waiting { until, reason } => Stage::Waiting { until: earlier(until), reason },
            Stage::Live { restored, replace_at, reason } => {
                Stage::Live { restored, replace_at: replace_at.map(earlier), reason }
            }
            same @ (Stage::Idle | Stage::Parked { .. } | Stage::Stopped | Stage::Failed { .. }) => same,
        };
        self.established_or_backoff_at = if self.is(Flag::Established) {
            self.established_or_backoff_at.min(now)
        } else {
            earlier(self.established_or_backoff_at)
        };
        self.floor_at = if self.is(Flag::Established) {
            // A successor that was given up set it, after the connection began: what was left of it is left.
            self.floor_at.min(now.after(self.floor_at.since(self.latest)))
        } else {
            earlier(self.floor_at)
        };
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.rewind(now, answer_within);
        }
        if self.outage_since > SignedInstant::at(now) {
            // It began, or was parked, by the time that the clock had: it is as old as it was.
            let age = self.outage_since.until(self.latest);
            self.outage_since = SignedInstant::before(now, age);
        }
        self.dialled_at = self.dialled_at.map(|at| at.min(now));
        self.credential_at = self.credential_at.map(earlier);
        self.replaced_secs = self.replaced_secs.min(secs_up(now).saturating_add(REPLACED_SECS));
    }

    /// The host slept for `gap` while its clock stood still: everything that was running has less time left.
    pub(super) fn age(&mut self, now: Instant, gap: Micros) {
        let nearer = |at: Instant| at.before(gap).max(now);
        self.floor_at = self.floor_at.before(gap);
        if self.credential != Credential::Pending {
            self.credential_at = self.credential_at.map(nearer);
        }
        if let Stage::Live { replace_at, .. } = &mut self.stage {
            *replace_at = replace_at.map(nearer);
        }
        if let Some(breaker) = self.breaker.get_mut() {
            breaker.age(gap);
        }
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.age(now, gap);
        }
        let gone = u32::try_from(divide(gap.0, 1_000_000).0).unwrap_or(u32::MAX);
        self.replaced_secs = self.replaced_secs.saturating_sub(gone);
    }
}

/// A loss to another client is forgotten after an hour without one.
pub(super) const REPLACED_SECS: u32 = 3_600;

/// Whole seconds, rounded up, so that an hour is never shorter.
pub(super) fn secs_up(at: Instant) -> u32 {
    u32::try_from(Micros(at.as_micros()).divided_up(1_000_000).0).unwrap_or(u32::MAX)
}

impl Stage {
    /// Whether the policy is between connections: waiting or parked.
    pub(super) const fn is_between(self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Parked { .. })
    }
}

impl<B, H, N> State<B, H, N> {
    #[inline]
    pub(super) const fn is(&self, flag: Flag) -> bool {
        self.flags & flag as u16 != 0
    }

    pub(super) const fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.flags |= flag as u16;
        } else {
            self.flags &= !(flag as u16);
        }
    }

    /// Clears the flag and returns whether it was set.
    pub(super) const fn take(&mut self, flag: Flag) -> bool {
        let on = self.is(flag);
        self.set(flag, false);
        on
    }

    /// The gate that the backoff set; open while a connection is established.
    pub(super) const fn backoff_gate(&self) -> Gate {
        if self.is(Flag::Established) {
            Gate::OPEN
        } else {
            Gate { at: self.established_or_backoff_at, reason: self.backoff_by }
        }
    }

    /// For use between connections only.
    pub(super) const fn set_backoff_gate(&mut self, Gate { at, reason }: Gate) {
        self.set(Flag::Established, false);
        self.established_or_backoff_at = at;
        self.backoff_by = reason;
    }

    /// When the connection was established, if it is.
    #[inline]
    pub(super) const fn established_at(&self) -> OptInstant {
        if self.is(Flag::Established) {
            OptInstant::at(self.established_or_backoff_at)
        } else {
            OptInstant::NONE
        }
    }

    pub(super) const fn set_established(&mut self, now: Instant) {
        self.set(Flag::Established, true);
        self.established_or_backoff_at = now;
    }

    /// Ends an established connection; no gate is set yet.
    pub(super) const fn end_established(&mut self) {
        if self.is(Flag::Established) {
            self.set_backoff_gate(Gate::OPEN);
        }
    }

    /// The gate before which no wait ends, whatever the backoff says.
    pub(super) const fn floor(&self) -> Gate {
        Gate { at: self.floor_at, reason: self.floor_by }
    }

    pub(super) const fn set_floor(&mut self, Gate { at, reason }: Gate) {
        self.floor_at = at;
        self.floor_by = reason;
    }

    /// Whether a transport carries the session, so that its time to live does not run.
    #[inline]
    pub(super) const fn carries_session(&self) -> bool {
        self.reached() as u8 == Reached::Settled as u8 || self.is(Flag::Established)
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn enter(&mut self, stage: Stage, now: Instant, trigger: Trigger) {
        self.account_parked(now);
        self.stage = stage;
        self.since = now;
        self.trigger = trigger;
    }

    /// Time during which the policy was parked does not count as time of the outage.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn account_parked(&mut self, now: Instant) {
        if let Stage::Parked { .. } = self.stage {
            self.outage_since = self.outage_since.later(now.since(self.since));
            self.since = self.since.max(now);
        }
    }

    /// Waits for a gate that was set before the clock may have jumped ahead. The wait counts from the beginning of the last
    /// stage, so that a clock that runs back again does not move the gate.
    pub(super) fn wait_unsure(&mut self, now: Instant, gate: Gate, trigger: Trigger) {
        let since = self.since;
        self.account_parked(now);
        self.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
        self.since = since;
        self.trigger = trigger;
    }

    /// Time during which the host slept does not count as time of the outage.
    pub(super) const fn account_slept(&mut self, now: Instant, gap: Micros) {
        if self.is(Flag::Outage) && !matches!(self.stage, Stage::Parked { .. }) {
            let slept = gap.min(self.outage_since.until(now));
            self.outage_since = self.outage_since.later(slept);
        }
    }

    /// The condition that forbids a dial, if there is one.
    pub(super) const fn parked_on(&self) -> Option<WaitReason> {
        if self.holds != 0 {
            Some(WaitReason::Hold)
        } else if self.is(Flag::NetworkDown) {
            Some(WaitReason::Network)
        } else if self.is(Flag::Hidden) {
            Some(WaitReason::Hidden)
        } else {
            None
        }
    }

    /// Takes the dial back from the count. Of a round only the first dial was counted.
    pub(super) const fn refund_attempt(&mut self) {
        if !self.is(Flag::InRound) {
            self.attempt = self.attempt.saturating_sub(1);
        }
    }

    /// Begins an outage, unless one is under way.
    pub(super) const fn enter_outage(&mut self, now: Instant) {
        if !self.is(Flag::Outage) {
            self.begin_outage(now);
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) const fn begin_outage(&mut self, now: Instant) {
        self.set(Flag::Outage, true);
        self.outage_since = SignedInstant::at(now);
        self.attempt = 0;
    }

    /// The connection is stable: the next loss begins a new outage with the first wait of the backoff.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) const fn end_outage(&mut self) {
        self.set(Flag::Outage, false);
        self.backoff.reset();
        self.hops = 0;
    }
}
