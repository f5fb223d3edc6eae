//! How waits are spread.

use core::time::Duration;

use crate::ratio::Ratio;
use crate::words::words;

/// How a wait is spread around its nominal value `d`, so that clients that fell together do not come back together.
///
/// One `u64` is drawn for each jittered wait, none for [`Jitter::None`]. Every window excludes its high end; one that
/// is empty yields its low end. A [floor](crate::BackoffConfig::with_floor) raises the low end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// Exactly `d`. The default. For one client; a fleet stays in step.
    None,
    /// `[0, d)`: the fewest calls to drain a queue of clients. AWS, "Exponential Backoff and Jitter".
    Full,
    /// `[d / 2, d)`: a wait of at least half the ladder. From the same article.
    Equal,
    /// `[initial, 3 × previous wait)`, of the same article; the first previous wait is `initial`.
    ///
    /// The curve's growth is not used, only its ends, so that a [`constant`](crate::BackoffConfig::constant) is refused. Where the
    /// article clips a draw above the cap to the cap, and so puts clients in step there, here such a draw is spread
    /// evenly over `[initial, cap)`. A wait [asked for](crate::BackoffConfig::with_first) is drawn as with [`Jitter::Full`].
    Decorrelated,
    /// `[d (1 - r), d (1 + r))`, its high end at most the cap; `r` in 0 to 1. gRPC has 1/5.
    PlusMinus(Ratio),
    /// `[low × d, high × d)`: any share of the ladder, `low <= high`, `high` above 0 and at most 1.
    Window(Ratio, Ratio),
    /// `(d (1 - r), d]`, the larger the draw the shorter the wait; `r` in 0 to 1. Ably has 1/5.
    Minus(Ratio),
    /// `[d, d (1 + r))`, where `d` ends at `max / (1 + r)` so that the jitter stays whole at the cap. client-go and
    /// backon have 1, tower 99/100.
    ///
    /// These peers call the end of `d` the cap and wait up to `1 + r` times as long. Here the cap is the longest wait:
    /// for their cap of 30 s and `r` = 1, give 60 s.
    Plus(Ratio),
    /// `[d + low, d + high)`, where `d` ends at `max - high`. graphql-ws has 300 to 3000 ms, nats.go 0 to 100 ms.
    PlusFixed(Duration, Duration),
    /// `[initial, initial + d)`, and the cap for a draw above it, which is one in forty at the cap of centrifuge-js,
    /// whose formula this is. [`constant`](crate::BackoffConfig::constant) leaves no room.
    ///
    /// A wait [asked for](crate::BackoffConfig::with_first) is drawn as with [`Jitter::Full`].
    AboveInitial,
    /// `DecorrelatedJitterV2` of Polly: random steps along a smooth curve that doubles. The medians of the waits are
    /// 0.9, 1.1, 2, 4, 8, 16 … times `initial`.
    ///
    /// The n-th wait is `(f(t) - f(t')) × initial / 1.4` with `f(t) = 2^t tanh(2 √t)`, `t = n - 1 + u`, u the draw and
    /// t' the t of the wait before (f is 0 before the first). In integers, at most 1 µs off. The curve's growth is not
    /// used, only its ends, so that a [`constant`](crate::BackoffConfig::constant) is refused. Where Polly, once the curve is above
    /// the cap, waits the cap for ever, a draw above the cap is spread below it. A draw below the floor is the floor.
    /// A wait [asked for](crate::BackoffConfig::with_first) is drawn as with [`Jitter::Full`].
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
