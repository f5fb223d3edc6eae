//! What a policy remembers: everything that does not depend on the caller's types.

mod named;
mod stored;

use crate::backoff::Backoff;
use crate::breaker::CircuitBreaker;
use crate::classify::Cause;
use crate::heartbeat::Heartbeat;
use crate::mode::Mode;
use crate::time::{Instant, Micros, OptInstant, SignedInstant, divide};

use super::action::{Endpoint, GiveUp};
use super::event::Epoch;
use super::explain::{Trigger, WaitReason};
use super::lend::OptionalPart;
use super::stats::{Counts, count_small};

pub(super) use named::Named;
pub(super) use stored::{load_part, store_part};

/// What does not depend on the caller's types, but for the parts that may be left out and the name of another endpoint. In this
/// order in memory, so that what every fact reads is in one line or two, and without room between the fields: a fleet keeps
/// millions of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub(super) struct State<B = CircuitBreaker, H = Heartbeat, N = Named<()>> {
    /// The newest `now`.
    pub(super) latest: Instant,
    pub(super) epoch: Option<Epoch>,
    pub(super) mode: Mode,
    pub(super) reached: Reached,
    flags: u16,

    pub(super) stage: Stage,
    pub(super) heartbeat: H,
    /// While a connection is established: since when. Otherwise the gate that the backoff set; the one begins when the other
    /// has ended.
    established_or_backoff_at: Instant,
    /// When the stage began.
    pub(super) since: Instant,
    pub(super) outage_since: SignedInstant,
    pub(super) backoff: Backoff,
    floor_at: Instant,
    /// The newest dial, or refused refresh of a credential: what the next one keeps its distance from.
    pub(super) dialled_at: OptInstant,
    /// While a credential is asked for: when the request has failed. Otherwise when it is to be renewed.
    pub(super) credential_at: OptInstant,
    pub(super) breaker: B,

    pub(super) attempt: u32,
    pub(super) holds: u32,
    pub(super) counts: Counts,
    pub(super) last_cause: Option<Cause>,
    /// What `limited` counts.
    pub(super) limited_by: Option<Cause>,
    /// When the newest loss to another client is forgotten, in seconds.
    pub(super) replaced_secs: u32,
    pub(super) trigger: Trigger,

    backoff_by: WaitReason,
    floor_by: WaitReason,
    /// How often in a row the cause came that may only come so often.
    pub(super) limited: u8,
    /// Failures in a row that the server blamed on our rate, where the cause has no limit of its own.
    pub(super) rate_limited: u8,
    pub(super) credential: Credential,
    /// Rejections since a credential was renewed for nothing.
    pub(super) rejections: u8,
    pub(super) endpoint: Endpoint,
    /// Resumes in a row that were sent and not granted.
    pub(super) resume_failures: u8,
    /// Losses to another client, none an hour after the one before.
    pub(super) replaced: u8,
    /// Endpoints that servers named in this outage.
    pub(super) hops: u8,
    pub(super) streaks: Streaks,
    /// Where a server said to go.
    pub(super) redirect: N,
}

const _: () =
    assert!(size_of::<State>() <= 224, "a byte more of any field is eight bytes more of every policy");

/// What is so or not, a bit each.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum Flag {
    /// The newest dial was a retry at once.
    AtOnce = 1,
    /// The next dial goes on with a round of endpoints.
    InRound = 1 << 1,
    NetworkDown = 1 << 2,
    Hidden = 1 << 3,
    /// The breaker admitted this attempt and waits for its outcome.
    Admitted = 1 << 4,
    /// The session was to be authenticated and is not yet; it outlives the transport, as the session does.
    Unauthenticated = 1 << 5,
    /// From the loss of an established connection until the next one has held.
    Outage = 1 << 6,
    /// A connection was established since the start.
    Ever = 1 << 7,
    /// This one is established.
    Established = 1 << 8,
    /// The server named another endpoint on this transport.
    Redirected = 1 << 9,
    /// The other endpoint is for every dial, not for one.
    RedirectPermanent = 1 << 10,
    /// An endpoint of this round failed otherwise than by a verdict about it.
    OtherFailure = 1 << 11,
    /// This call came long after a wait had ended: the clock may have jumped, which the next call will tell.
    Leapt = 1 << 12,
    /// A credential was sent on the live connection, and is not answered yet.
    Reauthenticating = 1 << 13,
    /// The loss that comes next was told together with another endpoint.
    Unclassified = 1 << 14,
    /// A connection to an endpoint of the caller's was established since the start.
    EverAtBase = 1 << 15,
}

/// How far a transport has come. Each step includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reached {
    /// It is not open yet, or there is none.
    Nothing,
    /// It is open.
    Opened,
    /// Identify or resume has been sent.
    Identified,
    /// That has been answered with a session.
    Settled,
}

/// How often in a row the service was refused for what it is, and how often a fatal status came with a time to come back: four
/// bits each, for counts below six. Any other failure ends both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Streaks(u8);

impl Streaks {
    pub(super) const NONE: Self = Self(0);

    /// One more verdict about the service; how many that makes.
    pub(super) const fn refused(&mut self) -> u8 {
        let count = self.0 & 0xf;
        if count < 0xf {
            self.0 = self.0.wrapping_add(1);
        }
        self.0 & 0xf
    }

    /// One more fatal status with a time to come back; how many that makes.
    pub(super) const fn deferred(&mut self) -> u8 {
        if self.0 < 0xf0 {
            self.0 = self.0.wrapping_add(0x10);
        }
        self.0 >> 4
    }

