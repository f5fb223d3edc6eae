//! Random calls against a model that keeps every permit in a table.

use super::*;

// A model that is naive on purpose: every permit has a number and a row in a table, time is a plain integer and nothing is
// packed. It covers a clock that never runs backwards and no jitter.
#[derive(Clone, Debug)]
struct Model {
    failures: u32,
    open: u64,
    growth: u64,
    max: u64,
    probes: usize,
    lease: u64,
    phase: ModelPhase,
    reopenings: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ModelPhase {
    Closed { row: u32, members: Vec<usize> },
    Open { until: u64 },
    HalfOpen { out: BTreeSet<usize>, lease_end: u64, succeeded: usize },
    ForcedOpen,
    Disabled,
}

impl Model {
    fn advance(&mut self, now: u64) {
        match self.phase {
            ModelPhase::HalfOpen { ref out, lease_end, .. } if !out.is_empty() && now >= lease_end => {
                self.reopen(lease_end);
                self.advance(now);
            }
            ModelPhase::Open { until } if now >= until => {
                self.phase = ModelPhase::HalfOpen { out: BTreeSet::new(), lease_end: 0, succeeded: 0 };
            }
            _ => {}
        }
    }

    fn reopen(&mut self, at: u64) {
        self.reopenings += 1;
        let open = self.open * self.growth.pow(self.reopenings.min(20));
        self.phase = ModelPhase::Open { until: at + open.min(self.max) };
    }

    fn acquire(&mut self, now: u64, id: usize) -> Result<(), Option<u64>> {
        self.advance(now);
        match &mut self.phase {
            ModelPhase::Closed { members, .. } => members.push(id),
            ModelPhase::Open { until } => return Err(Some(*until)),
            ModelPhase::HalfOpen { out, lease_end, succeeded } => {
                if out.len() + *succeeded >= self.probes {
                    return Err(Some(*lease_end));
                }
                out.insert(id);
                *lease_end = now + self.lease;
            }
            ModelPhase::ForcedOpen => return Err(None),
            ModelPhase::Disabled => {}
        }
        Ok(())
    }

    fn success(&mut self, now: u64, id: usize) {
        match &mut self.phase {
            ModelPhase::Closed { row, members } if members.contains(&id) => *row = 0,
            ModelPhase::HalfOpen { out, lease_end, succeeded } if now < *lease_end => {
                *succeeded += usize::from(out.remove(&id));
                if *succeeded == self.probes {
                    self.reset();
                }
            }
            _ => {}
        }
    }

    fn failure(&mut self, now: u64, id: usize) {
        match &mut self.phase {
            ModelPhase::Closed { row, members } if members.contains(&id) => {
                *row += 1;
                if *row == self.failures {
                    self.phase = ModelPhase::Open { until: now + self.open };
                }
            }
            ModelPhase::HalfOpen { out, lease_end, .. } if out.contains(&id) => {
                let end = *lease_end;
                self.reopen(now.min(end));
            }
            _ => {}
        }
    }

    fn release(&mut self, id: usize) {
        if let ModelPhase::HalfOpen { out, .. } = &mut self.phase {
            out.remove(&id);
        }
    }

    fn reset(&mut self) {
        self.reopenings = 0;
        self.phase = ModelPhase::Closed { row: 0, members: Vec::new() };
    }

