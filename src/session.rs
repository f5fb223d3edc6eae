//! What is needed to resume: token, sequence and endpoint, as one value.

mod beside;
#[cfg(feature = "serde")]
mod serial;
mod stored;

use core::time::Duration;

use crate::time::{Instant, Micros, OptInstant, SignedInstant};

/// A resumable session: its token, its newest sequence number and its own endpoint.
///
/// The three are set and forgotten together, except that an endpoint that can't be reached is forgotten alone. The sequence
/// number never decreases within a session, and 0 is a number like any other. `T` is the caller's storage of token and
/// endpoint: a `String`, a `heapless::String<64>`, an index.
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
/// Debug output shows neither token nor endpoint. The size is 30 bytes plus token and endpoint.
#[doc(alias = "resume")]
#[doc(alias = "token")]
#[doc(alias = "sequence number")]
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(
        into = "serial::Plain<T>",
        from = "serial::Plain<T>",
        bound(serialize = "T: Clone + serde::Serialize")
    )
)]
#[repr(C)] // The sequence first: in a policy it is next to the other fields of the hot path.
pub struct SessionState<T = ()> {
    /// 0 while there is none.
    sequence: u64,
    /// The end of the time to live, counted from the newest sign of life, where the server gave one. It counts while no
    /// transport carries the session.
    ends: OptInstant,
    /// Since when the dials failed that [`Self::unreachable`] counts. While there are none, one more than the newest number
    /// that came before a resume was answered, which is a new session's if the answer is one; otherwise 0.
    aside: u64,
    /// How long the server keeps the session after a loss; [`UNKNOWN`]: it decides when a resume asks.
    ttl_ms: u32,
    has_sequence: bool,
    /// Dials in a row that did not reach the session's own endpoint.
    unreachable: u8,
    token: Option<T>,
    endpoint: Option<T>,
}

/// The server gave no time to live, or more than 49 days.
const UNKNOWN: u32 = u32::MAX;

