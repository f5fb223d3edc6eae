//! A fleet in memory: one frequent event for each of a million policies in random order, beside bare memory of the same
//! size of which as many lines are written; and how both grow from one policy to a million.
//!
//! With `REDIAL_FLEET=10000000` in the environment to ten million, which takes some 5 GB.

use core::hint::black_box;
use core::time::Duration;

use criterion::{Bencher, BenchmarkId, Criterion, criterion_group, criterion_main};
use redial::rand_core::Rng;
use redial::{Action, Config, Epoch, Event, Instant, Policy, SplitMix64, presets};

static CONFIG: Config = presets::RECOMMENDED;

type Plain = Policy<SplitMix64>;

/// A cache line has so many of these words.
const LINE: usize = 8;
/// As large as a policy.
type Bare = [u64; WORDS];
const WORDS: usize = size_of::<Plain>() / size_of::<u64>();
const BARE: Bare = [0; WORDS];

fn online() -> (Plain, Epoch) {
    let mut policy = Plain::new(&CONFIG, SplitMix64::new(7));
    let dial = policy.handle_event(Instant::ZERO, Event::Start).into_iter().next();
    let Some(Action::Open { epoch, .. }) = dial else { panic!("a start dials") };
    let ready = Event::Ready { epoch, token: Some(()), endpoint: None, sequence: Some(0), ttl: None };
    let held = Instant::from_millis(60_000);
    for actions in [
        policy.handle_event(Instant::ZERO, Event::Opened { epoch }),
        policy.handle_event(Instant::ZERO, ready),
        policy.handle_timeout(held),
    ] {
        black_box(&actions);
    }
    assert_eq!(policy.poll_timeout(), None);
    (policy, epoch)
}

/// The numbers up to `count`, shuffled.
fn shuffled(count: u32) -> Vec<u32> {
    let mut rng = SplitMix64::new(1);
    let mut order: Vec<u32> = (0..count).collect();
    for place in (1..order.len()).rev() {
        order.swap(place, (rng.next_u64() % (place as u64 + 1)) as usize);
    }
    order
}

/// `step` on one element after the other, in this order and over again.
fn walk<T>(b: &mut Bencher<'_>, order: &[u32], fleet: &mut [T], mut step: impl FnMut(&mut T, u64)) {
    let (mut at, mut n) = (0, 1);
    b.iter(|| {
        step(&mut fleet[order[at] as usize], n);
        at += 1;
        if at == order.len() {
            (at, n) = (0, n + 1);
        }
    });
    black_box(fleet);
}

fn fleet(c: &mut Criterion) {
    let mut group = c.benchmark_group("fleet");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).sample_size(20);
    let most = std::env::var("REDIAL_FLEET").ok().and_then(|most| most.parse().ok()).unwrap_or(1_000_000);
    let now = Instant::from_millis(60_001);
    for count in [1, 1_000, 1_000_000, 10_000_000].into_iter().filter(|count| *count <= most) {
        let order = shuffled(count);
        let id = |name| BenchmarkId::new(name, count);
        let (policy, epoch) = online();
        group.bench_function(id("a sequence number"), |b| {
            let mut fleet = vec![policy.clone(); count as usize];
            walk(b, &order, &mut fleet, |policy, n| {
                black_box(&policy.handle_event(now, black_box(Event::Sequence { epoch, sequence: n })));
            });
        });
        group.bench_function(id("other traffic"), |b| {
            let mut fleet = vec![policy.clone(); count as usize];
            walk(b, &order, &mut fleet, |policy, _| {
                black_box(&policy.handle_event(now, black_box(Event::Received { epoch })));
            });
        });
        group.bench_function(id("one line of bare memory"), |b| {
            let mut fleet = vec![BARE; count as usize];
            walk(b, &order, &mut fleet, |bare, n| bare[0] = bare[0].wrapping_add(n));
        });
        group.bench_function(id("two lines of bare memory"), |b| {
            let mut fleet = vec![BARE; count as usize];
            walk(b, &order, &mut fleet, |bare, n| {
                bare[0] = bare[0].wrapping_add(n);
                bare[LINE] = bare[LINE].wrapping_add(n);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, fleet);
criterion_main!(benches);
