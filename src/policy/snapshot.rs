//! What a later process needs to continue: the session and the outage.

mod bytes;

use core::fmt;
use core::time::Duration;

use rand_core::Rng;

use crate::breaker;
use crate::classify::Cause;
use crate::endpoints::Endpoints;
use crate::mode::Mode;
use crate::session::SessionState;
use crate::subscriptions::Subscriptions;
use crate::time::{Instant, Micros, OptInstant, SignedInstant, divide};
use crate::words::words;

use super::Policy;
use super::config::Config;
use super::explain::WaitReason;
use super::host::NOT_NOW_MAX;
use super::options::RefreshOn;
use super::source::{ConfigSource, OptionalPart};
use super::state::{Credential, Flag, Gate, REPLACED_SECS, Stage, State, Streaks, secs_up};

pub use bytes::SNAPSHOT_BYTES;

/// What one process keeps of a policy for the next one.
///
/// It holds the session with the rest of its time to live, and of an outage the attempts, the backoff, the waits that are left
/// (also that of an open breaker) and the counts that lead to giving up. It does not hold the config, the generator, the
/// breaker's counts, subscriptions, counters, endpoints, nor anything of a connection; nor what the host reported of network,
/// page and holds, which it reports again to the new process.
///
/// A snapshot has no clock. Its spans count from the moment it was taken; a process that knows how long it was down adds that
/// with [`aged`](Self::aged).
///
/// With feature `serde` any format can store it. [`encode`](Self::encode) writes bytes without a heap, with a version, a key
/// and a checksum. What does not [`decode`](Snapshot::decode) gives a typed error, after which a policy starts without it.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::Snapshot;
/// use redial::{BackoffConfig, Cause, Config, Event, Instant, Policy, Ratio, SplitMix64};
///
/// static CONFIG: Config = Config::new(
///     BackoffConfig::exponential(Duration::from_secs(1), Ratio::TWO, Duration::from_secs(30)).build_const(),
/// )
/// .build_const();
/// const SHARD: u32 = 3;
///
/// let mut policy = Policy::new(&CONFIG, SplitMix64::new(7)).with_session_type::<String>();
/// let _open = policy.handle_event(Instant::ZERO, Event::Start);
/// let epoch = policy.epoch().expect("dialling");
/// let _wait =
///     policy.handle_event(Instant::ZERO, Event::OpenFailed { epoch, cause: Cause::Timeout, retry_after: None });
/// let mut bytes = [0; 512];
/// let length = policy.snapshot(Instant::from_millis(400)).expect("an outage").encode(SHARD, &mut bytes)?;
///
/// // The next process, 100 ms later, with a clock of its own.
/// let mut policy = Policy::new(&CONFIG, SplitMix64::new(8)).with_session_type::<String>();
/// match Snapshot::decode(&bytes[..length], SHARD) {
///     Ok(snapshot) => {
///         let snapshot = snapshot.try_map(|text| core::str::from_utf8(text).map(String::from))?;
///         policy = policy.with_snapshot(Instant::ZERO, snapshot.aged(Duration::from_millis(100)));
///     }
///     Err(error) => println!("{error}: starting fresh"),
/// }
/// assert!(policy.handle_event(Instant::ZERO, Event::Start).is_empty());
/// assert_eq!(policy.poll_timeout(), Some(Instant::from_millis(500)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Debug output shows neither token nor endpoint. The other forms do: store them like a password.
#[doc(alias = "persist")]
#[doc(alias = "restart")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Clone + serde::Serialize"))
)]
pub struct Snapshot<T> {
    /// On a clock that was zero when the snapshot was taken.
    session: SessionState<T>,
    resume_failures: u8,
    unauthenticated: bool,
    credential_needed: bool,
    /// Since the newest dial.
    dialled_us: Option<u64>,
    /// The first wait that the server set.
    base_ms: Option<u32>,
    /// Losses to another client, and the seconds since the newest.
    replaced: (u8, u32),
    outage: Option<Outage>,
}

/// An outage under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Outage {
    lasted_us: u64,
    attempt: u32,
    failures: u32,
    trail_us: u64,
    rejections: u8,
    limited: u8,
    limited_by: Option<Cause>,
    rate_limited: u8,
    rows: u8,
    ever: bool,
    at_once: bool,
    backoff: Wait,
    floor: Wait,
}