    fn shape(&self, now: u64) -> Shape {
        match &self.phase {
            ModelPhase::Closed { row, .. } => Shape::Closed(*row),
            ModelPhase::Open { until } if now < *until => Shape::Open(Instant::from_micros(*until)),
            ModelPhase::Open { .. } => Shape::HalfOpen(0, 0),
            ModelPhase::HalfOpen { out, succeeded, .. } => Shape::HalfOpen(out.len() as u8, *succeeded as u8),
            ModelPhase::ForcedOpen => Shape::ForcedOpen,
            ModelPhase::Disabled => Shape::Disabled,
        }
    }
}

/// `usize` picks one of the permits so far; many are late, some are used twice.
#[derive(Clone, Debug)]
enum Call {
    Wait(u64),
    Acquire,
    Success(usize),
    Failure(usize),
    Release(usize),
    Timeout,
    ForceOpen,
    Disable,
    Reset,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    // The picks come from the newest few, so that probes are answered too, and now and then from all.
    let pick = || prop_oneof![4 => 0..4_usize, 1 => 0..64_usize];
    let call = prop_oneof![
        6 => (0..60_u64).prop_map(Call::Wait),
        12 => Just(Call::Acquire),
        6 => pick().prop_map(Call::Success),
        12 => pick().prop_map(Call::Failure),
        2 => pick().prop_map(Call::Release),
        2 => Just(Call::Timeout),
    ];
    let operator =
        prop_oneof![Just(Call::ForceOpen), Just(Call::Disable), Just(Call::Reset), Just(Call::Reset)];
    prop::collection::vec(prop_oneof![60 => call, 1 => operator], 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// F101-F103, P28-P30, P33, P35, P37, lifecycle 83-87, 89: the breaker does what the naive model does, answer by
    /// answer; never more than N probes a cycle; a success never opens; stale permits change nothing; never wedged.
    #[test]
    fn agrees_with_a_naive_model(
        calls in calls(),
        failures in 1..5_u32,
        open in 1..50_u64,
        growth in 1..3_u64,
        max_factor in 1..10_u64,
        probes in 1..5_u8,
        lease in 1..80_u64,
    ) {
        let micros = Duration::from_micros;
        let max = open * max_factor;
        let config = breaker::Config::new(failures, micros(open))
            .growth(Ratio::new(growth as u32, 1).expect("a ratio"), micros(max))
            .probes(probes)
            .lease(micros(lease))
            .build()
            .expect("valid");
        let mut model = Model {
            failures, open, growth, max, lease,
            probes: usize::from(probes),
            phase: ModelPhase::Closed { row: 0, members: Vec::new() },
            reopenings: 0,
        };
        let mut breaker = CircuitBreaker::new();
        let mut rng = rng();
        let mut clock = 0;
        let mut permits: Vec<Permit> = Vec::new();
        // A released permit is spent by contract: its slot may belong to another probe.
        let mut released = Vec::new();

        for call in calls {
            let now = Instant::from_micros(clock);
            let before = breaker.clone();
            let chosen = |pick: usize| permits.len().checked_sub(pick + 1).filter(|id| !released.contains(id));
            match call {
                Call::Wait(span) => clock += span,
                Call::Acquire => {
                    let checked = breaker.check(&config, now);
                    let asked = breaker.try_acquire(&config, now, &mut rng);
                    let expected = model.acquire(clock, permits.len());
                    prop_assert_eq!(checked, asked.map(|_| ()));
                    prop_assert_eq!(
                        checked,
                        expected.map_err(|until| Denied { until: until.map(Instant::from_micros) })
                    );
                    if let Err(Denied { until: Some(until) }) = checked {
                        prop_assert!(until > now);
                    }
                    permits.extend(asked);
                }
                Call::Success(pick) => if let Some(id) = chosen(pick) {
                    breaker.success(&config, now, permits[id]);
                    model.success(clock, id);
                    let was_open = matches!(before.state(now), breaker::State::Open { .. });
                    let is_open = matches!(breaker.state(now), breaker::State::Open { .. });
                    prop_assert!(was_open || !is_open, "a success opened it");
                },
                Call::Failure(pick) => if let Some(id) = chosen(pick) {
                    breaker.failure(&config, now, permits[id], &mut rng);
                    model.failure(clock, id);
                },
                Call::Release(pick) => if let Some(id) = chosen(pick) {
                    breaker.release(permits[id]);
                    model.release(id);
                    released.push(id);
                },
                Call::Timeout => {
                    breaker.handle_timeout(&config, now, &mut rng);
                    model.advance(clock);
                    prop_assert!(breaker.poll_timeout().is_none_or(|deadline| deadline > now));
                }
                Call::ForceOpen => { breaker.force_open(); model.phase = ModelPhase::ForcedOpen; }
                Call::Disable => { breaker.disable(); model.phase = ModelPhase::Disabled; }
                Call::Reset => { breaker.reset(); model.reset(); }
            }
            let now = Instant::from_micros(clock);
            let state = shape(&breaker, now);
            prop_assert_eq!(state, model.shape(clock));
            if let Shape::HalfOpen(out, succeeded) = state {
                prop_assert!(out + succeeded <= probes);
            }
        }

        let later = Instant::from_micros(clock + lease + max);
        let forced = shape(&breaker, later) == Shape::ForcedOpen;
        prop_assert_eq!(breaker.try_acquire(&config, later, &mut rng).is_ok(), !forced, "wedged");
    }

    /// P36: with jitter and a clock that jumps anywhere, nothing panics, no more than N probes are out, and once the
    /// clock behaves the breaker admits within one lease and one longest open time of the first question.
    #[test]
    fn survives_any_clock(
        steps in prop::collection::vec((any::<u64>(), 0..5_u8, 0..8_usize), 0..100),
        probes in 1..17_u8,
        seed in any::<u64>(),
        restart in 0..u64::MAX / 2,
    ) {
        let config = breaker::Config::new(2, Duration::from_secs(60))
            .growth(Ratio::TWO, Duration::from_secs(600)).jitter(Ratio::ONE)
            .probes(probes).build()
            .expect("valid");
        let mut rng = SplitMix64::new(seed);
        let mut breaker = CircuitBreaker::new();
        let mut permits: Vec<Permit> = Vec::new();
        for (micros, what, pick) in steps {
            let now = Instant::from_micros(micros);
            let chosen = permits.len().checked_sub(pick + 1).map(|id| permits[id]);
            match (what, chosen) {
                (0, Some(permit)) => drop(breaker.success(&config, now, permit)),
                (1, Some(permit)) => drop(breaker.failure(&config, now, permit, &mut rng)),
                (2, Some(permit)) => breaker.release(permit),
                (3, _) => drop(breaker.handle_timeout(&config, now, &mut rng)),
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
        }

        let mut now = Instant::from_micros(restart);
        let limit = now.saturating_add(Duration::from_secs(60 + 1_200));
        while let Err(rejected) = breaker.try_acquire(&config, now, &mut rng) {
            let until = rejected.until.expect("not forced");
            prop_assert!(now < until && until <= limit, "wedged: {:?} {:?}", until, limit);
            now = until;
        }
    }
}
