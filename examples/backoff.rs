//! How long to wait before the next attempt: `cargo run --example backoff`.

use std::time::Duration;

use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64};

// Half a second, doubled up to half a minute; each wait is drawn between 0 and that. A mistake here does not compile.
const CONFIG: BackoffConfig =
    BackoffConfig::exponential(Duration::from_millis(500), Ratio::TWO, Duration::from_secs(30))
        .jitter(Jitter::Full)
        .build_const();

fn main() {
    // Every client needs a seed of its own: clients that share one come back in the same instant.
    let mut rng = SplitMix64::from_os();

    // As an iterator, for a loop of your own. It ends only where the config sets an end.
    for (failure, delay) in (1..).zip(CONFIG.delays(rng.clone()).take(8)) {
        println!(
            "failure {failure}: wait {delay:?} of at most {:?}",
            CONFIG.ceiling(failure, Mode::Fresh).unwrap()
        );
    }

    // As 24 bytes of state beside a connection of yours: it counts failures and is reset when a connection has held.
    let (mut backoff, mut lost) = (Backoff::new(), Duration::ZERO);
    while backoff.failures() < 3 {
        let delay = backoff.next_delay(&CONFIG, Mode::Fresh, lost, &mut rng).expect("this curve has no end");
        lost += delay;
    }
    println!("{lost:?} lost in {} failures", backoff.failures());
    backoff.reset();
    assert_eq!(backoff.failures(), 0);
}
