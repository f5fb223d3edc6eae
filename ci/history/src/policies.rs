//! What policies and handovers decide.

use rand_core::SeedableRng;
use redial::endpoints::FixedEndpoints;
use redial::handover::Decider;
use redial::record::Names;
use redial::subscriptions::FixedSubscriptions;
use redial::testing::Script;
use redial::{ChaCha8Rng, Config, Instant, Policy, SplitMix64, handover};

use crate::log::Log;

/// The calls of each script.
const STEPS: u32 = 5_000;

/// The largest checkpoint of these policies, and some more.
const CHECKPOINT: usize = 2_048;

type Subscriptions = FixedSubscriptions<u8, 6>;

/// A script of sensible or hostile events on a steady or a wild clock.
fn script(seed: u64, kind: u64) -> Script<'static> {
    let mut script = Script::seeded(seed.wrapping_mul(4).wrapping_add(kind));
    if kind & 1 == 0 {
        script = script.with_sensible_events();
    }
    if kind & 2 == 0 {
        script = script.with_steady_clock();
    }
    script
}

/// A preset in four scripts, with the documented generator.
pub(crate) fn preset(log: &mut Log<'_>, config: &'static Config, number: u64) {
    for kind in 0..4 {
        let mut script = script(number, kind);
        let Ok(endpoints) = FixedEndpoints::<3>::new(1 + script.below(3) as u8) else { continue };
        let mut policy = Policy::new(config, ChaCha8Rng::seed_from_u64(number))
            .with_subscriptions(Subscriptions::new())
            .with_endpoints(endpoints)
            .with_session(script.session::<u8>());
        run(log, &mut script, &mut policy, STEPS);
        let mut bytes = [0; CHECKPOINT];
        log.decide(&policy.checkpoint(Names::Shown, &mut bytes));
        log.decide(&bytes);
    }
}

/// A preset with a handover in four scripts.
pub(crate) fn handover(log: &mut Log<'_>, config: &'static Config, number: u64) {
    for kind in 0..4 {
        let mut script = script(1_000_u64.wrapping_add(number), kind);
        let settings = script.handover();
        let mut policy = Policy::new(config, SplitMix64::new(number))
            .with_subscriptions(Subscriptions::new())
            .with_session(script.session::<u8>())
            .with_handover(settings);
        run(log, &mut script, &mut policy, STEPS);
        let mut bytes = [0; CHECKPOINT];
        log.decide(&policy.checkpoint(Names::Hashed(7), &mut bytes));
        log.decide(&bytes);
    }
}

/// Configs with every setting at random, each in one script, with and without a handover.
pub(crate) fn configs(log: &mut Log<'_>) {
    for number in 0..200_u64 {
        let mut script = script(2_000_u64.wrapping_add(number), number & 3);
        let config = script.config();
        log.decide(&config);
        let policy = Policy::new(config, SplitMix64::new(number))
            .with_subscriptions(Subscriptions::new())
            .with_session(script.session::<u8>());
        let settings: Option<handover::Config> = if number & 4 == 0 { None } else { Some(script.handover()) };
        run(log, &mut script, &mut policy.with_handover(settings), 400);
    }
}

/// Each step with all that the policy answers and says of itself.
fn run<D>(log: &mut Log<'_>, script: &mut Script<'_>, policy: &mut D, steps: u32)
where
    D: Decider<Token = u8, Subscriptions = Subscriptions>,
{
    let mut now = Instant::ZERO;
    for _ in 0..steps {
        let Some(step) = script.next_step(policy, now) else { return };
        now = step.at;
        let event = step.event.clone();
        let actions = step.apply(policy);
        log.decide(&(now, event, actions, policy.deadline(), policy.explain()));
    }
    log.decide(&policy.stats());
}
