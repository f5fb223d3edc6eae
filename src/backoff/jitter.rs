//! How waits are randomized.

use core::time::Duration;

use crate::ratio::Ratio;
use crate::words::words;

/// How a wait is randomized around its nominal value `d`, so that clients that lose their connections together do not dial
/// together.
///
/// One `u64` is drawn for each wait, none for [`Jitter::None`]. The ranges below exclude their upper end; an empty range yields
/// its lower end. A [floor](crate::BackoffConfig::floor) raises the lower end.
///
/// ```
/// use core::time::Duration;
/// use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
///
/// const SECOND: Duration = Duration::from_secs(1);
/// let first = |jitter| {
///     let config = BackoffConfig::exponential(SECOND, Ratio::TWO, Duration::from_secs(30)).jitter(jitter).build()?;
///     Ok::<_, redial::ConfigError>(config.delays(SplitMix64::new(7)).next().expect("no end"))
/// };
/// assert_eq!(first(Jitter::None)?, SECOND);
/// assert!(first(Jitter::Full)? <= SECOND);
/// assert!(first(Jitter::Equal)? >= SECOND / 2);
/// # Ok::<(), redial::ConfigError>(())
/// ```
#[doc(alias = "random")]
#[doc(alias = "thundering herd")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// Exactly `d`; the default. For a single client: many clients without jitter dial at the same times.
    None,
    /// `[0, d)`: the fewest calls to drain a queue of clients. AWS, "Exponential Backoff and Jitter".
    Full,
    /// `[d / 2, d)`: at least half the nominal wait. From the same article.
    Equal,
    /// `[initial, 3 × previous wait)`, of the same article; the first previous wait is `initial`.
    ///
    /// Of the curve only the initial wait and the cap are used, so that a [`constant`](crate::BackoffConfig::constant) curve is
    /// refused. The article cuts a draw above the cap to the cap, where all clients then wait equally long; here such a draw is
    /// spread evenly over `[initial, cap)`. A [first wait](crate::BackoffConfig::first_delay) is drawn as with [`Jitter::Full`].
    Decorrelated,
    /// `[d (1 - r), d (1 + r))`, its high end at most the cap; `r` in 0 to 1. gRPC has 1/5.
    PlusMinus(Ratio),
    /// `[low × d, high × d)`: any share of the nominal wait, `low <= high`, `high` above 0 and at most 1.
    Window(Ratio, Ratio),
    /// `(d (1 - r), d]`, the larger the draw the shorter the wait; `r` in 0 to 1. Ably has 1/5.
    Minus(Ratio),
    /// `[d, d (1 + r))`, where `d` is at most `max / (1 + r)`, so that no draw exceeds the cap. client-go and backon have 1,
    /// tower 99/100.
    ///
    /// Those libraries call the largest `d` the cap and wait up to `1 + r` times as long. Here the cap is the longest wait: for
    /// their cap of 30 s with `r` = 1, give 60 s.
    Plus(Ratio),
    /// `[d + low, d + high)`, where `d` is at most `max - high`. graphql-ws has 300 to 3000 ms, nats.go 0 to 100 ms.
    PlusFixed(Duration, Duration),
    /// `[initial, initial + d)`, and the cap for a draw above it: the formula of centrifuge-js, at whose cap that is one draw in
    /// forty. A [`constant`](crate::BackoffConfig::constant) curve is refused, since it leaves nothing to draw from.
    ///
    /// A [first wait](crate::BackoffConfig::first_delay) is drawn as with [`Jitter::Full`].
    AboveInitial,
    /// `DecorrelatedJitterV2` of Polly: random steps along a smooth curve that doubles. The medians of the waits are
    /// 0.9, 1.1, 2, 4, 8, 16 … times `initial`.
    ///
    /// The n-th wait is `(f(t) - f(t')) × initial / 1.4` with `f(t) = 2^t tanh(2 √t)`, `t = n - 1 + u`, u the draw and
    /// t' the t of the wait before (f is 0 before the first), computed in integers with an error of at most 1 µs. Of the curve
    /// only the initial wait and the cap are used, so that a [`constant`](crate::BackoffConfig::constant) curve is refused. Polly
    /// waits exactly the cap once the curve is above it; here a draw above the cap is spread below it. A draw below the floor
    /// is the floor. A [first wait](crate::BackoffConfig::first_delay) is drawn as with [`Jitter::Full`].
    DecorrelatedV2,
}

words!(Jitter {
    None => "none",
    Full => "full",
    Equal => "equal",
    Decorrelated => "decorrelated",
    PlusMinus => "plus_minus",
    Window => "window",
    Minus => "minus",
    Plus => "plus",
    PlusFixed => "plus_fixed",
    AboveInitial => "above_initial",
    DecorrelatedV2 => "decorrelated_v2",
});
