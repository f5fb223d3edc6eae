//! Formulas and libraries for retries of anything. None knows a protocol: classes, sessions and liveness are yours.

use super::{config, exponential, ms, ratio, secs};
use crate::backoff::{BackoffConfig, Jitter};
use crate::classify::{Class, Classifier, Match, Rule, Verdict, tables};
use crate::policy::{Config, Establish};
use crate::ratio::Ratio;

/// AWS, "Exponential Backoff and Jitter": full jitter, `U(0, min(cap, base × 2^n))`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 20 s | base and cap are the user's; these are those of the published vectors |
///
/// The article's simulator counts n from 1, here it begins at 0. It says nothing of connections; here the waits start
/// over once one held 20 s, the cap. Not covered: everything but the waits.
pub const AWS_FULL: Config = aws(Jitter::Full);

/// The same article's equal jitter: half the wait is sure, `d / 2 + U(0, d / 2)`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 20 s | as for [`AWS_FULL`] |
pub const AWS_EQUAL: Config = aws(Jitter::Equal);

/// The same article's decorrelated jitter, `min(cap, U(base, 3 × last wait))`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 1 s to 20 s | as for [`AWS_FULL`] |
///
/// Corrected: the article's minimum puts 29 % of the clients at the cap to the millisecond after 12 draws; here such a
/// draw is spread below it.
pub const AWS_DECORRELATED: Config = aws(Jitter::Decorrelated);

const fn aws(jitter: Jitter) -> Config {
    config(exponential(secs(1), Ratio::TWO, secs(20), jitter)).build_const()
}

/// stubborn-io 0.3.6, `ExpBackoffStrategy`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 4 s, ×2, 30 min, ±5 % | its default options |
/// | first connect | not retried | `exit_if_first_connect_fails` |
/// | reset | at every disconnect of an open connection | a new iterator each time |
///
/// Corrected: its delay panics at the 63rd retry (27 hours); its minimum after the jitter drops half of it at the cap;
/// it starts over at every disconnect, here where the connection had held 60 s.
pub const STUBBORN_IO: Config =
    config(exponential(secs(4), Ratio::TWO, secs(1800), Jitter::PlusMinus(ratio(1, 20))))
        .initial_limits(Some(1), None)
        .establish(Establish::OnOpen)
        .build_const();

/// tower 0.5, `ExponentialBackoffMaker`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 50 ms, ×2, no cap, plus up to 99 % | its default |
///
/// Without a cap the 30th wait is ten months: lay one of yours over it. Corrected: tower scales whole seconds and
/// nanoseconds apart, so that the jitter on 3.2 s ends below 2.2 s and has gaps; here it is one range. It knows
/// retries, not connections; here the waits start over once one held 60 s. Not covered: the retry budget. tower's
/// `reconnect`, which has no waits at all, is [`TONIC`](super::TONIC).
pub const TOWER: Config =
    config(exponential(ms(50), Ratio::TWO, core::time::Duration::MAX, Jitter::Plus(ratio(99, 100))))
        .build_const();

/// backon 1.6, `ExponentialBuilder`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 1 s, ×2, 60 s, no jitter | its default; `with_jitter` is [`Jitter::Plus`] of 1 |
/// | attempts | 3 | `max_times` |
///
/// Without jitter a fleet stays in step. With it, backon's `no_std` default seed is one constant, the same in every
/// device; here the seed is yours. It knows retries, not connections; here attempts and waits start over once one held
/// 60 s, the cap.
pub const BACKON: Config =
    config(exponential(secs(1), Ratio::TWO, secs(60), Jitter::None)).max_attempts(Some(3)).build_const();

/// backoff 0.4, `ExponentialBackoff`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | backoff | 500 ms, ×1.5, 60 s, ±50 % | its default |
/// | time | 15 min | `max_elapsed_time` |
///
/// Corrected: it waits up to 90 s at its cap of 60 s. What "given up" means is a value of its own here
/// ([`Action::GaveUp`](crate::Action::GaveUp)): rust_socketio takes the crate's `None` for "no wait" and dials without
/// pause after 15 minutes. It starts over where its user says so; here once a connection held 60 s, the cap.
pub const BACKOFF_CRATE: Config =
    config(exponential(ms(500), ratio(3, 2), secs(60), Jitter::PlusMinus(ratio(1, 2))))
        .max_elapsed(Some(secs(900)))
        .build_const();

/// Polly 8, exponential retries with jitter (`DecorrelatedJitterV2`).
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | median 1.8, 2.3, 4.0 s | `Delay` 2 s, [`Jitter::DecorrelatedV2`] |
/// | longest wait | 32 s | Polly has none; its own bound for the third wait, `4 × 2 s × 2^2` |
/// | attempts | 3 | `MaxRetryAttempts` |
///
/// This is what `UseJitter` makes of `Exponential`; the default is [`POLLY_RETRY`]. Polly knows retries, not
/// connections; here they start over once one held 32 s, the cap. Its breaker is
/// [`breakers::POLLY`](super::breakers::POLLY).
pub const POLLY: Config = config(exponential(secs(2), Ratio::TWO, secs(32), Jitter::DecorrelatedV2))
    .max_attempts(Some(3))
    .build_const();

/// Polly 8, the defaults of `RetryStrategyOptions`.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | wait | 2 s, no jitter | `Delay`, `BackoffType` of `Constant`, `UseJitter` off |
/// | attempts | 3 (6 s) | `MaxRetryAttempts` |
///
/// Without jitter a fleet stays in step. As for [`POLLY`], the retries start over once a connection held; here 10 s.
pub const POLLY_RETRY: Config = config(BackoffConfig::constant(secs(2))).max_attempts(Some(3)).build_const();

/// ezsockets, e253cf5.
///
/// | what | value | source |
/// | --- | --- | --- |
/// | waits | 0, then 5 s, no jitter | its error path dials at once; `reconnect_interval` |
/// | after a close frame | 5 s | its close path sleeps first; here the codes that the `websocket` table retries |
///
/// Corrected: a server that fails at once is dialled at once without end; here the 0 is for a connection that held 10 s.
/// Without jitter a fleet stays in step. After a first dial that failed it waits 5 s, here 0: a config has one
/// first wait, whatever failed.
pub const EZSOCKETS: Config = config(BackoffConfig::constant(secs(5)).first_delay(secs(0)))
    .establish(Establish::OnOpen)
    .classifier(CLOSE_FRAMES_WAIT)
    .build_const();

/// The `websocket` table, but what it retries after a close frame waits 5 s. 1006 is none.
const CLOSE_FRAMES_WAIT: Classifier = {
    let (going, broken) = (Verdict::new(Class::Transient), Verdict::new(Class::Fresh));
    let broken = broken.with_client_fault().with_limit(tables::TRIES);
    Classifier::new(&tables::WEBSOCKET)
        .rule(after_a_pause(1000, 1001, going))
        .rule(after_a_pause(1002, 1004, broken))
        .rule(after_a_pause(1005, 1005, going))
        .rule(after_a_pause(1007, 1007, broken))
        .rule(after_a_pause(1011, 1011, going))
        .rule(after_a_pause(1014, 1014, going))
        .rule(after_a_pause(1016, 2999, going))
        .rule(after_a_pause(4000, 4999, going))
        .build_const()
};

const fn after_a_pause(first: u16, last: u16, verdict: Verdict) -> Rule {
    Rule::new(Match::CloseRange(first, last), verdict.with_wait_const(secs(5), secs(5)))
}
