//! What is needed to resume: token, sequence and endpoint, as one value.

use core::time::Duration;

use crate::time::{Instant, Micros, Moment, Past};

/// A resumable session: token, newest sequence number and the session's own endpoint.
///
/// The three live and die together (F64): there is no way to forget one and keep another, apart from an endpoint
/// that turned out to be dead (F63). The mark never moves back within a session (F61) and 0 is a mark like any other
/// (F59). `T` is the caller's storage for token and endpoint: a `String`, a `heapless::String<64>`, an index.
///
/// ```
/// use redial::SessionState;
///
/// let mut session = SessionState::resumable("token", Some("wss://resume.example"), Some(0));
/// assert!(session.is_resumable(true));
/// session.observe(7);
/// session.observe(6);
/// assert_eq!(session.sequence(), Some(7));
/// session.forget();
/// assert_eq!((session.token(), session.sequence(), session.endpoint()), (None, None, None));
/// ```
///
/// Debug output never shows token or endpoint (F110).
///
/// Beside token and endpoint 30 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "Plain<T>", from = "Plain<T>", bound(serialize = "T: Clone + serde::Serialize"))
)]
#[repr(C)] // The sequence first: in a policy it lies beside what else every fact touches.
pub struct SessionState<T> {
    /// 0 while there is none.
    sequence: u64,
    /// The transport is gone and the server keeps the session until then, unless it is resumed.
    ends: Moment,
    /// Since the first of the dials that [`Self::unreachable`] counts.
    unreachable_since: Past,
    /// How long the server keeps it after a loss; [`UNKNOWN`]: it decides when it is asked.
    ttl_ms: u32,
    has_sequence: bool,
    /// Dials in a row that did not reach the session's own endpoint.
    unreachable: u8,
    token: Option<T>,
    endpoint: Option<T>,
}

/// The server said nothing, or more than 49 days.
const UNKNOWN: u32 = u32::MAX;

/// What [`SessionState::unreachable_since`] is while there is nothing to count.
const NEVER: Past = Past::at(Instant::ZERO);

/// What is written and read.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<T> {
    token: Option<T>,
    endpoint: Option<T>,
    sequence: Option<u64>,
    ttl_ms: Option<u32>,
    ends: Option<Instant>,
    unreachable: Option<(u8, Past)>,
}

#[cfg(feature = "serde")]
impl<T> From<SessionState<T>> for Plain<T> {
    fn from(session: SessionState<T>) -> Self {
        let (sequence, ends) = (session.sequence(), session.ends.get());
        let ttl_ms = if session.ttl_ms == UNKNOWN { None } else { Some(session.ttl_ms) };
        let unreachable =
            Some((session.unreachable, session.unreachable_since)).filter(|(dials, _)| *dials > 0);
        Self { token: session.token, endpoint: session.endpoint, sequence, ttl_ms, ends, unreachable }
    }
}

#[cfg(feature = "serde")]
impl<T> From<Plain<T>> for SessionState<T> {
    fn from(plain: Plain<T>) -> Self {
        let Plain { token, endpoint, sequence, ttl_ms, ends, unreachable } = plain;
        let ttl_ms = ttl_ms.filter(|ttl_ms| *ttl_ms != UNKNOWN);
        let ends = ends.filter(|_| ttl_ms.is_some());
        let (unreachable, unreachable_since) =
            unreachable.filter(|(dials, _)| *dials > 0).unwrap_or((0, NEVER));
        Self {
            sequence: sequence.unwrap_or(0),
            ends: Moment::new(ends),
            unreachable_since,
            ttl_ms: ttl_ms.unwrap_or(UNKNOWN),
            has_sequence: sequence.is_some(),
            unreachable,
            token,
            endpoint,
        }
    }
}

