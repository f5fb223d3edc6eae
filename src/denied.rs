//! The refusal of a breaker or a budget.

use core::fmt;

use crate::time::Instant;

/// The refusal of a breaker that is open, or of a budget that is used up. It is not a failure of the connection and does not
/// count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "a time, or none")]
pub struct Denied {
    /// When to ask again, always later than the `now` of the request. `None`: time alone changes nothing. A breaker was forced
    /// open and stays so until [`CircuitBreaker::reset`](crate::CircuitBreaker::reset), for instance, or a retry budget without
    /// a reserve waits for a deposit.
    pub until: Option<Instant>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "not admitted before {} µs", until.as_micros()),
            None => {
                f.write_str("not admitted: the breaker is forced open, or the budget waits for a deposit")
            }
        }
    }
}

impl core::error::Error for Denied {}
