//! The next delay: 1 s, doubled, at most 30 s, with full jitter or what a crate has that comes nearest.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

use ::backoff::backoff::Backoff as _;
use ::backoff::{ExponentialBackoff, ExponentialBackoffBuilder};
use backon::{BackoffBuilder, ExponentialBuilder};
use failsafe::backoff::{FullJittered, full_jittered};
use redial::rand_core::{Rng, SeedableRng};
use redial::{Backoff, BackoffConfig, ChaCha8Rng, Jitter, Mode, Ratio, SplitMix64};
use tokio::runtime::{Builder, Runtime};
use tower::retry::backoff::{Backoff as _, ExponentialBackoffMaker, MakeBackoff};

use super::{Kind, Operation, Steps, repeat};

const INITIAL: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_secs(30);
/// One outage: a new backoff and this many delays.
const OUTAGE: u32 = 20;

pub const LADDER: BackoffConfig =
    BackoffConfig::exponential(INITIAL, Ratio::TWO, MAX).jitter(Jitter::Full).build_const();

/// The same with each of the other jitters that take a short way, and with a factor that is no whole number.
const OTHERS: [(&str, u32, BackoffConfig); 5] = [
    ("redial, equal", 60, LADDER.to_builder().jitter(Jitter::Equal).build_const()),
    (
        "redial, ±20 %",
        60,
        LADDER.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(1, 5))).build_const(),
    ),
    ("redial, decorrelated", 60, LADDER.to_builder().jitter(Jitter::Decorrelated).build_const()),
    ("redial, ×1.5", 90, BY_HALF),
    (
        "redial, ±20 %, ×1.5",
        90,
        BY_HALF.to_builder().jitter(Jitter::PlusMinus(Ratio::new_const(1, 5))).build_const(),
    ),
];
const BY_HALF: BackoffConfig =
    BackoffConfig::exponential(INITIAL, Ratio::new_const(3, 2), MAX).jitter(Jitter::Full).build_const();

fn ours_at_the_cap<R: Rng + SeedableRng + 'static>() -> Steps {
    other_at_the_cap::<R>(&LADDER)
}

fn other_at_the_cap<R: Rng + SeedableRng + 'static>(config: &'static BackoffConfig) -> Steps {
    let (mut backoff, mut rng) = (Backoff::new(), R::seed_from_u64(7));
    let mut step = move |_| {
        let delay =
            black_box(&mut backoff).next_delay(black_box(config), Mode::Resume, Duration::ZERO, &mut rng);
        black_box(delay);
    };
    (0..OUTAGE).for_each(|_| step(0));
    repeat(step)
}

fn our_other<const N: usize>() -> Steps {
    const CONFIGS: [BackoffConfig; 5] = [OTHERS[0].2, OTHERS[1].2, OTHERS[2].2, OTHERS[3].2, OTHERS[4].2];
    other_at_the_cap::<SplitMix64>(const { &CONFIGS[N] })
}

fn our_outage<R: Rng + SeedableRng + 'static>() -> Steps {
    let mut rng = R::seed_from_u64(7);
    repeat(move |_| {
        let mut backoff = Backoff::new();
        for _ in 0..OUTAGE {
            let delay = black_box(&mut backoff).next_delay(
                black_box(&LADDER),
                Mode::Resume,
                Duration::ZERO,
                &mut rng,
            );
            black_box(delay);
        }
    })
}

fn draw<R: Rng + SeedableRng + 'static>() -> Steps {
    let mut rng = R::seed_from_u64(7);
    repeat(move |_| {
        black_box(black_box(&mut rng).next_u64());
    })
}

/// A peer's running backoff.
trait Ladder: 'static {
    type Delay;
    fn next(&mut self) -> Self::Delay;
}

fn at_the_cap<L: Ladder>(make: fn() -> L) -> Steps {
    let mut ladder = make();
    let mut step = move |_| {
        black_box(black_box(&mut ladder).next());
    };
    (0..OUTAGE).for_each(|_| step(0));
    repeat(step)
}

fn outage<L: Ladder>(make: fn() -> L) -> Steps {
    repeat(move |_| {
        let mut ladder = make();
        for _ in 0..OUTAGE {
            black_box(black_box(&mut ladder).next());
        }
    })
}