    /// For a snapshot.
    pub(super) const fn to_bits(self) -> u8 {
        self.0
    }

    /// What [`Self::to_bits`] gave.
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// The stage, with the deadline it needs.
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

/// A time before which no dial happens, and the rule that set it.
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

/// What is known of the caller's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// Good as far as anybody knows.
    Fine,
    /// To be refreshed before the next dial.
    Needed,
    /// Being refreshed.
    Pending,
}

impl Stage {
    /// The same live stage, and whether all is restored on it.
    pub(super) const fn restored(self, restored: bool) -> Self {
        match self {
            Self::Live { replace_at, reason, .. } => Self::Live { restored, replace_at, reason },
            other => other,
        }
    }

    /// Not wanted: never started, stopped, or failed.
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
        mode: Mode::Fresh,
        reached: Reached::Nothing,
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

    /// A clock that ran back before the present stage began starts that stage again, so that its deadline is never
    /// further away than when it was set, and never earlier than it was set to.
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
        self.floor_at = earlier(self.floor_at);
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.rewind(now, answer_within);
        }
        self.outage_since = self.outage_since.min(SignedInstant::at(now));
        self.dialled_at = self.dialled_at.map(|at| at.min(now));
        self.credential_at = self.credential_at.map(earlier);
        self.replaced_secs = self.replaced_secs.min(secs_up(now).saturating_add(REPLACED_SECS));
    }

    /// The host slept for `gap` and its clock stood still: what was running has less left.
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
    /// Wanted, but no transport: waiting or parked.
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

    /// Whether it is so; it is not any more then.
    pub(super) const fn take(&mut self, flag: Flag) -> bool {
        let on = self.is(flag);
        self.set(flag, false);
        on
    }

    /// The gate that the steps on the ladder set; open while a connection is established.
    pub(super) const fn backoff_gate(&self) -> Gate {
        if self.is(Flag::Established) {
            Gate::OPEN
        } else {
            Gate { at: self.established_or_backoff_at, reason: self.backoff_by }
        }
    }

    /// Only between connections.
    pub(super) const fn set_backoff_gate(&mut self, Gate { at, reason }: Gate) {
        self.set(Flag::Established, false);
        self.established_or_backoff_at = at;
        self.backoff_by = reason;
    }

    /// Since when the connection is established, if it is.
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

    /// The connection is over, and no gate is set yet.
    pub(super) const fn end_established(&mut self) {
        if self.is(Flag::Established) {
            self.set_backoff_gate(Gate::OPEN);
        }
    }

    /// The gate below which no wait may end, whatever the ladder says.
    pub(super) const fn floor(&self) -> Gate {
        Gate { at: self.floor_at, reason: self.floor_by }
    }

    pub(super) const fn set_floor(&mut self, Gate { at, reason }: Gate) {
        self.floor_at = at;
        self.floor_by = reason;
    }

    /// The transport is open.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.reached >= Reached::Opened
    }

    /// A connection carries the session: its time to live does not run out.
    #[inline]
    pub(super) fn carries_session(&self) -> bool {
        self.reached == Reached::Settled || self.is(Flag::Established)
    }

    pub(super) fn enter(&mut self, stage: Stage, now: Instant, trigger: Trigger) {
        self.account_parked(now);
        self.stage = stage;
        self.since = now;
        self.trigger = trigger;
    }

    /// Time in which nothing could be tried is no time of the outage.
    pub(super) fn account_parked(&mut self, now: Instant) {
        if let Stage::Parked { .. } = self.stage {
            self.outage_since = self.outage_since.later(now.since(self.since));
            self.since = self.since.max(now);
        }
    }

    /// Waits for a gate that was set before the clock jumped ahead, counted from when the last stage began: a clock that runs
    /// back again must not shift it.
    pub(super) fn wait_unsure(&mut self, now: Instant, gate: Gate, trigger: Trigger) {
        let since = self.since;
        self.account_parked(now);
        self.stage = Stage::Waiting { until: gate.at, reason: gate.reason };
        self.since = since;
        self.trigger = trigger;
    }

    /// So did time that the host slept through.
    pub(super) const fn account_slept(&mut self, now: Instant, gap: Micros) {
        if self.is(Flag::Outage) && !matches!(self.stage, Stage::Parked { .. }) {
            let slept = gap.min(self.outage_since.until(now));
            self.outage_since = self.outage_since.later(slept);
        }
    }

    /// The condition that forbids a dial, if one does.
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

    /// The dial does not count. Only the first of a round ever did.
    pub(super) const fn refund_attempt(&mut self) {
        if !self.is(Flag::InRound) {
            self.attempt = self.attempt.saturating_sub(1);
        }
    }

    /// A connection is gone: an outage begins, unless the last one is not over.
    pub(super) const fn enter_outage(&mut self, now: Instant) {
        if !self.is(Flag::Outage) {
            self.begin_outage(now);
        }
    }

    pub(super) const fn begin_outage(&mut self, now: Instant) {
        self.set(Flag::Outage, true);
        self.outage_since = SignedInstant::at(now);
        self.attempt = 0;
    }

    /// The connection has held: the next loss begins a new outage on the first step of the ladder.
    pub(super) const fn end_outage(&mut self) {
        self.set(Flag::Outage, false);
        self.backoff.reset();
        self.hops = 0;
    }
}