/// The rest of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Wait {
    left_us: u64,
    reason: WaitReason,
}

impl Wait {
    /// The reasons of a backoff or a floor. Their positions are part of the byte form.
    const REASONS: [WaitReason; 11] = [
        WaitReason::Backoff,
        WaitReason::RetryAfter,
        WaitReason::InvalidSession,
        WaitReason::Class,
        WaitReason::Requested,
        WaitReason::Spread,
        WaitReason::NotNow,
        WaitReason::Breaker,
        WaitReason::MaxAge,
        WaitReason::Appointment,
        WaitReason::Window,
    ];

    /// The next process begins a new round of endpoints, so that a gap in the round is a wait of the backoff.
    const fn of(gate: Gate, now: Instant) -> Self {
        let reason =
            if matches!(gate.reason, WaitReason::Endpoint) { WaitReason::Backoff } else { gate.reason };
        Self { left_us: gate.at.since(now).0, reason }
    }

    fn gate(self, now: Instant, longest: Micros) -> Gate {
        let reason = if Self::REASONS.contains(&self.reason) { self.reason } else { WaitReason::Backoff };
        match Micros(self.left_us).min(longest) {
            Micros::ZERO => Gate { at: Instant::ZERO, reason },
            left => Gate { at: now.after(left), reason },
        }
    }
}

/// Why bytes are not a snapshot, or a snapshot could not be written. Start a policy without it.
///
/// ```
/// use redial::policy::{Snapshot, SnapshotError};
///
/// // A file of something else, and one that was cut off, are no reason not to start.
/// assert_eq!(Snapshot::decode(&[0; 512], 3).map(drop), Err(SnapshotError::NotASnapshot));
/// assert_eq!(Snapshot::decode(&[], 3).map(drop), Err(SnapshotError::TooSmall));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There are fewer bytes than the shortest snapshot has.
    TooSmall,
    /// The bytes do not begin like a snapshot.
    NotASnapshot,
    /// The snapshot has a version that this crate does not read.
    Version(u8),
    /// The snapshot is cut off or altered: the checksum or a field is wrong.
    Corrupt,
    /// The snapshot was written with another key.
    WrongKey,
    /// The buffer is too small, or the token or the endpoint is longer than 65,535 bytes.
    Full,
}

words!(as_str SnapshotError {
    TooSmall => "too_small",
    NotASnapshot => "not_a_snapshot",
    Version => "version",
    Corrupt => "corrupt",
    WrongKey => "wrong_key",
    Full => "full",
});

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "too few bytes for a snapshot",
            Self::NotASnapshot => "not a snapshot",
            Self::Version(version) => {
                return write!(f, "a snapshot of the unknown version {version}");
            }
            Self::Corrupt => "the snapshot is cut off or altered",
            Self::WrongKey => "a snapshot with another key",
            Self::Full => "no room for the snapshot",
        })
    }
}

impl core::error::Error for SnapshotError {}

impl<T> Snapshot<T> {
    /// Whether it holds a session.
    #[must_use]
    pub const fn has_session(&self) -> bool {
        self.session.token().is_some()
    }

    /// Whether it holds an outage, which the next start continues.
    #[must_use]
    pub const fn has_outage(&self) -> bool {
        self.outage.is_some()
    }

    /// The same snapshot `by` later, for a process that knows how long it was down: the waits and the session's time to live
    /// have less left, and the outage has lasted longer.
    #[must_use]
    pub fn aged(mut self, by: Duration) -> Self {
        let by = Micros::from_duration(by);
        self.session = self.session.rebased(Instant::ZERO.after(by), Instant::ZERO);
        self.dialled_us = self.dialled_us.map(|ago| ago.saturating_add(by.0));
        let secs = u32::try_from(divide(by.0, 1_000_000).0).unwrap_or(u32::MAX);
        self.replaced.1 = self.replaced.1.saturating_add(secs);
        if let Some(outage) = &mut self.outage {
            outage.lasted_us = outage.lasted_us.saturating_add(by.0);
            for wait in [&mut outage.backoff, &mut outage.floor] {
                wait.left_us = wait.left_us.saturating_sub(by.0);
            }
        }
        self
    }

