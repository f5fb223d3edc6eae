//! `testing::Script`: what it reaches, what it leaves out when it is told to, and that a seed means the same everywhere.

#[path = "scripts/knobs.rs"]
mod knobs;

use core::time::Duration;

use redial::endpoints::FixedEndpoints;
use redial::handover::Decider;
use redial::rand_core::Rng;
use redial::subscriptions::FixedSubscriptions;
use redial::testing::{Script, Step, longest_wait};
use redial::{Config, Disposition, Event, Instant, Phase, Policy, SplitMix64, presets};

type Subject = Policy<SplitMix64, u8, FixedSubscriptions<u8, 4>, Config, FixedEndpoints<3>>;

fn policy(config: Config, seed: u64) -> Subject {
    let endpoints = FixedEndpoints::new(2).expect("two endpoints");
    Policy::from_parts(config, SplitMix64::new(seed), FixedSubscriptions::new(), endpoints)
}

/// Runs a script for so many steps, and shows each with what the policy made of it.
fn run<D>(script: &mut Script<'_>, policy: &mut D, steps: usize, mut see: impl FnMut(&Told, &D))
where
    D: Decider<Token = u8, Subscriptions = FixedSubscriptions<u8, 4>>,
{
    let mut now = Instant::ZERO;
    for _ in 0..steps {
        let due = policy.poll_timeout();
        let Some(step) = script.next_step(policy, now) else { return };
        let before = now;
        now = step.at;
        let disposition = step.clone().apply(policy).disposition();
        see(&Told { step, before, due, disposition }, policy);
    }
}

struct Told {
    step: Step,
    before: Instant,
    due: Option<Instant>,
    disposition: Disposition,
}

/// Scripts that are cut short begin like the whole; none, or zeros, is the simplest: it starts and gets online.
#[test]
fn zeros_are_the_simplest_script() {
    for zeros in [0, 1, 300] {
        let bytes = vec![0; zeros];
        let mut script = Script::from_bytes(&bytes);
        let config = script.config();
        let mut policy = policy(config, script.seed());
        run(&mut script, &mut policy, 1_000, |told, _| {
            assert_eq!(
                (told.step.at, told.disposition),
                (Instant::ZERO, Disposition::Applied),
                "{:?}",
                told.step
            );
        });
        assert_eq!(policy.stats().losses, 0);
        assert_eq!(policy.phase(), if zeros < 300 { Phase::Idle } else { Phase::Online }, "{zeros}");
    }
}

/// A seeded script reads the bytes of SplitMix64's draws, lowest first, so that a seed means the same on every machine.
#[test]
fn a_seed_means_the_same_script_everywhere() {
    let (mut script, mut draws) = (Script::seeded(7), SplitMix64::new(7));
    for byte in (0..100).flat_map(|_| draws.next_u64().to_le_bytes()) {
        assert_eq!(script.below(256), u32::from(byte));
    }
    let story = |seed| {
        let mut script = Script::seeded(seed);
        let mut policy = policy(script.config(), seed);
        let mut told = Vec::new();
        run(&mut script, &mut policy, 200, |step, _| told.push(step.step.clone()));
        (told, policy)
    };
    assert!(story(3) == story(3));
    assert!(story(3).0 != story(4).0);
}

/// Sensible scripts tell nothing that is stale, of one transport or of two, and they get around.
#[test]
fn sensible_events_are_never_stale() {
    let mut applied = 0_u32;
    let mut ignored = std::collections::BTreeMap::new();
    let mut phases = std::collections::BTreeSet::new();
    let mut see = |told: &Told, phase: Phase| {
        assert_ne!(told.disposition, Disposition::Stale, "{:?}", told.step);
        phases.insert(phase.as_str());
        let Some(event) = &told.step.event else { return };
        if told.disposition == Disposition::Inapplicable {
            *ignored.entry(event.as_str()).or_insert(0_u32) += 1;
        } else {
            applied += 1;
        }
    };
    for seed in 0..200 {
        let mut script = Script::seeded(seed).with_sensible_events().with_steady_clock();
        let mut alone = policy(script.config(), seed);
        run(&mut script, &mut alone, 500, |told, policy| see(told, policy.phase()));
        let mut pair = policy(script.config(), seed).with_handover(script.handover());
        run(&mut script, &mut pair, 500, |told, policy| see(told, policy.phase()));
    }
    println!("{applied} applied, {ignored:?}");
    assert_eq!(phases.len(), 9, "{phases:?}");
    assert!(ignored.values().sum::<u32>() * 10 < applied, "{applied} applied, but {ignored:?}");
}

/// A steady clock stands still or moves on, and nobody sleeps a second longer than the policy may wait.
#[test]
fn a_steady_clock_neither_runs_back_nor_jumps() {
    for seed in 0..100 {
        let mut script = Script::seeded(seed).with_steady_clock();
        let mut policy = policy(script.config(), seed);
        run(&mut script, &mut policy, 500, |told, _| {
            assert!(told.before <= told.step.at);
            let (last, late) = match told.due {
                Some(due) => (due.max(told.before), Duration::from_secs(1)),
                None => (told.before, Duration::from_secs(86_400)),
            };
            assert!(told.step.at <= last.saturating_add(late), "{:?} but due {:?}", told.step, told.due);
        });
    }
}

/// What a failing property test prints is what a test can be made of.
#[test]
fn what_is_printed_is_the_script() {
    let script = Script::from_bytes(&[0x00, 0xff, 0x07]).with_sensible_events().with_steady_clock();
    assert_eq!(format!("{script:?}"), "Script(\"00ff07\").with_sensible_events().with_steady_clock()");
    assert_eq!(format!("{:?}", Script::seeded(7)), "Script(seed 7)");
    assert_eq!(format!("{:?}", Script::from_hex("00 FF\n07").expect("three bytes")), "Script(\"00ff07\")");
    for wrong in ["0", "0g", "0x00", "00f"] {
        assert!(Script::from_hex(wrong).is_none(), "{wrong}");
    }
    let (mut by_bytes, mut by_hex) =
        (Script::from_bytes(&[3, 1, 4, 1, 5]), Script::from_hex("0301040105").unwrap());
    assert_eq!(by_bytes.config(), by_hex.config());
}

/// The names of tokens and keys are the caller's; a policy without them has scripts, too.
#[test]
fn any_policy_has_scripts() {
    let mut script = Script::seeded(3);
    let mut plain = Policy::new(&presets::RECOMMENDED, SplitMix64::new(3));
    let mut named = Policy::new(&presets::RECOMMENDED, SplitMix64::new(3))
        .with_session_type::<String>()
        .with_subscriptions(FixedSubscriptions::<&str, 4>::new());
    let (mut now, mut keys) = (Instant::ZERO, std::collections::BTreeSet::new());
    for _ in 0..2_000 {
        let step = script.next_step(&plain, now).expect("without an end");
        now = step.at;
        let _actions = step.apply(&mut plain);
        let step = script.next_step(&named, now).expect("without an end");
        if let Some(Event::Subscribe { key, .. }) = &step.event {
            keys.insert(*key);
        }
        let _actions = step.apply(&mut named);
    }
    assert!(plain.stats().opens > 10);
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f"]);
}

/// No preset waits longer than it says.
#[test]
fn every_preset_has_a_longest_wait() {
    let own = |config: &Config| longest_wait(&config.to_builder().breaker(None).build_const());
    for (name, config) in presets::ALL {
        let cap = config.backoff().max_delay(redial::Mode::Resume);
        // A server may ask for 300 s in all of them, which some spread over as much again.
        assert!(own(config) >= cap.max(Duration::from_secs(300)), "{name}");
        assert!(own(config) <= cap.max(Duration::from_secs(600)), "{name}: {:?}", own(config));
    }
}