impl<T> SessionState<T> {
    /// No session.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sequence: 0,
            ends: OptInstant::NONE,
            aside: 0,
            ttl_ms: UNKNOWN,
            has_sequence: false,
            unreachable: 0,
            token: None,
            endpoint: None,
        }
    }

    /// A session that an earlier process established, for [`Policy::with_session`](crate::Policy::with_session).
    #[must_use]
    pub const fn resumable(token: T, endpoint: Option<T>, sequence: Option<u64>) -> Self {
        let (sequence, has_sequence) = match sequence {
            Some(sequence) => (sequence, true),
            None => (0, false),
        };
        Self {
            sequence,
            ends: OptInstant::NONE,
            aside: 0,
            ttl_ms: UNKNOWN,
            has_sequence,
            unreachable: 0,
            token: Some(token),
            endpoint,
        }
    }

    /// The token, if there is a session.
    #[must_use]
    pub const fn token(&self) -> Option<&T> {
        self.token.as_ref()
    }

    /// The session's own endpoint, if the server named one and it has not been given up as unreachable.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&T> {
        self.endpoint.as_ref()
    }

    /// The newest sequence number that was received.
    #[must_use]
    pub const fn sequence(&self) -> Option<u64> {
        if self.has_sequence { Some(self.sequence) } else { None }
    }

    /// Whether a resume can be sent: there is a token, and a sequence number where the protocol needs one.
    #[must_use]
    pub const fn is_resumable(&self, needs_sequence: bool) -> bool {
        self.token.is_some() && (self.has_sequence || !needs_sequence)
    }

    /// Whether there is neither a token nor a sequence number.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.token.is_none() && self.endpoint.is_none() && !self.has_sequence
    }

    /// Establishes a new session.
    ///
    /// Its sequence number is `sequence`, or where that is `None` the newest number that this connection has delivered
    /// ([`Self::observe`]), since a message that establishes a session may itself be numbered (Discord's READY is event 1).
    /// [Forget](Self::forget) an earlier session first, and call [`Self::heard`] next.
    ///
    /// `ttl` is how long the server keeps the session after the last sign of life, in whole milliseconds, rounded down. `None`,
    /// or more than 49 days: not known.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn establish(&mut self, token: T, endpoint: Option<T>, sequence: Option<u64>, ttl: Option<Duration>) {
        self.token = Some(token);
        self.endpoint = endpoint;
        self.set_sequence(sequence);
        self.reached();
        self.ends = OptInstant::NONE;
        self.ttl_ms = ttl.map_or(UNKNOWN, |ttl| whole_millis(ttl.as_millis()));
    }

    /// Updates the session: the token, and the endpoint, the time to live and the sequence number where they are given. A new
    /// token without a sequence number starts without one.
    pub fn update(&mut self, token: T, endpoint: Option<T>, sequence: Option<u64>, ttl: Option<Duration>)
    where
        T: PartialEq,
    {
        if sequence.is_none() && self.token.as_ref() != Some(&token) {
            (self.sequence, self.has_sequence) = (0, false);
        }
        self.set_sequence(sequence);
        self.token = Some(token);
        if endpoint.is_some() {
            self.endpoint = endpoint;
            self.reached();
        }
        if let Some(ttl) = ttl {
            self.ttl_ms = whole_millis(ttl.as_millis());
            self.ends = OptInstant::NONE;
        }
    }

    /// Sets the position to resume from: an event id, a cursor. Sequence number, endpoint and time to live stay.
    pub fn move_to(&mut self, token: T) {
        self.token = Some(token);
    }

    const fn set_sequence(&mut self, sequence: Option<u64>) {
        if let Some(sequence) = sequence {
            (self.sequence, self.has_sequence) = (sequence, true);
        }
    }

    /// A resume was answered with a new session. Token, endpoint, time to live and sequence number of the old one are
    /// forgotten; numbers that came after the resume was sent belong to the new one.
    pub(crate) fn replaced(&mut self) {
        let heard = self.aside.checked_sub(1).filter(|_| self.unreachable == 0);
        *self = Self::new();
        self.set_sequence(heard);
    }

    /// A sequence number was received. True if it is the newest; a lower or equal one changes nothing.
    #[inline]
    pub const fn observe(&mut self, sequence: u64) -> bool {
        let moves = sequence > self.sequence || !self.has_sequence;
        if moves {
            self.sequence = sequence;
            self.has_sequence = true;
        }
        moves
    }

    /// The same before a resume is answered, which tells to which session the number belongs.
    pub(crate) fn observe_unanswered(&mut self, sequence: u64) -> bool {
        self.aside = self.aside.max(sequence.saturating_add(1));
        self.observe(sequence)
    }

    /// A sign of life on the session's connection at `now`, from which its time to live counts, if the server gave one.
    #[inline]
    pub const fn heard(&mut self, now: Instant) {
        if self.has_ttl() {
            self.ends = OptInstant::at(now.after(self.ttl()));
        }
    }

    /// Whether the server gave a time to live.
    #[inline]
    pub(crate) const fn has_ttl(&self) -> bool {
        self.ttl_ms != UNKNOWN
    }

    /// The server resumed the session, and `now` is its newest sign of life.
    pub const fn resumed(&mut self, now: Instant) {
        self.heard(now);
        if self.unreachable == 0 {
            self.aside = 0;
        }
    }

    /// Whether the time to live has passed at `now`; false if the server gave none. It does not run while a connection carries
    /// the session: ask only when none does.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        now >= self.ends.or_never() && self.ends.is_some()
    }

    /// When [`Self::is_expired`] becomes true.
    #[inline]
    pub(crate) const fn ends(&self) -> OptInstant {
        self.ends
    }

    const fn ttl(&self) -> Micros {
        Micros::from_millis(self.ttl_ms as u64)
    }

    /// The same session on another clock, whose `to` is this clock's `from`.
    pub(crate) fn rebased(mut self, from: Instant, to: Instant) -> Self {
        self.ends = self.ends.map(|end| to.after(end.since(from)));
        let (dials, failing) = self.unreachable(from);
        self.with_unreachable(to, dials, failing)
    }

    /// The same session with this rest of its time to live at `now`, in microseconds, and this time to live after the next
    /// loss, in milliseconds.
    pub(crate) fn with_life(mut self, now: Instant, life: Option<(u64, u32)>) -> Self {
        let (left, ttl_ms) = life.unwrap_or((0, UNKNOWN));
        self.ttl_ms = ttl_ms;
        self.ends =
            if ttl_ms == UNKNOWN { OptInstant::NONE } else { OptInstant::at(now.after(Micros(left))) };
        self
    }

    /// The values of [`Self::with_life`].
    pub(crate) fn life(&self, now: Instant) -> Option<(u64, u32)> {
        if self.ttl_ms == UNKNOWN {
            return None;
        }
        Some((self.ends.get().map_or(self.ttl(), |end| end.since(now)).0, self.ttl_ms))
    }

    /// How many dials in a row failed to reach the session's own endpoint, and how long before `now` the first of them failed.
    pub(crate) const fn unreachable(&self, now: Instant) -> (u8, Micros) {
        (
            self.unreachable,
            if self.unreachable == 0 {
                Micros::ZERO
            } else {
                SignedInstant::from_bits(self.aside).until(now)
            },
        )
    }

    /// The same session with these values of [`Self::unreachable`].
    pub(crate) const fn with_unreachable(mut self, now: Instant, dials: u8, failing: Micros) -> Self {
        self.unreachable = dials;
        self.aside = if dials == 0 { 0 } else { SignedInstant::before(now, failing).to_bits() };
        self
    }

    /// A dial failed to reach the session's own endpoint.
    pub(crate) fn missed(&mut self, now: Instant) {
        // A session of another process may have a time of a clock that was ahead of this one.
        if self.unreachable == 0 || SignedInstant::from_bits(self.aside) > SignedInstant::at(now) {
            self.aside = SignedInstant::at(now).to_bits();
        }
        self.unreachable = self.unreachable.saturating_add(1);
    }

    /// A dial reached its endpoint, or nothing is to be counted any more.
    pub(crate) const fn reached(&mut self) {
        self.unreachable = 0;
        self.aside = 0;
    }

    /// The clock ran back to `now`. No time is further away than it could be now.
    pub(crate) fn rewind(&mut self, now: Instant) {
        if self.unreachable > 0 {
            self.aside = SignedInstant::from_bits(self.aside).min(SignedInstant::at(now)).to_bits();
        }
        self.ends = self.ends.map(|end| end.min(now.after(self.ttl())));
    }

    /// The host slept for `gap` while its clock stood still.
    pub(crate) fn age(&mut self, now: Instant, gap: Micros) {
        self.ends = self.ends.map(|end| end.before(gap).max(now.min(end)));
    }

    /// The same session with token and endpoint of another type.
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
            aside: self.aside,
        })
    }

    /// Forgets token, sequence number and endpoint. True if there was a token: a number alone is no session.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn forget(&mut self) -> bool {
        let had = self.token.is_some();
        *self = Self::new();
        had
    }

    /// Forgets the session's own endpoint. The session is resumed at the base endpoint from then on.
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
        let Self { token, endpoint, sequence: _, has_sequence: _, ends, ttl_ms, unreachable, aside: _ } =
            self;
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

    /// Lifecycle 63, reports 10 and 96: the time to live counts from the last sign of life.
    #[test]
    fn a_session_expires_only_with_a_ttl_and_after_the_last_sign_of_life() {
        let mut session = SessionState::new();
        session.establish((), None, Some(1), Some(Duration::from_secs(60)));
        assert!(!session.is_expired(Instant::MAX));
        session.heard(Instant::from_millis(1_000));
        assert!(!session.is_expired(Instant::from_millis(60_999)));
        assert!(session.is_expired(Instant::from_millis(61_000)));
        session.resumed(Instant::from_millis(100_000));
        assert!(!session.is_expired(Instant::from_millis(159_999)));
        assert!(session.is_expired(Instant::from_millis(160_000)));
        session.age(Instant::from_millis(100_000), Micros::from_millis(10_000));
        assert!(session.is_expired(Instant::from_millis(150_000)));
        session.establish((), None, Some(1), None);
        session.heard(Instant::ZERO);
        assert!(!session.is_expired(Instant::MAX));
    }

    /// Reports 69 and 70.
    #[test]
    fn news_replaces_what_it_names() {
        let mut session = SessionState::new();
        session.establish("a", Some("node7"), Some(20), Some(Duration::from_secs(60)));
        session.heard(Instant::ZERO);
        session.update("a", None, None, None);
        assert_eq!((session.sequence(), session.endpoint()), (Some(20), Some(&"node7")));
        session.update("b", None, Some(3), None);
        assert_eq!((session.token(), session.sequence()), (Some(&"b"), Some(3)));
        session.move_to("c");
        assert_eq!((session.token(), session.sequence()), (Some(&"c"), Some(3)));
        session.update("d", None, None, None);
        assert_eq!((session.sequence(), session.endpoint()), (None, Some(&"node7")));
        assert!(session.is_expired(Instant::from_millis(60_000)));
    }

    /// Numbers between a resume and the new session that answers it are the new session's, also where they are lower.
    #[test]
    fn a_new_session_keeps_what_was_heard_since_the_resume() {
        for (numbers, kept) in [(&[][..], None), (&[1, 2], Some(2)), (&[21, 22], Some(22)), (&[0], Some(0))] {
            let mut session = SessionState::resumable("old", None, Some(20));
            for n in numbers {
                session.observe_unanswered(*n);
            }
            let mut resumed = session.clone();
            session.rewind(Instant::ZERO);
            session.replaced();
            session.establish("new", None, None, None);
            assert_eq!(session.sequence(), kept);
            resumed.resumed(Instant::ZERO);
            assert!(resumed.sequence() >= Some(20), "never back within a session");
            resumed.replaced();
            assert_eq!(resumed.sequence(), None, "what came before is the resumed session's");
        }
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
        let mut session = SessionState::resumable("s3cret", Some("wss://s3cret"), Some(1));
        let shown = std::format!("{session:?}");
        assert!(
            !shown.contains("s3cret") && shown.contains("redacted") && shown.contains("ttl_ms: None"),
            "{shown}"
        );
        session.update("s3cret", None, None, Some(Duration::from_secs(60)));
        let shown = std::format!("{session:?}");
        assert!(shown.contains("ttl_ms: Some(60000)"), "{shown}");
    }
}
