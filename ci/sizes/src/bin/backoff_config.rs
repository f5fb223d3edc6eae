//! A backoff whose config is made at run time, from numbers that the compiler does not know: every constructor,
//! every setter, every jitter, a first wait that the server sets.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::time::Duration;

use redial::backoff::AfterTable;
use redial::{Backoff, BackoffConfig, ConfigError, Jitter, Mode, Ratio};
use sizes::{Counter, halt};

static ENTRIES: [Duration; 1] = [Duration::from_secs(1)];

fn time() -> Duration {
    Duration::from_micros(black_box(1_000_000))
}

fn ratio() -> Result<Ratio, ConfigError> {
    Ratio::new(black_box(3), black_box(2))
}

fn built() -> Result<BackoffConfig, ConfigError> {
    let curve = match black_box(0) {
        0 => BackoffConfig::exponential(time(), ratio()?, time()),
        1 => BackoffConfig::constant(time()),
        2 => BackoffConfig::linear(time(), time()),
        3 => BackoffConfig::fibonacci(time(), time()),
        4 => BackoffConfig::quadratic(time(), time(), time()),
        5 => BackoffConfig::elapsed(ratio()?, time(), time()),
        _ => BackoffConfig::table(black_box(&ENTRIES), AfterTable::RepeatLast),
    };
    let jitter = match black_box(0) {
        0 => Jitter::None,
        1 => Jitter::Full,
        2 => Jitter::Equal,
        3 => Jitter::Decorrelated,
        4 => Jitter::PlusMinus(ratio()?),
        5 => Jitter::Window(ratio()?, ratio()?),
        6 => Jitter::Minus(ratio()?),
        7 => Jitter::Plus(ratio()?),
        8 => Jitter::PlusFixed(time(), time()),
        9 => Jitter::AboveInitial,
        _ => Jitter::DecorrelatedV2,
    };
    let config = curve.jitter(jitter).floor(time()).max_fresh(time());
    let config = if black_box(false) { config.first_delay(time()).exact_first() } else { config };
    config.build()
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    let Ok(config) = built() else { halt() };
    let mut rng = Counter::new();
    let mut backoff = Backoff::new();
    loop {
        if black_box(false) {
            backoff.reset();
            backoff.set_base(Some(time()));
        }
        black_box(config.ceiling(black_box(1), Mode::Fresh));
        black_box(backoff.next_delay(&config, Mode::Fresh, time(), &mut rng));
    }
}
