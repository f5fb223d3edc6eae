//! Random calls against breakers that keep every result in a list.

use super::*;

// The models keep every result with its time in a list, and count the list each time.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    time: u64,
    failed: bool,
    slow: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Span {
    Count(usize),
    /// Microseconds of a bucket, and how many.
    Time(u64, u64),
}

#[derive(Clone, Debug)]
struct Model {
    span: Span,
    failure: (u64, u64),
    slow: (u64, u64),
    minimum: usize,
    open: u64,
    probes: usize,
    lease: u64,
    rows: VecDeque<Row>,
    phase: ModelPhase,
    /// A permit is good in the cycle that gave it.
    cycle: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelPhase {
    Closed,
    Open { until: u64 },
    HalfOpen { out: Vec<usize>, lease_end: u64 },
    MetricsOnly { failures: bool, slow: bool },
}

impl Model {
    /// The results that the window holds; those of probes never leave.
    fn held(&self, now: u64) -> Vec<Row> {
        let rows = self.rows.iter().copied();
        match self.span {
            _ if matches!(self.phase, ModelPhase::HalfOpen { .. }) => rows.collect(),
            Span::Count(size) => rows.rev().take(size).collect(),
            Span::Time(width, buckets) => {
                rows.filter(|row| row.time / width + buckets > now / width).collect()
            }
        }
    }

    fn reached(&self, now: u64) -> (bool, bool) {
        let held = self.held(now);
        let share = |bad: usize, (num, den): (u64, u64)| bad as u64 * den >= num * held.len() as u64;
        (
            share(held.iter().filter(|row| row.failed).count(), self.failure),
            share(held.iter().filter(|row| row.slow).count(), self.slow),
        )
    }

    fn enter(&mut self, phase: ModelPhase) {
        if !matches!(phase, ModelPhase::Open { .. }) {
            self.rows.clear();
        }
        self.phase = phase;
        self.cycle += 1;
    }

    fn advance(&mut self, now: u64) {
        match self.phase {
            ModelPhase::HalfOpen { ref out, lease_end } if !out.is_empty() && now >= lease_end => {
                self.enter(ModelPhase::Open { until: lease_end + self.open });
                self.advance(now);
            }
            ModelPhase::Open { until } if now >= until => {
                self.enter(ModelPhase::HalfOpen { out: Vec::new(), lease_end: 0 });
            }
            _ => {}
        }
    }

    fn acquire(&mut self, now: u64, id: usize) -> Result<usize, u64> {
        self.advance(now);
        let answered = self.rows.len();
        match &mut self.phase {
            ModelPhase::Open { until } => return Err(*until),
            ModelPhase::HalfOpen { out, lease_end } => {
                if out.len() + answered >= self.probes {
                    return Err(*lease_end);
                }
                out.push(id);
                *lease_end = now + self.lease;
            }
            _ => {}
        }
        Ok(self.cycle)
    }

    /// Whether something is reported.
    fn record(&mut self, now: u64, id: usize, cycle: usize, failed: bool, slow: bool) -> bool {
        if cycle != self.cycle {
            return false;
        }
        let row = Row { time: now, failed, slow };
        match &mut self.phase {
            ModelPhase::Open { .. } => unreachable!("no permits"),
            ModelPhase::HalfOpen { out, lease_end } => {
                let Some(position) = out.iter().position(|probe| *probe == id) else { return false };
                if now >= *lease_end {
                    if failed {
                        let until = *lease_end + self.open;
                        self.enter(ModelPhase::Open { until });
                    }
                    return failed;
                }
                out.remove(position);
                self.rows.push_back(row);
                if self.rows.len() < self.probes {
                    return false;
                }
                let bad = self.reached(now);
                let open = ModelPhase::Open { until: now + self.open };
                self.enter(if bad == (false, false) { ModelPhase::Closed } else { open });
                true
            }
            ModelPhase::Closed | ModelPhase::MetricsOnly { .. } => {
                let before = self.held(now).len();
                self.rows.push_back(row);
                let after = self.held(now).len();
                if after < self.minimum || !(failed || slow) && before >= self.minimum {
                    return false;
                }
                let reached = self.reached(now);
                match &mut self.phase {
                    ModelPhase::MetricsOnly { failures, slow } => {
                        let news = reached.0 && !*failures || reached.1 && !*slow;
                        *failures |= reached.0;
                        *slow |= reached.1;
                        news
                    }
                    _ if reached == (false, false) => false,
                    _ => {
                        self.enter(ModelPhase::Open { until: now + self.open });
                        true
                    }
                }
            }
        }
    }