impl<T> SessionState<T> {
    /// No session.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sequence: 0,
            ends: Moment::NONE,
            unreachable_since: NEVER,
            ttl_ms: UNKNOWN,
            has_sequence: false,
            unreachable: 0,
            token: None,
            endpoint: None,
        }
    }

    /// A session that an earlier process (or the test) established. Give it to
    /// [`Policy::with_session`](crate::Policy::with_session).
    #[must_use]
    pub const fn resumable(token: T, endpoint: Option<T>, sequence: Option<u64>) -> Self {
        let (sequence, has_sequence) = match sequence {
            Some(sequence) => (sequence, true),
            None => (0, false),
        };
        Self {
            sequence,
            ends: Moment::NONE,
            unreachable_since: NEVER,
            ttl_ms: UNKNOWN,
            has_sequence,
            unreachable: 0,
            token: Some(token),
            endpoint,
        }
    }

    /// The token, while there is a session.
    #[must_use]
    pub const fn token(&self) -> Option<&T> {
        self.token.as_ref()
    }

    /// The session's own endpoint, if the server named one and it is not known to be dead.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&T> {
        self.endpoint.as_ref()
    }

    /// The newest sequence number received.
    #[must_use]
    pub const fn sequence(&self) -> Option<u64> {
        if self.has_sequence { Some(self.sequence) } else { None }
    }

    /// Whether a resume can be sent: there is a token, and a sequence number where the protocol needs one (F58).
    #[must_use]
    pub const fn is_resumable(&self, needs_sequence: bool) -> bool {
        self.token.is_some() && (self.has_sequence || !needs_sequence)
    }

    /// Whether nothing is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.token.is_none() && self.endpoint.is_none() && !self.has_sequence
    }

    /// A new session replaces whatever was there. A mark that this connection delivered before its token did
    /// (Discord's READY is itself event 1) is kept; one of an earlier session can't be, see [`Self::forget`].
    /// `ttl`: how long the server keeps it after a loss, in whole milliseconds; `None`, or more than 49 days: the server
    /// decides when it is asked.
    pub fn establish(&mut self, token: T, endpoint: Option<T>, sequence: Option<u64>, ttl: Option<Duration>) {
        self.token = Some(token);
        self.endpoint = endpoint;
        if let Some(sequence) = sequence {
            self.observe(sequence);
        }
        self.reached();
        self.ends = Moment::NONE;
        self.ttl_ms = ttl.map_or(UNKNOWN, |ttl| whole_millis(ttl.as_millis()));
    }

    /// A sequence number was received. True if the mark moved; a number at or below it leaves it alone.
    #[inline]
    pub const fn observe(&mut self, sequence: u64) -> bool {
        let moves = sequence > self.sequence || !self.has_sequence;
        if moves {
            self.sequence = sequence;
            self.has_sequence = true;
        }
        moves
    }

    /// The transport is gone at `now`: a time to live, if the server gave one, starts.
    pub fn lost(&mut self, now: Instant) {
        if self.ttl_ms != UNKNOWN && !self.ends.is_some() {
            self.ends = Moment::at(now.after(self.ttl()));
        }
    }

    /// The session lives on: its time to live starts with the next loss.
    pub const fn resumed(&mut self) {
        self.ends = Moment::NONE;
    }

    /// Whether the time to live has passed. Never true while the server gave none.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        now >= self.ends.or_never() && self.ends.is_some()
    }

    const fn ttl(&self) -> Micros {
        Micros::from_millis(self.ttl_ms as u64)
    }

    /// The same session on another clock, whose `to` is this one's `from`. Whoever asks has no transport any more.
    pub(crate) fn rebased(mut self, from: Instant, to: Instant) -> Self {
        self.lost(from);
        self.ends = self.ends.map(|end| to.after(end.since(from)));
        let (dials, failing) = self.unreachable(from);
        self.with_unreachable(to, dials, failing)
    }

    /// With this much of its time to live left at `now`, in microseconds, and all of it (in milliseconds) after the next
    /// loss.
    pub(crate) fn with_life(mut self, now: Instant, life: Option<(u64, u32)>) -> Self {
        let (left, ttl_ms) = life.unwrap_or((0, UNKNOWN));
        self.ttl_ms = ttl_ms;
        self.ends = if ttl_ms == UNKNOWN { Moment::NONE } else { Moment::at(now.after(Micros(left))) };
        self
    }

    /// What [`Self::with_life`] set.
    pub(crate) fn life(&self, now: Instant) -> Option<(u64, u32)> {
        if self.ttl_ms == UNKNOWN {
            return None;
        }
        Some((self.ends.get().map_or(self.ttl(), |end| end.since(now)).0, self.ttl_ms))
    }

    /// How many dials in a row did not reach the session's own endpoint, and how long before `now` the first of them was.
    pub(crate) fn unreachable(&self, now: Instant) -> (u8, Micros) {
        (
            self.unreachable,
            if self.unreachable == 0 { Micros::ZERO } else { self.unreachable_since.until(now) },
        )
    }

    /// What [`Self::unreachable`] says.
    pub(crate) const fn with_unreachable(mut self, now: Instant, dials: u8, failing: Micros) -> Self {
        self.unreachable = dials;
        self.unreachable_since = if dials == 0 { NEVER } else { Past::before(now, failing) };
        self
    }

    /// A dial did not reach the session's own endpoint.
    pub(crate) fn missed(&mut self, now: Instant) {
        // A session from elsewhere may bring a time of a clock that was ahead of this one.
        if self.unreachable == 0 || self.unreachable_since > Past::at(now) {
            self.unreachable_since = Past::at(now);
        }
        self.unreachable = self.unreachable.saturating_add(1);
    }

    /// A dial reached what it was sent to, or there is nothing to count any more.
    pub(crate) const fn reached(&mut self) {
        self.unreachable = 0;
        self.unreachable_since = NEVER;
    }

    /// The clock ran back to `now`.
    pub(crate) fn rewind(&mut self, now: Instant) {
        self.unreachable_since = self.unreachable_since.min(Past::at(now));
    }

    /// The same session in other storage.
    pub(crate) fn try_map<U, E>(
        self,
        mut convert: impl FnMut(T) -> Result<U, E>,
    ) -> Result<SessionState<U>, E> {
        Ok(SessionState {
            token: self.token.map(&mut convert).transpose()?,
            endpoint: self.endpoint.map(&mut convert).transpose()?,
            sequence: self.sequence,
            has_sequence: self.has_sequence,
            ends: self.ends,
            ttl_ms: self.ttl_ms,
            unreachable: self.unreachable,
            unreachable_since: self.unreachable_since,
        })
    }

    /// Token, sequence and endpoint are gone. True if there was a token: a mark alone is no session yet.
    pub fn forget(&mut self) -> bool {
        let had = self.token.is_some();
        *self = Self::new();
        had
    }

    /// The session's own endpoint is dead; the session lives on at the base endpoint (F63).
    pub fn forget_endpoint(&mut self) {
        self.endpoint = None;
        self.reached();
    }
}

