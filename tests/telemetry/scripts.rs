//! Whatever happens: the changes add up to what the policy counts, and the decisions are those of the policy alone.

use redial::handover;
use redial::policy::Actions;
use redial::telemetry::{AttemptResult, Defmt, Log, Metrics, Tracing};
use redial::testing::Script;
use redial::{Stats, presets};

use super::capture::listen;
use super::series::Recorded;
use super::*;

/// Counts, and checks that what begins ends. A panic in a sink is caught, so that what is wrong is kept.
#[derive(Default)]
struct Tally {
    stats: Stats,
    outage: Option<Instant>,
    attempt: Option<Epoch>,
    wait: Option<WaitReason>,
    outages: u32,
    wrong: Vec<Change>,
}

impl Tally {
    fn is_right(&mut self, at: Instant, change: &Change) -> bool {
        let Self { stats, outage, attempt, wait, outages, .. } = self;
        match *change {
            Change::OutageBegan { .. } => {
                *outages += 1;
                outage.replace(at).is_none()
            }
            Change::OutageEnded { duration, parked, .. } => {
                let lasted = outage.take().map(|since| at.saturating_duration_since(since));
                lasted == Some(duration) && parked <= duration
            }
            Change::AttemptBegan { epoch, .. } => {
                stats.opens += 1;
                attempt.replace(epoch).is_none()
            }
            Change::AttemptEnded { epoch, result, mode, cause, .. } => {
                match result {
                    AttemptResult::Established => stats.established += 1,
                    AttemptResult::Failed => stats.failed += 1,
                    _ => stats.abandoned += 1,
                }
                attempt.take() == Some(epoch)
                    && cause.is_some() == (result == AttemptResult::Failed)
                    && mode.is_some() == (result == AttemptResult::Established)
            }
            Change::ConnectionLost { .. } => {
                stats.losses += 1;
                true
            }
            Change::HeartbeatMissed => {
                stats.heartbeats_missed += 1;
                true
            }
            Change::WaitBegan { reason, .. } => wait.replace(reason).is_none(),
            Change::WaitEnded { reason, .. } => wait.take() == Some(reason),
            _ => true,
        }
    }
}

impl Sink for Tally {
    fn change(&mut self, at: Instant, change: &Change) {
        if !self.is_right(at, change) {
            self.wrong.push(*change);
        }
    }
}

/// Runs a script of a seed, and shows what was decided in each step.
fn run<D>(seed: u64, policy: &mut D, mut see: impl FnMut(&D, Actions))
where
    D: Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, 4>>,
{
    let mut script = Script::seeded(seed);
    if seed % 2 == 0 {
        script = script.with_sensible_events().with_steady_clock();
    }
    let mut now = Instant::ZERO;
    for _ in 0..200 {
        let Some(step) = script.next_step(policy, now) else { return };
        now = step.at;
        let actions = step.apply(policy);
        see(policy, actions);
    }
}

fn configs() -> impl Iterator<Item = (u64, Config)> {
    (0..36).map(|seed| {
        let presets = presets::ALL;
        let config = match seed % 3 {
            0 => Script::seeded(seed ^ 0x5eed).config(),
            1 => config(),
            _ => *presets[usize::try_from(seed).expect("small") % presets.len()].1,
        };
        (seed, config)
    })
}

#[test]
fn the_changes_add_up_to_what_the_policy_counts() {
    let (mut most, mut outages) = (Stats::default(), 0);
    for (seed, config) in configs() {
        let check = |tally: &Tally, stats: Stats| {
            assert!(tally.wrong.is_empty(), "seed {seed}: {:?}", tally.wrong);
            let of = |stats: Stats| {
                let Stats { opens, established, failed, abandoned, losses, heartbeats_missed, .. } = stats;
                (opens, established, failed, abandoned, losses, heartbeats_missed)
            };
            assert_eq!(of(tally.stats), of(stats), "seed {seed}");
        };
        let mut alone = Observed::new(subject(config, seed), Tally::default());
        run(seed, &mut alone, |policy, _| check(policy.sink(), policy.stats()));
        let pair = subject(config, seed).with_handover(handover::Config::DEFAULT);
        let mut pair = Observed::new(pair, Tally::default());
        run(seed, &mut pair, |policy, _| check(policy.sink(), Decider::stats(policy)));
        let stats = pair.stats();
        most.established += stats.established;
        most.failed += stats.failed;
        most.losses += stats.losses;
        outages += alone.sink().outages;
    }
    assert!(
        most.established > 100 && most.failed > 200 && most.losses > 50 && outages > 200,
        "{most:?} {outages}"
    );
}

/// All four at once, with somebody who listens to each, against none.
#[test]
fn the_decisions_are_those_of_the_policy_alone() {
    let recorded = Recorded::default();
    let spans = listen(|| {
        metrics::with_local_recorder(&recorded, || {
            for (seed, config) in configs() {
                compare(seed, subject(config, seed));
                compare(seed, subject(config, seed).with_handover(handover::Config::DEFAULT));
            }
        });
    });
    assert!(spans.spans.len() > 1_000 && spans.events.len() > 5_000 && spans.lines.len() > 5_000);
    assert!(recorded.counter("redial_attempts_total") > 1_000.0);
}

fn compare<D>(seed: u64, policy: D)
where
    D: Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, 4>> + Clone + PartialEq,
{
    let mut alone = policy.clone();
    let mut expected = Vec::new();
    run(seed, &mut alone, |policy, actions| {
        expected.push((actions, policy.poll_timeout(), policy.explain()))
    });
    let sinks = ((Tracing::new("a"), Metrics::new("a")), (Log::new("a"), Defmt::new("a")));
    let mut observed = Observed::new(policy, sinks);
    let mut expected = expected.into_iter();
    run(seed, &mut observed, |policy, actions| {
        let decided = (actions, policy.poll_timeout(), policy.explain());
        assert_eq!(Some(decided), expected.next(), "seed {seed}");
    });
    assert_eq!(expected.next(), None);
    assert!(observed.into_inner() == alone, "seed {seed}");
}

/// A sink that panics is not called again, and the policy goes on as if it were not there.
#[test]
fn a_sink_that_panics_is_left_out_from_then_on() {
    struct Fragile<'a>(&'a mut u32);
    impl Sink for Fragile<'_> {
        fn change(&mut self, _: Instant, _: &Change) {
            *self.0 += 1;
            // Without the hook of the process, which would print it.
            if *self.0 == 5 {
                std::panic::resume_unwind(Box::new("a sink"));
            }
        }
    }
    let mut alone = subject(config(), 7);
    let mut calls = 0;
    let mut observed = Observed::new(subject(config(), 7), Fragile(&mut calls));
    run(2, &mut alone, |_, _| {});
    run(2, &mut observed, |_, _| {});
    assert!(observed.into_inner() == alone);
    assert_eq!(calls, 5);
}

/// Plays every script to a policy and to a handover, each with a sink.
pub(crate) fn play<S: Sink>(sink: impl Fn(u64) -> S) {
    for (seed, config) in configs() {
        run(seed, &mut Observed::new(subject(config, seed), sink(seed)), |_, _| {});
        let pair = subject(config, seed).with_handover(handover::Config::DEFAULT);
        run(seed, &mut Observed::new(pair, sink(seed)), |_, _| {});
    }
}
