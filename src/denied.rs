//! The refusal of a breaker or a budget.

use core::fmt;

use crate::time::Instant;

/// The refusal of a breaker that is open, or of a budget that is used up. It is not a failure of the connection and does not
/// count as one.
///
/// ```
/// use core::time::Duration;
/// use redial::breaker::{self, Denied};
/// use redial::{CircuitBreaker, Instant, SplitMix64};
///
/// const CONFIG: breaker::Config = breaker::Config::new(1, Duration::from_secs(60)).build_const();
/// let (mut breaker, mut rng) = (CircuitBreaker::new(), SplitMix64::new(7));
/// let permit = breaker.try_acquire(&CONFIG, Instant::ZERO, &mut rng)?;
/// breaker.failure(&CONFIG, Instant::ZERO, permit, &mut rng);
///
/// match breaker.try_acquire(&CONFIG, Instant::from_millis(10), &mut rng) {
///     Ok(_) => println!("dial now"),
///     Err(Denied { until: Some(until) }) => assert_eq!(until, Instant::from_millis(60_000)),
///     Err(Denied { until: None }) => println!("somebody must reset it"),
/// }
/// # Ok::<(), Denied>(())
/// ```
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
