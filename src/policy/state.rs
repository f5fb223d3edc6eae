//! What a policy remembers: everything that does not depend on the caller's types.

use crate::backoff::Backoff;
use crate::breaker::CircuitBreaker;
use crate::classify::Cause;
use crate::heartbeat::Heartbeat;
use crate::mode::Mode;
use crate::time::{Instant, Moment, Past};

use super::action::{Endpoint, GiveUp};
use super::event::Epoch;
use super::explain::{Reason, Stats, Why, count};
use super::lend::Part;

/// What does not depend on the caller's types, but for the parts that may be left out. In this order in memory, so that what every fact reads is in one line or
/// two, and without room between the fields: a fleet keeps millions of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub(super) struct State<B = CircuitBreaker, H = Heartbeat> {
    /// The newest `now`.
    pub(super) latest: Instant,
    pub(super) epoch: Option<Epoch>,
    pub(super) mode: Mode,
    pub(super) reached: Reached,
    /// From the loss of an established connection until the next one has held.
    pub(super) outage: bool,
    /// A connection was established since the start.
    pub(super) ever: bool,

    pub(super) stage: Stage,
    pub(super) heartbeat: H,
    /// The attempt has succeeded.
    pub(super) established_at: Moment,
    /// When the stage began.
    pub(super) since: Instant,
    pub(super) outage_since: Past,
    pub(super) backoff: Backoff,
    ladder_at: Instant,
    floor_at: Instant,
    /// The newest dial, or refused refresh of a credential: what the next one keeps its distance from.
    pub(super) dialled_at: Moment,
    pub(super) breaker: B,

    pub(super) attempt: u32,
    pub(super) holds: u32,
    pub(super) stats: Stats,
    pub(super) why: Why,
    pub(super) last_cause: Option<Cause>,
    /// What `limited` counts.
    pub(super) limited_by: Option<Cause>,

    /// The newest request for a credential.
    pub(super) request: u16,
    ladder_by: Reason,
    floor_by: Reason,
    flags: u8,
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
}

const _: () =
    assert!(size_of::<State>() <= 224, "a byte more of any field is eight bytes more of every policy");

/// What is so or not, a bit each.
#[derive(Clone, Copy)]
#[repr(u8)]
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

/// The stage, with the deadline it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Idle,
    Connecting { deadline: Instant },
    Greeting { deadline: Instant },
    Establishing { deadline: Moment },
    Authenticating { deadline: Instant },
    Live { restored: bool },
    Waiting { until: Instant, reason: Reason },
    Parked { on: Reason },
    Stopped,
    Failed { reason: GiveUp },
}

/// A time before which no dial happens, and the rule that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) at: Instant,
    pub(super) reason: Reason,
}

impl Gate {
    pub(super) const OPEN: Self = Self { at: Instant::ZERO, reason: Reason::Backoff };

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

impl<B: Part<CircuitBreaker>, H: Part<Heartbeat>> State<B, H> {
    pub(super) const NEW: Self = Self {
        latest: Instant::ZERO,
        epoch: None,
        mode: Mode::Fresh,
        reached: Reached::Nothing,
        outage: false,
        ever: false,
        stage: Stage::Idle,
        heartbeat: H::NEW,
        established_at: Moment::NONE,
        since: Instant::ZERO,
        outage_since: Past::at(Instant::ZERO),
        backoff: Backoff::new(),
        ladder_at: Gate::OPEN.at,
        floor_at: Gate::OPEN.at,
        dialled_at: Moment::NONE,
        breaker: B::NEW,
        attempt: 0,
        holds: 0,
        stats: Stats::NEW,
        why: Why::New,
        last_cause: None,
        limited_by: None,
        request: 0,
        ladder_by: Gate::OPEN.reason,
        floor_by: Gate::OPEN.reason,
        flags: 0,
        limited: 0,
        rate_limited: 0,
        credential: Credential::Fine,
        rejections: 0,
        endpoint: Endpoint::Base,
        resume_failures: 0,
    };

    /// A clock that ran back before the present stage began starts that stage again, so that its deadline is never
    /// further away than when it was set, and never earlier than it was set to (S98).
    pub(super) fn rewind(&mut self, now: Instant) {
        count(&mut self.stats.clock_rewinds);
        let back = self.since.since(now);
        let earlier = |at: Instant| Instant::from_micros(at.as_micros().saturating_sub(back.0));
        self.since = self.since.min(now);
        self.stage = match self.stage {
            Stage::Connecting { deadline } => Stage::Connecting { deadline: earlier(deadline) },
            Stage::Greeting { deadline } => Stage::Greeting { deadline: earlier(deadline) },
            Stage::Establishing { deadline } => Stage::Establishing { deadline: deadline.map(earlier) },
            Stage::Authenticating { deadline } => Stage::Authenticating { deadline: earlier(deadline) },
            Stage::Waiting { until, reason } => Stage::Waiting { until: earlier(until), reason },
            same @ (Stage::Idle
            | Stage::Live { .. }
            | Stage::Parked { .. }
            | Stage::Stopped
            | Stage::Failed { .. }) => same,
        };
        self.ladder_at = earlier(self.ladder_at);
        self.floor_at = earlier(self.floor_at);
        if let Some(heartbeat) = self.heartbeat.get_mut() {
            heartbeat.rewind(now);
        }
        self.outage_since = self.outage_since.min(Past::at(now));
        self.dialled_at = self.dialled_at.map(|at| at.min(now));
        self.established_at = self.established_at.map(|at| at.min(now));
    }
}

impl Stage {
    /// Wanted, but no transport: waiting or parked.
    pub(super) const fn is_between(self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Parked { .. })
    }
}

impl<B, H> State<B, H> {
    pub(super) const fn is(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    pub(super) const fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.flags |= flag as u8;
        } else {
            self.flags &= !(flag as u8);
        }
    }

    /// Whether it is so; it is not any more then.
    pub(super) const fn take(&mut self, flag: Flag) -> bool {
        let on = self.is(flag);
        self.set(flag, false);
        on
    }

    /// The gate that the steps on the ladder set.
    pub(super) const fn ladder(&self) -> Gate {
        Gate { at: self.ladder_at, reason: self.ladder_by }
    }

    pub(super) const fn set_ladder(&mut self, Gate { at, reason }: Gate) {
        self.ladder_at = at;
        self.ladder_by = reason;
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
    pub(super) fn is_open(&self) -> bool {
        self.reached >= Reached::Opened
    }

    pub(super) const fn enter(&mut self, stage: Stage, now: Instant, why: Why) {
        self.stage = stage;
        self.since = now;
        self.why = why;
    }

    /// The condition that forbids a dial, if one does.
    pub(super) const fn parked_on(&self) -> Option<Reason> {
        if self.holds != 0 {
            Some(Reason::Hold)
        } else if self.is(Flag::NetworkDown) {
            Some(Reason::Network)
        } else if self.is(Flag::Hidden) {
            Some(Reason::Hidden)
        } else {
            None
        }
    }

    /// The dial does not count. Only the first of a round ever did.
    pub(super) const fn unspend(&mut self) {
        if !self.is(Flag::InRound) {
            self.attempt = self.attempt.saturating_sub(1);
        }
    }

    /// A connection is gone: an outage begins, unless the last one is not over.
    pub(super) fn enter_outage(&mut self, now: Instant) {
        if !self.outage {
            self.outage = true;
            self.outage_since = Past::at(now);
            self.attempt = 0;
        }
    }

    /// The connection has held: the next loss begins a new outage on the first step of the ladder.
    pub(super) fn end_outage(&mut self) {
        self.outage = false;
        self.backoff.reset();
    }
}
