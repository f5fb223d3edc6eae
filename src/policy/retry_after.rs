//! What a server means by the wait that it asks for.

use core::time::Duration;

use super::explain::WaitReason;
use crate::words::words;

/// The wait that a server asks for, and what it means by it. The host says which: a `Retry-After` header alone does not, so that
/// a plain [`Duration`] becomes [`AtLeast`](Self::AtLeast), the cautious one.
///
/// [`Config::retry_after_max`](crate::Config::retry_after_max) is the longest wait of each kind. What it cuts is spread below it and
/// never equal for all clients. A wait that replaces the policy's own takes its step of the backoff all the same, and the
/// breaker, the [minimum interval](crate::Config::min_interval) and the limits hold. Of two in a row, the second keeps the
/// distance of the first wait of the backoff, at most 1 s, from the last dial, so that a server can't make a client spin.
///
/// ```
/// use core::time::Duration;
/// use redial::policy::RetryAfter;
///
/// let header = RetryAfter::from(Duration::from_secs(5));
/// assert_eq!(header, RetryAfter::AtLeast(Duration::from_secs(5)));
/// assert_eq!(header.duration(), Duration::from_secs(5));
/// ```
#[doc(alias = "Retry-After")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[expect(clippy::exhaustive_enums, reason = "a recording has these kinds")]
pub enum RetryAfter {
    /// Not before this time: the same for every client, like a constant in a server's config. It is a floor under the policy's
    /// own wait, lengthened at random by up to [`retry_after_spread`](crate::Config::retry_after_spread) of it.
    AtLeast(Duration),
    /// At this time: a slot that the server keeps for this client. It replaces the policy's own wait. The dial comes within a
    /// quarter of it later, at random, because servers round their slots to whole seconds, and a second's clients would arrive
    /// together.
    Appointment(Duration),
    /// At a random time until then, which replaces the policy's own wait: the same for every client, of a server that wants
    /// its clients spread over this span.
    Window(Duration),
}

words!(as_str RetryAfter {
    AtLeast => "retry_after",
    Appointment => "appointment",
    Window => "window",
});

impl RetryAfter {
    /// The span, whatever it means.
    #[must_use]
    pub const fn duration(self) -> Duration {
        match self {
            Self::AtLeast(span) | Self::Appointment(span) | Self::Window(span) => span,
        }
    }

    /// What the wait is explained by.
    pub(super) const fn reason(self) -> WaitReason {
        match self {
            Self::AtLeast(_) => WaitReason::RetryAfter,
            Self::Appointment(_) => WaitReason::Appointment,
            Self::Window(_) => WaitReason::Window,
        }
    }

    /// Whether it replaces the policy's own wait.
    pub(super) const fn replaces(self) -> bool {
        matches!(self, Self::Appointment(_) | Self::Window(_))
    }
}

impl From<Duration> for RetryAfter {
    fn from(wait: Duration) -> Self {
        Self::AtLeast(wait)
    }
}

impl core::fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let millis = self.duration().as_millis();
        match self {
            Self::AtLeast(_) => write!(f, "after {millis} ms"),
            Self::Appointment(_) => write!(f, "in {millis} ms"),
            Self::Window(_) => write!(f, "within {millis} ms"),
        }
    }
}
