//! The peers' circuit breakers, by rate. [`Config::breaker`](crate::Config::breaker) counts failures in a
//! row; these are for a [`CircuitBreaker`](crate::CircuitBreaker) of your own beside what it guards.

use super::{ratio, secs};
use crate::breaker::{self, CountWindow, Rates, TimeWindow};
use crate::ratio::Ratio;

/// resilience4j, `CircuitBreakerConfig.ofDefaults()`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | window | the last 100 results | `slidingWindowType` COUNT_BASED, `slidingWindowSize` |
/// | opens | at 50 % of failures, or all slower than 60 s, from the 100th result on | `failureRateThreshold`, `slowCallRateThreshold`, `slowCallDurationThreshold`, `minimumNumberOfCalls` |
/// | open for | 60 s | `waitDurationInOpenState` |
/// | half-open | 10 probes, and the rates of these decide | `permittedNumberOfCallsInHalfOpenState` |
///
/// Corrected: without a `maxWaitDurationInHalfOpenState` (the default of 0 is none) probes that never answer keep it
/// half-open indefinitely (resilience4j #935); here their lease of 60 s ends, and it opens again.
pub const RESILIENCE4J: breaker::Config<CountWindow<100>> = breaker::Config::by_count(
    Rates::new(ratio(1, 2), 100).slow(secs(60), Ratio::ONE).build_const(),
    secs(60),
)
.probes(10)
.build_const();

/// Polly 8, the defaults of `CircuitBreakerStrategyOptions`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | window | 30 s, in ten parts | `SamplingDuration`, its rolling metrics |
/// | opens | at 10 % of failures, from the 100th result in the window on | `FailureRatio`, `MinimumThroughput` |
/// | open for | 5 s | `BreakDuration` |
/// | half-open | one probe | its state controller |
///
/// Corrected: a probe that never answers keeps Polly's half-open indefinitely; here its lease of 60 s ends, and it opens
/// again. A `BreakDurationGenerator` is [`breaker::Config::growth`].
pub const POLLY: breaker::Config<TimeWindow<10>> =
    breaker::Config::by_time(Rates::new(ratio(1, 10), 100).build_const(), secs(30), secs(5)).build_const();
