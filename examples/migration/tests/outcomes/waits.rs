//! The traps of the waits that the pages tell of, as the crates have them, and the same waits here.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::time::Duration;

use backoff::backoff::Backoff as _;
use backon::BackoffBuilder;
use redial::{BackoffConfig, Jitter, Ratio, SplitMix64};
use stubborn_io::strategies::ExpBackoffStrategy;
use tokio_retry::strategy::ExponentialBackoff;
use tower::retry::backoff::{Backoff as _, ExponentialBackoffMaker, MakeBackoff};
use tower::util::rng::HasherRng;

const SECOND: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(30);

fn ours(jitter: Jitter) -> impl Iterator<Item = Duration> {
    let config = BackoffConfig::exponential(SECOND, Ratio::TWO, CAP).jitter(jitter).build().unwrap();
    config.delays(SplitMix64::new(7))
}

#[test]
fn backon_jitter_is_added_above_the_cap() {
    let builder = backon::ExponentialBuilder::new().with_max_delay(CAP).with_jitter().without_max_times();
    let longest = builder.with_jitter_seed(7).build().take(1_000).max().unwrap();
    assert!(longest > CAP + CAP / 2, "{longest:?}");
    assert!(ours(Jitter::Plus(Ratio::ONE)).take(1_000).all(|wait| wait <= CAP));
}

#[test]
fn backoff_jitter_exceeds_the_longest_interval() {
    let mut theirs: backoff::ExponentialBackoff =
        backoff::ExponentialBackoffBuilder::new().with_max_interval(CAP).with_max_elapsed_time(None).build();
    let longest = (0..1_000).filter_map(|_| theirs.next_backoff()).max().unwrap();
    assert!(longest > CAP + CAP / 4, "{longest:?}");
    assert!(ours(Jitter::PlusMinus(Ratio::new_const(1, 2))).take(1_000).all(|wait| wait <= CAP));
}

#[test]
fn tokio_retry_takes_the_first_delay_for_the_factor() {
    let theirs: Vec<_> = ExponentialBackoff::from_millis(500).take(3).collect();
    assert_eq!(theirs, [500, 250_000, 125_000_000].map(Duration::from_millis));
    let config = BackoffConfig::exponential(SECOND / 2, Ratio::TWO, CAP).build().unwrap();
    let ours: Vec<_> = config.delays(SplitMix64::new(7)).take(3).collect();
    assert_eq!(ours, [500, 1_000, 2_000].map(Duration::from_millis));
}

#[test]
fn stubborn_io_panics_in_a_long_outage_also_with_a_cap() {
    let theirs = || ExpBackoffStrategy::new(SECOND, 2.0, 0.05).with_max(CAP).with_seed(7).into_iter();
    assert_eq!(theirs().take(60).count(), 60);
    assert!(catch_unwind(|| theirs().take(70).count()).is_err());
    assert!(ours(Jitter::PlusMinus(Ratio::new_const(1, 20))).take(1_000_000).all(|wait| wait <= CAP));
}

#[tokio::test(start_paused = true)]
async fn tower_makes_the_same_jitter_for_every_call() {
    let mut maker = ExponentialBackoffMaker::new(SECOND / 20, CAP, 0.99, HasherRng::default()).unwrap();
    let mut waits = || maker.make_backoff().next_backoff().deadline();
    let theirs: BTreeSet<_> = (0..100).map(|_| waits()).collect();
    assert_eq!(theirs.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tower_gives_whole_seconds_no_jitter() {
    let now = tokio::time::Instant::now();
    let waits: BTreeSet<_> = (0..100)
        .map(|_| {
            let maker = ExponentialBackoffMaker::new(SECOND, CAP, 0.99, HasherRng::default());
            maker.unwrap().make_backoff().next_backoff().deadline() - now
        })
        .collect();
    assert_eq!(waits, BTreeSet::from([SECOND]));
    let plus = Jitter::Plus(Ratio::new_const(99, 100));
    let config = BackoffConfig::exponential(SECOND, Ratio::TWO, CAP).jitter(plus).build().unwrap();
    let ours: BTreeSet<_> = (0..100).filter_map(|seed| config.delays(SplitMix64::new(seed)).next()).collect();
    assert!(ours.len() > 90, "{}", ours.len());
}
