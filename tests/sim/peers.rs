//! The curves of peers, as their own code has them, and what was measured of them with another simulator.
//!
//! Two are not here, carbon and socket.io: their jitter goes beyond their cap, and ours stays inside.

use std::time::Duration;

use redial::backoff::AfterTable;
use redial::builder::Builder;
use redial::{BackoffConfig, Config, Jitter, Ratio, presets};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn exponential(initial_ms: u64, factor: Ratio, max_s: u64, jitter: Jitter) -> Builder<BackoffConfig> {
    BackoffConfig::exponential(ms(initial_ms), factor, Duration::from_secs(max_s)).jitter(jitter)
}

/// An immediate dial, and then those waits.
fn at_once(curve: Builder<BackoffConfig>) -> Builder<BackoffConfig> {
    curve.first_delay(Duration::ZERO)
}

fn config(backoff: Builder<BackoffConfig>) -> Config {
    let backoff = backoff.build().expect("a curve of a peer");
    Config::new(backoff).connect_timeout(Duration::from_secs(60)).build().expect("a config")
}

static PHOENIX: [Duration; 10] =
    [ms(10), ms(50), ms(100), ms(150), ms(200), ms(250), ms(500), ms(1_000), ms(2_000), ms(5_000)];
static SIGNALR: [Duration; 4] = [ms(0), ms(2_000), ms(10_000), ms(30_000)];

/// A peer and, for failures that are known after a round trip, 1 s and 10 s, each with an outage of 0, 30 and 300 s: the time
/// until 99 % are back, as a multiple of the ideal, and the dials a client.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) config: Config,
    pub(crate) measured: [(f64, f64); 9],
}