/// The least that gives a doubled, capped and fully jittered delay.
pub struct Bare {
    failures: u32,
    rng: SplitMix64,
}

pub fn bare() -> Bare {
    Bare { failures: 0, rng: SplitMix64::new(7) }
}

impl Ladder for Bare {
    type Delay = Duration;

    fn next(&mut self) -> Duration {
        let nominal = (1_000_000_u64 << self.failures.min(5)).min(30_000_000);
        self.failures = self.failures.wrapping_add(1);
        let drawn = (u128::from(self.rng.next_u64()) * u128::from(nominal)) >> 64;
        Duration::from_micros(drawn as u64)
    }
}

/// A peer whose backoff is an iterator.
pub struct Iterated<I>(pub I);

impl<I: Iterator + 'static> Ladder for Iterated<I> {
    type Delay = Option<I::Item>;

    fn next(&mut self) -> Self::Delay {
        self.0.next()
    }
}

/// Its jitter is on top: a delay up to twice the cap.
pub fn backon() -> Iterated<impl Iterator<Item = Duration>> {
    let config = ExponentialBuilder::new()
        .with_min_delay(INITIAL)
        .with_factor(2.0)
        .with_max_delay(MAX)
        .with_jitter()
        .with_jitter_seed(7)
        .without_max_times();
    Iterated(black_box(config).build())
}

/// Its jitter goes up to twice the delay.
pub fn ihrwein() -> ExponentialBackoff {
    ExponentialBackoffBuilder::new()
        .with_initial_interval(black_box(INITIAL))
        .with_multiplier(2.0)
        .with_max_interval(black_box(MAX))
        .with_randomization_factor(1.0)
        .with_max_elapsed_time(None)
        .build()
}

impl Ladder for ExponentialBackoff {
    type Delay = Option<Duration>;

    fn next(&mut self) -> Self::Delay {
        self.next_backoff()
    }
}

/// Its jitter is cut to whole hundredths of the delay, and to the minimum and the cap.
pub fn exponential_backoff() -> Iterated<exponential_backoff::IntoIter> {
    let mut config = exponential_backoff::Backoff::new(u32::MAX, black_box(INITIAL), Some(black_box(MAX)));
    config.set_jitter(0.99);
    config.set_factor(2);
    Iterated(config.into_iter())
}

pub fn tokio_retry() -> Iterated<impl Iterator<Item = Duration>> {
    use tokio_retry::strategy::{ExponentialBackoff, jitter};
    // Its n-th delay is base^n * factor, in milliseconds.
    Iterated(black_box(ExponentialBackoff::from_millis(2).factor(500).max_delay(MAX)).map(jitter))
}

/// Its jitter is from half the delay to one and a half.
pub fn tokio_retry2() -> Iterated<impl Iterator<Item = Duration>> {
    use tokio_retry2::strategy::{ExponentialBackoff, jitter};
    // Its n-th delay is base^n * factor, in milliseconds.
    Iterated(black_box(ExponentialBackoff::from_millis(2).factor(500).max_delay(MAX)).map(jitter))
}

/// This crate's generator, for the one peer that takes one.
#[derive(Clone, Debug)]
pub struct Lent(SplitMix64);

impl tower::util::rng::Rng for Lent {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

pub fn tower() -> tower::retry::backoff::ExponentialBackoff<Lent> {
    let rng = Lent(SplitMix64::new(7));
    let maker = ExponentialBackoffMaker::new(black_box(INITIAL), black_box(MAX), 1.0, rng);
    maker.expect("the minimum is below the cap").make_backoff()
}

/// Its delay is a timer of tokio's, which can't be made outside a runtime.
fn in_a_runtime(prepare: fn() -> Steps) -> Steps {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let make = || Builder::new_current_thread().enable_time().build().expect("a runtime with timers");
    let runtime = RUNTIME.get_or_init(make);
    let mut steps = {
        let _entered = runtime.enter();
        prepare()
    };
    Box::new(move |times| {
        let _entered = runtime.enter();
        steps(times);
    })
}

impl Ladder for tower::retry::backoff::ExponentialBackoff<Lent> {
    type Delay = tokio::time::Sleep;

