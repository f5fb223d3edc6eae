//! `testing::Script`: what it reaches, what it leaves out when it is told to, and that a seed means the same everywhere.

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

/// When the faults stop, it gets online, wherever a script left it.
#[test]
fn calm_steps_get_online() {
    for seed in 0..300 {
        let mut script = Script::seeded(seed);
        if seed % 2 == 0 {
            script = script.with_sensible_events().with_steady_clock();
        }
        let mut policy = policy(presets::RECOMMENDED, seed);
        run(&mut script, &mut policy, 200, |_, _| {});
        let mut now = policy.explain().since;
        let online = (0..100).any(|_| {
            let step = script.calm_step(&policy, now);
            now = step.at;
            let _actions = step.apply(&mut policy);
            policy.phase() == Phase::Online
        });
        assert!(online, "seed {seed}: {}", policy.explain());
    }
}

mod proptests {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use redial::classify::{Class, Classifier, IoKind, TlsKind};
    use redial::endpoints::EndpointsConfig;
    use redial::heartbeat::HeartbeatConfig;
    use redial::policy::{CredentialConfig, HoldReason, RestoreConfig, ResumeConfig};
    use redial::testing::strategies;
    use redial::{BackoffConfig, Cause, Epoch, Jitter, Mode, Ratio, SessionState, breaker, handover};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Everything has a strategy by its type, and what is built is valid.
        #[test]
        fn types_are_arguments(
            config: Config, backoff: BackoffConfig, breaker: breaker::Config, handover: handover::Config,
            parts: (Classifier, EndpointsConfig, HeartbeatConfig, ResumeConfig, RestoreConfig, CredentialConfig),
            small: (Jitter, Ratio, Cause, IoKind, TlsKind, Class, Mode, Epoch, HoldReason, Instant),
            event: Event<u8, u8>, session: SessionState<String>,
        ) {
            prop_assert_eq!(config.to_builder().build(), Ok(config));
            prop_assert_eq!(backoff.to_builder().build(), Ok(backoff));
            prop_assert_eq!(breaker.to_builder().build(), Ok(breaker));
            prop_assert_eq!(handover.to_builder().build(), Ok(handover));
            prop_assert_eq!(parts.3.to_builder().build(), Ok(parts.3));
            prop_assert!(!event.as_str().is_empty() && !small.2.as_str().is_empty());
            prop_assert!(session.is_empty() || session.token().is_some());
        }

        #[test]
        fn clocks_are_what_they_are_called(
            hostile in strategies::hostile_clocks(40), steady in strategies::steady_clocks(40),
            events in strategies::events::<u8, u8>(20), wait in strategies::durations(),
        ) {
            prop_assert!((1..=40).contains(&hostile.len()) && events.len() <= 20 && wait <= Duration::MAX);
            for pair in steady.windows(2) {
                prop_assert!(pair[0] <= pair[1]);
                prop_assert!(pair[1].saturating_duration_since(pair[0]) <= Duration::from_secs(86_400));
            }
        }
    }

    /// A case shrinks to the simplest that still fails: here the shortest script that has a policy dial twice.
    #[test]
    fn scripts_shrink() {
        let mut runner = TestRunner::deterministic();
        let strategy = strategies::scripts(1_200);
        let fails = |mut script: Script<'_>| {
            let mut policy = policy(script.config(), script.seed());
            run(&mut script, &mut policy, 2_000, |_, _| {});
            policy.stats().opens >= 2
        };
        let mut tree = (0..50).map(|_| strategy.new_tree(&mut runner).expect("any bytes"));
        let mut tree = tree.find(|tree| fails(tree.current())).expect("one of them");
        let before = format!("{:?}", tree.current()).len();
        for _ in 0..20_000 {
            let moved = if fails(tree.current()) { tree.simplify() } else { tree.complicate() };
            if !moved {
                break;
            }
        }
        let after = format!("{:?}", tree.current());
        assert!(after.len() * 3 < before, "{before} characters became {}: {after}", after.len());
    }

    /// Hostile clocks stand, jump and run back.
    #[test]
    fn hostile_clocks_are_hostile() {
        let mut runner = TestRunner::deterministic();
        let clock = strategies::hostile_clocks(200);
        let (mut stood, mut back, mut years) = (0, 0, 0);
        for _ in 0..20 {
            let times = clock.new_tree(&mut runner).expect("any bytes").current();
            for pair in times.windows(2) {
                stood += u32::from(pair[0] == pair[1]);
                back += u32::from(pair[1] < pair[0]);
                let year = Duration::from_secs(31_536_000);
                years += u32::from(pair[1].saturating_duration_since(pair[0]) > year);
            }
        }
        assert!(stood > 50 && back > 50 && years > 20, "{stood} {back} {years}");
    }
}

mod arbitraries {
    use arbitrary::{Arbitrary, Unstructured};
    use redial::classify::{Class, Classifier, IoKind, TlsKind};
    use redial::policy::HoldReason;
    use redial::{BackoffConfig, Cause, Epoch, Jitter, Mode, Ratio, SessionState, breaker, handover};

    use super::*;

    /// The same bytes are the same value, as a script reads them, and no byte is read twice.
    #[test]
    fn values_are_read_one_after_the_other() {
        let bytes: Vec<u8> = (0..=255).cycle().take(2_000).collect();
        let (mut u, mut script) = (Unstructured::new(&bytes), Script::from_bytes(&bytes));
        assert_eq!(Config::arbitrary(&mut u).unwrap(), script.config());
        assert_eq!(Cause::arbitrary(&mut u).unwrap(), script.cause());
        assert_eq!(Event::<u8, u8>::arbitrary(&mut u).unwrap(), script.any_event());
        assert_eq!(BackoffConfig::arbitrary(&mut u).unwrap(), script.backoff());
        assert_eq!(breaker::Config::arbitrary(&mut u).unwrap(), script.breaker());
        assert_eq!(handover::Config::arbitrary(&mut u).unwrap(), script.handover());
        assert_eq!(Epoch::arbitrary(&mut u).unwrap(), script.epoch());
        assert_eq!(Instant::arbitrary(&mut u).unwrap(), script.instant());
        assert_eq!(SessionState::<u8>::arbitrary(&mut u).unwrap(), script.session());
        assert_eq!(redial::testing::arbitrary_duration(&mut u).unwrap(), script.duration());
        let all = <(Classifier, Jitter, Ratio, IoKind, TlsKind, Class, Mode, HoldReason)>::arbitrary(&mut u);
        assert!(all.is_ok());
    }

    /// At the end of the bytes, the simplest.
    #[test]
    fn no_bytes_are_the_simplest_values() {
        let u = &mut Unstructured::new(&[]);
        assert_eq!(Cause::arbitrary(u).unwrap(), Cause::NoCloseFrame);
        assert_eq!(Event::<(), core::convert::Infallible>::arbitrary(u).unwrap(), Event::Start);
        assert_eq!(Instant::arbitrary(u).unwrap(), Instant::ZERO);
        let script = Script::arbitrary_take_rest(Unstructured::new(&[1, 2])).unwrap();
        assert_eq!(format!("{script:?}"), "Script(\"0102\")");
    }
}
