//! The next delay with full jitter (1 s, factor 2, cap 30 s), beside a peer's in the same run.

use std::hint::black_box;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use rand_chacha::ChaCha8Rng;
use redial::rand_core::{Rng, SeedableRng};
use redial::{Backoff, BackoffConfig, Jitter, Mode, Ratio, SplitMix64, valid};

const INITIAL: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(30);
const LADDER: BackoffConfig =
    valid(valid(BackoffConfig::exponential(INITIAL, Ratio::TWO, MAX)).with_jitter(Jitter::Full));
/// One outage: a new ladder and this many delays.
const OUTAGE: usize = 20;

fn redial<R: Rng>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut rng: R) {
    let config = black_box(LADDER);
    group.bench_function(format!("at the cap/redial {name}"), |b| {
        let mut backoff = Backoff::new();
        b.iter(|| backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng));
    });
    group.bench_function(format!("outage of 20/redial {name}"), |b| {
        b.iter(|| {
            let mut backoff = Backoff::new();
            for _ in 0..OUTAGE {
                black_box(backoff.next_delay(&config, Mode::Resume, Duration::ZERO, &mut rng));
            }
        });
    });
}

fn delays(c: &mut Criterion) {
    let mut group = c.benchmark_group("backoff");
    redial(&mut group, "SplitMix64", SplitMix64::new(7));
    redial(&mut group, "ChaCha8", ChaCha8Rng::seed_from_u64(7));
    let peer = ExponentialBuilder::default()
        .with_min_delay(INITIAL)
        .with_factor(2.0)
        .with_max_delay(MAX)
        .with_jitter()
        .without_max_times();
    group.bench_function("at the cap/backon", |b| {
        let mut delays = peer.build();
        b.iter(|| delays.next());
    });
    group.bench_function("outage of 20/backon", |b| {
        b.iter(|| {
            let mut delays = black_box(peer).build();
            for _ in 0..OUTAGE {
                black_box(delays.next());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, delays);
criterion_main!(benches);
