//! What a breaker or a budget says when it admits nothing.

use core::fmt;

use crate::time::Instant;

/// Not admitted: the circuit is open, or the budget is spent. This is no failure of the connection and is not counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::exhaustive_structs, reason = "a time, or none")]
pub struct Denied {
    /// When to ask again; always later than the `now` of the question. `None`: time alone changes nothing. Then a breaker was
    /// forced open and stays so until [`CircuitBreaker::reset`](crate::CircuitBreaker::reset), say; a retry budget has no
    /// reserve and waits for a deposit.
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