    fn next(&mut self) -> Self::Delay {
        self.next_backoff()
    }
}

pub fn failsafe() -> Iterated<FullJittered> {
    Iterated(full_jittered(black_box(INITIAL), black_box(MAX)))
}

/// The caller counts and draws.
pub struct Reliakit {
    config: reliakit_backoff::Backoff,
    failures: u32,
    rng: SplitMix64,
}

pub fn reliakit() -> Reliakit {
    let config = reliakit_backoff::Backoff::exponential(black_box(INITIAL), 2).with_max_delay(black_box(MAX));
    Reliakit { config, failures: 0, rng: SplitMix64::new(7) }
}

impl Ladder for Reliakit {
    type Delay = Option<Duration>;

    fn next(&mut self) -> Self::Delay {
        let delay = self.config.delay(self.failures);
        self.failures = self.failures.wrapping_add(1);
        delay.map(|delay| reliakit_backoff::full_jitter(delay, self.rng.next_u32()))
    }
}

pub fn operations() -> Vec<Operation> {
    const GROUP: &str = "backoff";
    const DRAW: &str = "one draw";
    const CAP: &str = "next delay at the cap";
    const MANY: &str = "an outage of 20 delays";
    let mut all = vec![
        Operation::other(GROUP, DRAW, "SplitMix64", Kind::Bare, "8 bytes of state", draw::<SplitMix64>),
        Operation::other(GROUP, DRAW, "ChaCha8", Kind::Bare, "a block every 32 draws", draw::<ChaCha8Rng>),
    ];
    let other = |at: usize, prepare: fn() -> Steps| (CAP, OTHERS[at].0, Some(OTHERS[at].1), prepare);
    let ours = [
        (CAP, "redial, SplitMix64", Some(60), ours_at_the_cap::<SplitMix64> as fn() -> Steps),
        (CAP, "redial, ChaCha8", Some(70), ours_at_the_cap::<ChaCha8Rng>),
        other(0, our_other::<0>),
        other(1, our_other::<1>),
        other(2, our_other::<2>),
        other(3, our_other::<3>),
        other(4, our_other::<4>),
        (MANY, "redial, SplitMix64", None, our_outage::<SplitMix64>),
        (MANY, "redial, ChaCha8", None, our_outage::<ChaCha8Rng>),
    ];
    type Row = (&'static str, Kind, &'static str, fn() -> Steps, fn() -> Steps);
    let others: [Row; 9] = [
        ("backon", Kind::Peer, "wyrand of its own", || at_the_cap(backon), || outage(backon)),
        (
            "backoff",
            Kind::Peer,
            "ChaCha12 of the thread; reads the clock",
            || at_the_cap(ihrwein),
            || outage(ihrwein),
        ),
        (
            "exponential-backoff",
            Kind::Peer,
            "wyrand of its own",
            || at_the_cap(exponential_backoff),
            || outage(exponential_backoff),
        ),
        (
            "tokio-retry",
            Kind::Peer,
            "ChaCha12 of the thread",
            || at_the_cap(tokio_retry),
            || outage(tokio_retry),
        ),
        (
            "tokio-retry2",
            Kind::Peer,
            "ChaCha12 of the thread; half to one and a half of the delay",
            || at_the_cap(tokio_retry2),
            || outage(tokio_retry2),
        ),
        (
            "tower",
            Kind::Peer,
            "SplitMix64; its delay is a timer, made and dropped",
            || in_a_runtime(|| at_the_cap(tower)),
            || in_a_runtime(|| outage(tower)),
        ),
        (
            "reliakit-backoff",
            Kind::Peer,
            "SplitMix64; the caller counts and draws",
            || at_the_cap(reliakit),
            || outage(reliakit),
        ),
        (
            "failsafe",
            Kind::Lesser,
            "whole seconds only; ChaCha12 of the thread",
            || at_the_cap(failsafe),
            || outage(failsafe),
        ),
        ("bare", Kind::Bare, "SplitMix64; a counter, a shift, a draw", || at_the_cap(bare), || outage(bare)),
    ];
    for name in [CAP, MANY] {
        all.extend(
            ours.iter()
                .filter(|row| row.0 == name)
                .map(|&(name, who, goal, prepare)| Operation::ours(GROUP, name, who, goal, prepare)),
        );
        all.extend(others.iter().map(|&(who, kind, note, cap, many)| {
            Operation::other(GROUP, name, who, kind, note, if name == CAP { cap } else { many })
        }));
    }
    all
}