const fn whole_millis(millis: u128) -> u32 {
    if millis >= UNKNOWN as u128 { UNKNOWN } else { millis as u32 }
}

impl<T> Default for SessionState<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> core::fmt::Debug for SessionState<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self {
            token,
            endpoint,
            sequence: _,
            has_sequence: _,
            ends,
            ttl_ms,
            unreachable,
            unreachable_since: _,
        } = self;
        let secret = |present: bool| if present { "[redacted]" } else { "none" };
        f.debug_struct("SessionState")
            .field("token", &secret(token.is_some()))
            .field("endpoint", &secret(endpoint.is_some()))
            .field("sequence", &self.sequence())
            .field("ttl_ms", &Some(ttl_ms).filter(|ttl| **ttl != UNKNOWN))
            .field("ends", ends)
            .field("unreachable", unreachable)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S43, S46, F59, F61.
    #[test]
    fn the_mark_starts_anywhere_and_never_moves_back() {
        let mut session = SessionState::resumable((), None, None);
        assert!(!session.is_resumable(true), "F58: a token without a mark can't be resumed");
        assert!(session.is_resumable(false));
        assert!(session.observe(0), "0 is a valid mark");
        assert!(session.is_resumable(true));
        assert!(session.observe(7));
        assert!(!session.observe(6));
        assert!(!session.observe(7));
        assert_eq!(session.sequence(), Some(7));
    }

    /// Lifecycle 63: the time to live starts with the loss, not with the session.
    #[test]
    fn a_session_expires_only_after_a_loss_and_only_with_a_ttl() {
        let mut session = SessionState::new();
        session.establish((), None, Some(1), Some(Duration::from_secs(60)));
        assert!(!session.is_expired(Instant::MAX));
        session.lost(Instant::from_millis(1_000));
        session.lost(Instant::from_millis(50_000));
        assert!(!session.is_expired(Instant::from_millis(60_999)));
        assert!(session.is_expired(Instant::from_millis(61_000)));
        session.resumed();
        assert!(!session.is_expired(Instant::MAX));
        session.lost(Instant::from_millis(100_000));
        assert!(!session.is_expired(Instant::from_millis(159_999)));
        assert!(session.is_expired(Instant::from_millis(160_000)));
        session.establish((), None, Some(1), None);
        session.lost(Instant::ZERO);
        assert!(!session.is_expired(Instant::MAX));
    }

    /// F63, S50: the span counts from the first miss that this clock saw.
    #[test]
    fn a_session_of_another_clock_counts_from_now() {
        let mut session = SessionState::resumable((), Some(()), None);
        session.missed(Instant::from_millis(2_592_000_000));
        assert_eq!(session.unreachable(Instant::from_millis(2_592_000_000)), (1, Micros::ZERO));
        session.missed(Instant::from_millis(1_000));
        assert_eq!(session.unreachable(Instant::from_millis(31_000)), (2, Micros::from_millis(30_000)));
        // Nor does a clock that ran back put it off.
        session.rewind(Instant::ZERO);
        assert_eq!(session.unreachable(Instant::from_millis(5_000)), (2, Micros::from_millis(5_000)));
        let mut moved = session.clone();
        moved.establish((), Some(()), None, None);
        session.forget_endpoint();
        for session in [session, moved] {
            assert_eq!(session.unreachable(Instant::MAX), (0, Micros::ZERO));
        }
    }

    /// F110.
    #[test]
    fn debug_output_has_no_secret() {
        extern crate std;
        let session = SessionState::resumable("s3cret", Some("wss://s3cret"), Some(1));
        assert!(!std::format!("{session:?}").contains("s3cret"));
    }
}