    fn release(&mut self, id: usize) {
        if let ModelPhase::HalfOpen { out, .. } = &mut self.phase {
            out.retain(|probe| *probe != id);
        }
    }

    fn name(&self) -> breaker::Phase {
        match self.phase {
            ModelPhase::Closed => breaker::Phase::Closed,
            ModelPhase::Open { .. } => breaker::Phase::Open,
            ModelPhase::HalfOpen { .. } => breaker::Phase::HalfOpen,
            ModelPhase::MetricsOnly { .. } => breaker::Phase::MetricsOnly,
        }
    }
}

/// `usize` picks one of the permits so far; many are late, some are used twice.
#[derive(Clone, Debug)]
enum Call {
    Wait(u64),
    Acquire,
    Record(usize, bool, bool),
    Release(usize),
    Timeout,
    MetricsOnly,
    Reset,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let pick = || prop_oneof![4 => 0..4_usize, 1 => 0..64_usize];
    let call = prop_oneof![
        60 => (0..30_u64).prop_map(Call::Wait),
        160 => Just(Call::Acquire),
        240 => (pick(), any::<bool>(), prop::bool::weighted(0.3)).prop_map(|(n, f, s)| Call::Record(n, f, s)),
        20 => pick().prop_map(Call::Release),
        20 => Just(Call::Timeout),
        1 => Just(Call::MetricsOnly),
        3 => Just(Call::Reset),
    ];
    prop::collection::vec(call, 0..400)
}

/// Only these exist.
const LEGAL: [(breaker::Phase, breaker::Phase); 5] = [
    (breaker::Phase::Closed, breaker::Phase::Open),
    (breaker::Phase::Open, breaker::Phase::HalfOpen),
    (breaker::Phase::HalfOpen, breaker::Phase::Open),
    (breaker::Phase::HalfOpen, breaker::Phase::Closed),
    (breaker::Phase::MetricsOnly, breaker::Phase::MetricsOnly),
];

/// Runs both; every answer, transition and count must agree.
fn agree<W: RateWindow>(
    config: breaker::Config<W>,
    mut model: Model,
    calls: Vec<Call>,
) -> Result<(), TestCaseError> {
    let (mut breaker, mut rng, mut clock) = (CircuitBreaker::<W>::new(), rng(), 0_u64);
    let mut permits: Vec<(Permit, usize)> = Vec::new();
    // A released permit is spent by contract: its slot may belong to another probe.
    let mut released = Vec::new();
    for call in calls {
        let now = Instant::from_micros(clock);
        let chosen = |pick: usize| permits.len().checked_sub(pick + 1).filter(|id| !released.contains(id));
        match call {
            Call::Wait(span) => clock += span,
            Call::Acquire => {
                let checked = breaker.check(&config, now);
                // Nothing is left for `try_acquire` to do after a timeout was handled.
                let mut handled = breaker.clone();
                handled.handle_timeout(&config, now, &mut rng);
                prop_assert_eq!(handled.handle_timeout(&config, now, &mut rng), [None, None]);
                let asked = breaker.try_acquire(&config, now, &mut rng);
                prop_assert_eq!(handled.try_acquire(&config, now, &mut rng), asked);
                prop_assert_eq!(&handled, &breaker);
                prop_assert_eq!(checked, asked.map(|_| ()));
                match (asked, model.acquire(clock, permits.len())) {
                    (Ok(permit), Ok(cycle)) => permits.push((permit, cycle)),
                    (Err(Denied { until }), Err(expected)) => {
                        prop_assert_eq!(until, Some(Instant::from_micros(expected)));
                    }
                    (asked, expected) => prop_assert!(false, "{:?} against {:?}", asked, expected),
                }
            }
            Call::Record(pick, failed, slow) => {
                if let Some(id) = chosen(pick) {
                    let (permit, cycle) = permits[id];
                    let took = if slow { LONG } else { FAST };
                    let outcome = if failed { Outcome::Failure(took) } else { Outcome::Success(took) };
                    let from = model.name();
                    let change = breaker.record(&config, now, permit, outcome, &mut rng);
                    let expected = model.record(clock, id, cycle, failed, slow);
                    prop_assert_eq!(change.map(|t| (t.from, t.to)), expected.then(|| (from, model.name())));
                    prop_assert!(change.is_none_or(|t| LEGAL.contains(&(t.from, t.to)) && t.at <= now));
                }
            }
            Call::Release(pick) => {
                if let Some(id) = chosen(pick) {
                    breaker.release(permits[id].0);
                    model.release(id);
                    released.push(id);
                }
            }
            Call::Timeout => {
                let from = model.name();
                let changes = breaker.handle_timeout(&config, now, &mut rng);
                model.advance(clock);
                let mut name = from;
                for change in changes.into_iter().flatten() {
                    prop_assert_eq!(change.from, name);
                    prop_assert!(LEGAL.contains(&(change.from, change.to)) && change.at <= now);
                    name = change.to;
                }
                prop_assert_eq!(name, model.name());
            }
            Call::MetricsOnly => {
                breaker.metrics_only();
                model.enter(ModelPhase::MetricsOnly { failures: false, slow: false });
            }
            Call::Reset => {
                breaker.reset();
                model.enter(ModelPhase::Closed);
            }
        }
        // In the open state the count is for show, and after a lease the model has no time for it.
        if !matches!(model.phase, ModelPhase::Open { .. } | ModelPhase::HalfOpen { .. }) {
            let held = model.held(clock);
            let metrics = breaker.metrics(&config, Instant::from_micros(clock));
            prop_assert_eq!(metrics.calls as usize, held.len());
            prop_assert_eq!(metrics.failures as usize, held.iter().filter(|row| row.failed).count());
            prop_assert_eq!(metrics.slow as usize, held.iter().filter(|row| row.slow).count());
            prop_assert_eq!(metrics.failure_rate.is_some(), held.len() >= model.minimum);
        }
    }
    Ok(())
}

/// Asks, answers, releases and waits at any times, then lets the clock behave: no panic, never more probes than
/// configured, and one lease and one longest open time later somebody is admitted.
fn survives_any_clock<W: RateWindow>(
    config: breaker::Config<W>,
    probes: u8,
    longest: Duration,
    steps: &[(u64, u8, usize)],
    seed: u64,
    restart: u64,
) -> Result<(), TestCaseError> {
    let mut rng = SplitMix64::new(seed);
    let mut breaker = CircuitBreaker::<W>::new();
    let mut permits: Vec<Permit> = Vec::new();
    for (micros, what, pick) in steps {
        let now = Instant::from_micros(*micros);
        let chosen = permits.len().checked_sub(pick + 1).map(|id| permits[id]);
        match (what, chosen) {
            (0, Some(permit)) => drop(breaker.record(&config, now, permit, S, &mut rng)),
            (1, Some(permit)) => drop(breaker.record(&config, now, permit, F, &mut rng)),
            (2, Some(permit)) => breaker.release(permit),
            (3, _) => drop(breaker.handle_timeout(&config, now, &mut rng)),
            (4, Some(permit)) => drop(breaker.record(&config, now, permit, Outcome::Success(LONG), &mut rng)),
            _ => {
                let checked = breaker.check(&config, now).is_ok();
                let asked = breaker.try_acquire(&config, now, &mut rng);
                prop_assert!(asked.is_ok() || !checked, "check promised what try_acquire refused");
                permits.extend(asked);
            }
        }
        if let breaker::State::HalfOpen { probes_out, probes_succeeded, .. } = breaker.state(now) {
            prop_assert!(probes_out + probes_succeeded <= probes);
        }
        let metrics = breaker.metrics(&config, now);
        prop_assert!(metrics.failures <= metrics.calls && metrics.slow <= metrics.calls);
    }
    let mut now = Instant::from_micros(restart);
    let limit = now.saturating_add(longest);
    while let Err(rejected) = breaker.try_acquire(&config, now, &mut rng) {
        let until = rejected.until.expect("not forced");
        prop_assert!(now < until && until <= limit, "wedged: {:?} {:?}", until, limit);
        now = until;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// P36, lifecycle 89: both kinds by rate, with growth, jitter, a lease and a clock that jumps anywhere.
    #[test]
    fn breakers_by_rate_survive_any_clock(
        // Far leaps, and times between which a window fills and an open time passes.
        steps in prop::collection::vec(
            (prop_oneof![any::<u64>(), 0..200_u64, 0..20_000_u64], 0..9_u8, 0..8_usize),
            0..150,
        ),
        minimum in 1..5_u32,
        probes in 1..8_u8,
        seed in any::<u64>(),
        restart in 0..u64::MAX / 2,
    ) {
        let micros = Duration::from_micros;
        let half = Ratio::new(1, 2).expect("ratio");
        let rates = Rates::new(half, minimum).slow(micros(900_000), half).build().expect("valid");
        // An open time of 60 µs to 300, drawn up to twice that, after a lease of 100.
        let longest = micros(100 + 600);
        let by_count = breaker::Config::<CountWindow<7>>::by_count(rates, micros(60))
            .growth(Ratio::TWO, micros(300)).jitter(Ratio::ONE)
            .probes(probes.min(7)).lease(micros(100)).build()
            .expect("valid");
        survives_any_clock(by_count, probes.min(7), longest, &steps, seed, restart)?;
        let by_time = breaker::Config::<TimeWindow<4>>::by_time(rates, micros(80), micros(60))
            .growth(Ratio::TWO, micros(300)).jitter(Ratio::ONE)
            .probes(probes).lease(micros(100)).build()
            .expect("valid");
        survives_any_clock(by_time, probes, longest, &steps, seed, restart)?;
    }

    /// P28-P33, P35, lifecycle 81-87, 89: both windows do what the naive models do, answer by answer.
    #[test]
    fn windows_agree_with_naive_models(
        calls in calls(),
        failure in (1..5_u32, 5..8_u32),
        slow in (1..5_u32, 5..8_u32),
        minimum in 1..9_u32,
        open in 1..50_u64,
        probes in 1..6_u8,
        lease in 1..80_u64,
        span in 1..100_u64,
    ) {
        let micros = Duration::from_micros;
        let share = |(num, den)| Ratio::new(num, den).expect("ratio");
        let rates = Rates::new(share(failure), minimum)
            .slow(Duration::from_secs(1), share(slow)).build()
            .expect("valid");
        let wide = |(num, den): (u32, u32)| (u64::from(num), u64::from(den));
        let model = |span| Model {
            span,
            failure: wide(failure),
            slow: wide(slow),
            minimum: minimum as usize,
            open,
            probes: probes.into(),
            lease,
            rows: VecDeque::new(),
            phase: ModelPhase::Closed,
            cycle: 0,
        };
        let by_count = breaker::Config::<CountWindow<9>>::by_count(rates, micros(open))
            .probes(probes).lease(micros(lease)).build()
            .expect("valid");
        agree(by_count, model(Span::Count(9)), calls.clone())?;
        let by_time = breaker::Config::<TimeWindow<5>>::by_time(rates, micros(span), micros(open))
            .probes(probes).lease(micros(lease)).build()
            .expect("valid");
        agree(by_time, model(Span::Time(span.div_ceil(5), 5)), calls)?;
    }

    /// P36: a clock that jumps anywhere: nothing panics, the counts stay true, and two spans after it behaves again
    /// nothing of before is left.
    #[test]
    fn the_time_window_survives_any_clock(
        times in prop::collection::vec(prop_oneof![any::<u64>(), 0..100_u64], 0..60),
        restart in 0..u64::MAX / 2,
    ) {
        let config = breaker::Config::<TimeWindow<4>>::by_time(RATES, Duration::from_micros(40), OPEN).build().expect("valid");
        let (mut breaker, mut rng) = (CircuitBreaker::new(), rng());
        breaker.metrics_only();
        let permit = breaker.try_acquire(&config, Instant::ZERO, &mut rng).expect("admitted");
        for (n, micros) in times.iter().enumerate() {
            let now = Instant::from_micros(*micros);
            breaker.record(&config, now, permit, F, &mut rng);
            let metrics = breaker.metrics(&config, now);
            prop_assert!(metrics.calls >= 1 && metrics.calls as usize <= n + 1);
            prop_assert_eq!(metrics.failures, metrics.calls);
        }
        breaker.record(&config, Instant::from_micros(restart), permit, S, &mut rng);
        let later = Instant::from_micros(restart + 80);
        prop_assert_eq!(breaker.metrics(&config, later).calls, 0);
    }
}