    /// The same snapshot with token and endpoint converted to another type.
    ///
    /// # Errors
    ///
    /// The first error that `convert` returns.
    pub fn try_map<U, E>(self, convert: impl FnMut(T) -> Result<U, E>) -> Result<Snapshot<U>, E> {
        Ok(Snapshot {
            session: self.session.try_map(convert)?,
            resume_failures: self.resume_failures,
            unauthenticated: self.unauthenticated,
            credential_needed: self.credential_needed,
            dialled_us: self.dialled_us,
            base_ms: self.base_ms,
            replaced: self.replaced,
            outage: self.outage,
        })
    }
}

impl<R: Rng, T: PartialEq, S: Subscriptions, C: ConfigSource, E: Endpoints> Policy<R, T, S, C, E> {
    /// What a later process needs to continue from `now`; `None` while there is neither a session nor an outage: before the
    /// first start, after a stop that dropped the session, after giving up for another reason than a limit.
    ///
    /// The policy does not change, so that a snapshot can be taken at any time. While a transport is alive, the snapshot assumes
    /// that the process ends now: the session's time to live starts to run, and a dial in progress counts as an attempt but not
    /// as a failure of the backoff. After a stop or a limit there is no outage to continue, because the next start begins one.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Option<Snapshot<T>>
    where
        T: Clone,
    {
        let now = now.min(Instant::END);
        let state = &self.state;
        let ended = matches!(state.stage, Stage::Stopped | Stage::Failed { .. })
            || self.stable_at().is_some_and(|at| now >= at);
        let outage = if state.is(Flag::Outage) && !ended { Some(self.outage(now)) } else { None };
        let session = self.session.get().filter(|session| session.token().is_some());
        let kept = session.is_some();
        if !kept && outage.is_none() {
            return None;
        }
        let session = session.map_or_else(SessionState::new, SessionState::clone);
        Some(Snapshot {
            session: session.rebased(now, Instant::ZERO),
            resume_failures: state.resume_failures,
            unauthenticated: kept && state.is(Flag::Unauthenticated),
            credential_needed: state.credential != Credential::Fine,
            dialled_us: state.dialled_at.get().map(|at| now.since(at).0),
            base_ms: state
                .backoff
                .base()
                .map(|base| u32::try_from(divide(base.0, 1_000).0).unwrap_or(u32::MAX)),
            replaced: (
                state.replaced,
                secs_up(now).saturating_add(REPLACED_SECS).saturating_sub(state.replaced_secs),
            ),
            outage,
        })
    }

    fn outage(&self, now: Instant) -> Outage {
        let state = &self.state;
        let (failures, trail) = state.backoff.parts(&self.source.config().backoff);
        let mut gate = state.backoff_gate();
        // A process that ends during each of its dials must not spin.
        if let (true, Some(at)) = (state.stage.is_alive() || state.is(Flag::InRound), state.dialled_at.get())
        {
            let at = at.after(self.first_wait());
            gate = gate.later(Gate { at, reason: WaitReason::Backoff });
        }
        // The rest of an open breaker's time. The probe of a dial in progress ends with its process.
        let mut floor = state.floor();
        if !state.stage.is_alive() {
            floor = floor.later(self.breaker_gate(now));
        }
        Outage {
            lasted_us: self.lasted(now, now).0,
            attempt: state.attempt,
            failures,
            trail_us: trail.0,
            rejections: state.rejections,
            limited: state.limited,
            limited_by: state.limited_by.filter(|_| state.limited > 0),
            rate_limited: state.rate_limited,
            rows: state.streaks.to_bits(),
            ever: state.is(Flag::Ever),
            at_once: state.is(Flag::AtOnce),
            backoff: Wait::of(gate, now),
            floor: Wait::of(floor, now),
        }
    }