/// 100,000 clients and 1,000 accepts a second; the table of defaults in the measurements that this module reproduces.
pub(crate) fn peers() -> Vec<Peer> {
    let peer = |name, curve: Builder<BackoffConfig>, measured| Peer { name, config: config(curve), measured };
    let two = Ratio::TWO;
    let never = f64::INFINITY;
    vec![
        peer(
            "15 s",
            BackoffConfig::constant(ms(15_000)),
            [
                (10.05, 33.52),
                (9.90, 34.15),
                (9.15, 48.80),
                (15.18, 47.94),
                (15.04, 48.94),
                (15.06, 65.94),
                (23.64, 47.94),
                (23.59, 48.94),
                (23.64, 59.94),
            ],
        ),
        peer(
            "carbon before 2026-03",
            exponential(1_000, two, 30, Jitter::None),
            [
                (18.84, 33.52),
                (19.45, 36.28),
                (18.55, 43.62),
                (28.22, 47.94),
                (29.17, 51.94),
                (29.26, 60.94),
                (36.68, 47.94),
                (37.59, 50.94),
                (37.69, 57.94),
            ],
        ),
        peer(
            "zen_websocket",
            at_once(exponential(500, two, 30, Jitter::None)),
            [
                (18.54, 33.55),
                (19.15, 37.08),
                (18.55, 44.50),
                (27.92, 47.94),
                (29.18, 52.94),
                (29.27, 61.94),
                (36.37, 47.94),
                (37.28, 50.94),
                (37.79, 58.94),
            ],
        ),
        peer(
            "AWS full jitter 30",
            exponential(1_000, two, 30, Jitter::Full),
            [
                (1.06, 7.08),
                (1.06, 9.21),
                (1.06, 27.14),
                (1.06, 6.68),
                (1.07, 8.74),
                (1.06, 25.61),
                (1.29, 5.28),
                (1.09, 5.96),
                (1.10, 16.76),
            ],
        ),
        peer(
            "AWS full jitter 60",
            exponential(1_000, two, 60, Jitter::Full),
            [
                (1.16, 6.30),
                (1.18, 7.61),
                (1.18, 16.58),
                (1.11, 6.06),
                (1.20, 7.41),
                (1.18, 16.11),
                (1.54, 5.22),
                (1.28, 5.85),
                (1.22, 12.72),
            ],
        ),
        peer(
            "AWS full jitter 120",
            exponential(1_000, two, 120, Jitter::Full),
            [
                (1.53, 6.21),
                (1.59, 7.28),
                (1.44, 11.80),
                (1.55, 6.02),
                (1.62, 7.15),
                (1.43, 11.63),
                (1.59, 5.22),
                (1.38, 5.84),
                (1.47, 10.28),
            ],
        ),
        peer(
            "AWS equal jitter 30",
            exponential(1_000, two, 30, Jitter::Equal),
            [
                (1.20, 6.23),
                (1.14, 7.68),
                (1.06, 19.44),
                (1.27, 6.17),
                (1.16, 7.40),
                (1.06, 18.70),
                (1.99, 6.16),
                (1.72, 6.65),
                (1.04, 13.80),
            ],
        ),
        peer(
            "AWS equal jitter 60",
            exponential(1_000, two, 60, Jitter::Equal),
            [
                (1.56, 6.04),
                (1.31, 7.10),
                (1.18, 12.71),
                (1.62, 6.01),
                (1.36, 6.97),
                (1.17, 12.47),
                (2.26, 6.01),
                (1.97, 6.45),
                (1.14, 10.59),
            ],
        ),
        peer(
            "AWS equal jitter 120",
            exponential(1_000, two, 120, Jitter::Equal),
            [
                (2.15, 6.03),
                (1.92, 7.08),
                (1.60, 9.85),
                (2.21, 5.99),
                (1.97, 6.96),
                (1.21, 9.75),
                (2.84, 5.99),
                (2.57, 6.43),
                (1.88, 9.13),
            ],
        ),
        peer(
            "phoenix.js",
            BackoffConfig::table(&PHOENIX, AfterTable::RepeatLast),
            [
                (3.12, 37.16),
                (3.13, 43.66),
                (2.80, 92.64),
                (5.28, 47.94),
                (5.64, 58.94),
                (5.64, 103.94),
                (13.73, 47.94),
                (13.88, 50.94),
                (14.19, 70.94),
            ],
        ),
        peer(
            "SignalR",
            BackoffConfig::table(&SIGNALR, AfterTable::RepeatLast),
            [
                (19.26, 33.52),
                (19.56, 35.55),
                (18.96, 42.80),
                (28.64, 47.94),
                (29.27, 50.94),
                (29.36, 59.94),
                (37.09, 47.94),
                (37.60, 49.94),
                (37.70, 56.94),
            ],
        ),
        peer(
            "centrifuge-js",
            presets::CENTRIFUGE.backoff().to_builder(),
            [
                (1.03, 8.74),
                (1.03, 11.68),
                (1.03, 37.26),
                (1.04, 8.07),
                (1.03, 10.82),
                (1.03, 34.31),
                (1.35, 6.24),
                (1.14, 6.79),
                (1.06, 19.69),
            ],
        ),
        peer(
            "twilight",
            at_once(exponential(500, two, 255, Jitter::None)),
            [
                (149.44, 33.55),
                (156.87, 37.08),
                (161.87, 40.29),
                (never, 47.48),
                (never, 51.85),
                (never, 55.16),
                (never, 47.13),
                (never, 49.69),
                (never, 53.75),
            ],
        ),
        peer(
            "backon with jitter",
            at_once(exponential(500, two, 120, Jitter::Plus(Ratio::ONE))),
            [
                (2.14, 6.06),
                (1.91, 7.08),
                (1.61, 9.86),
                (2.20, 6.07),
                (1.97, 6.98),
                (1.25, 9.76),
                (2.84, 6.07),
                (2.56, 6.44),
                (1.87, 9.14),
            ],
        ),
        peer(
            "backon",
            at_once(exponential(500, two, 60, Jitter::None)),
            [
                (36.44, 33.55),
                (37.96, 37.08),
                (37.66, 41.11),
                (54.30, 47.94),
                (57.08, 52.94),
                (57.43, 57.94),
                (62.76, 47.94),
                (64.58, 50.94),
                (66.09, 56.94),
            ],
        ),
        peer(
            "retry-policies",
            at_once(exponential(500, two, 1_800, Jitter::Full)),
            [
                (1.66, 7.19),
                (2.43, 8.26),
                (9.15, 10.80),
                (1.65, 6.94),
                (2.25, 8.11),
                (9.06, 10.75),
                (1.69, 6.15),
                (1.44, 6.54),
                (6.33, 10.34),
            ],
        ),
        peer(
            "failsafe",
            exponential(10_000, two, 300, Jitter::Equal),
            [
                (2.56, 3.24),
                (2.45, 3.86),
                (2.67, 6.00),
                (2.62, 3.25),
                (2.48, 3.84),
                (2.72, 6.00),
                (2.98, 3.25),
                (2.80, 3.59),
                (2.96, 5.82),
            ],
        ),
    ]
}