    /// The same policy with the [snapshot](Self::snapshot) of an earlier process, as of `now`. A policy that has been started
    /// is returned unchanged.
    ///
    /// The first dial resumes the session, at the session's endpoint, as often as the config lets a resume fail. If there was an
    /// outage, [`Event::Start`](crate::Event::Start) continues it: no dial comes before its waits are over, and the counts of
    /// attempts, failures and time continue.
    ///
    /// The waits of a snapshot are clamped to what this config could have produced: the cap of the backoff, or the longest
    /// `Retry-After` where it has none; the spreads; the longest open time of the breaker; for the server's waits
    /// [`Config::retry_after_max`] with its spread; for the host's a day. The backoff continues with the curve of this
    /// config, also if the snapshot was taken with another.
    ///
    /// A clock that starts with the process can't express that the last dial was before it. The
    /// [minimum interval](Config::min_interval) then counts from the clock's beginning.
    #[must_use]
    pub fn with_snapshot(mut self, now: Instant, snapshot: Snapshot<T>) -> Self {
        if self.state.stage != Stage::Idle {
            return self;
        }
        let now = now.min(Instant::END);
        let config: &Config = self.source.config();
        if let Some(session) = self.session.get_mut() {
            *session = snapshot.session.rebased(Instant::ZERO, now);
        }
        let state = &mut self.state;
        (state.latest, state.since) = (now, now);
        state.resume_failures = snapshot.resume_failures;
        state.set(Flag::Unauthenticated, snapshot.unauthenticated && config.restore.authenticate);
        if snapshot.credential_needed && config.credential.refresh_on != RefreshOn::Never {
            state.credential = Credential::Needed;
        }
        state.dialled_at = OptInstant::new(snapshot.dialled_us.and_then(|ago| {
            let forgotten = ago >= config.min_interval.max(config.first_wait()).0;
            match now.as_micros().checked_sub(ago) {
                Some(at) => Some(Instant::from_micros(at)),
                None if forgotten => None,
                None => Some(Instant::ZERO),
            }
        }));
        let base = snapshot.base_ms.map(|base_ms| Duration::from_millis(base_ms.into()));
        state.backoff.set_base(base);
        let (replaced, ago) = snapshot.replaced;
        state.replaced = replaced;
        state.replaced_secs = secs_up(now).saturating_add(REPLACED_SECS).saturating_sub(ago);
        match snapshot.outage {
            Some(outage) => outage.restore(config, state, now),
            None => state.set(Flag::Outage, false),
        }
        self
    }
}

impl Outage {
    fn restore<B, H, N>(self, config: &Config, state: &mut State<B, H, N>, now: Instant) {
        let longest = longest_wait(config);
        let hint = config.longest_retry_after();
        state.set(Flag::Outage, true);
        state.outage_since = SignedInstant::before(now, Micros(self.lasted_us));
        state.attempt = self.attempt;
        state.backoff = state.backoff.restored(&config.backoff, self.failures, Micros(self.trail_us));
        state.rejections = self.rejections;
        state.limited = self.limited;
        state.limited_by = self.limited_by;
        state.rate_limited = self.rate_limited;
        state.streaks = Streaks::from_bits(self.rows);
        state.set(Flag::Ever, self.ever);
        state.set(Flag::EverAtBase, self.ever);
        state.set(Flag::AtOnce, self.at_once);
        let longest_wait = if self.backoff.reason == WaitReason::NotNow { NOT_NOW_MAX } else { longest };
        state.set_backoff_gate(self.backoff.gate(now, longest_wait));
        let open = config.breaker.as_ref().map_or(Micros::ZERO, breaker::Config::longest_open);
        let class = config.classifier.longest_wait();
        let floor = longest.max(hint).max(config.resume.invalid_wait.1).max(open).max(class);
        state.set_floor(self.floor.gate(now, floor));
    }
}

/// The longest wait that the config can produce by itself.
fn longest_wait(config: &Config) -> Micros {
    let cap = |backoff: &crate::backoff::BackoffConfig| {
        let cap = backoff.cap(Mode::Fresh).max(backoff.cap(Mode::Resume));
        if cap < Micros::MAX { cap } else { config.retry_after_max }
    };
    let long = config.long_outage.as_ref().map_or(Micros::ZERO, |(_, backoff)| cap(backoff));
    let requested = config.requested_spread.unwrap_or(Micros::ZERO);
    cap(&config.backoff).max(long).max(config.first_wait()).max(requested).max(config.network_spread)
}
