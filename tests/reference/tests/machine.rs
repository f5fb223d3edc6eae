//! The core against the naive policy, with cases and steps that proptest draws from the state of the naive one and shrinks.
//!
//! 10,000 cases, or as many as `PROPTEST_CASES` says, over all cores; `ci/reference.sh` runs it compiled with optimization.
//! The seed of a run is fixed, or `PROPTEST_RNG_SEED`.

use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use redial_reference::dice::Dice;
use redial_reference::{Case, Model, Pair, Step, story};

/// The naive policy by itself, whose draws are all the lowest: what it is in decides what is likely to happen next.
#[derive(Clone, Debug)]
struct Alone {
    case: Case,
    model: Model,
    now: f64,
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Alone;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Alone> {
        let case = any::<[u8; 48]>().prop_map(|bytes| Case::read(&mut Dice(&bytes)));
        case.prop_map(|case| {
            let model = Model::new(&case);
            Alone { case, model, now: 0. }
        })
        .boxed()
    }

    fn transitions(state: &Alone) -> BoxedStrategy<Step> {
        let model = state.model.clone();
        any::<[u8; 12]>().prop_map(move |bytes| Step::read(&model, &mut Dice(&bytes))).boxed()
    }

    fn apply(mut state: Alone, step: &Step) -> Alone {
        state.now = step.make(&mut state.model, state.now);
        state
    }
}

/// The core, and a naive policy that takes over what the core draws.
struct Compared;

impl StateMachineTest for Compared {
    type SystemUnderTest = Pair;
    type Reference = Reference;

    fn init_test(state: &Alone) -> Pair {
        Pair::new(&state.case)
    }

    fn apply(mut pair: Pair, _: &Alone, step: Step) -> Pair {
        match pair.step(&step) {
            Ok(()) => pair,
            Err(difference) => panic!("{difference}"),
        }
    }
}

fn from_env(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |value| value.parse().expect("a number"))
}

/// Runs so many cases with this seed. The error is the smallest case that fails, as a story.
fn run(cases: u64, seed: u64) -> Result<(), String> {
    let config = Config {
        cases: u32::try_from(cases).expect("at most 4 billion cases"),
        failure_persistence: None,
        max_shrink_iters: 100_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let steps = Reference::sequential_strategy(1..60_usize);
    let result = TestRunner::new_with_rng(config.clone(), rng).run(&steps, |(state, steps, seen)| {
        Compared::test_sequential(config.clone(), state, steps, seen);
        Ok(())
    });
    match result {
        Err(TestError::Fail(reason, (state, steps, _))) => {
            Err(format!("{reason}\n{}", story(&state.case, &steps)))
        }
        Err(error) => Err(error.to_string()),
        Ok(()) => Ok(()),
    }
}

#[test]
fn the_core_does_what_the_naive_policy_does() {
    let (cases, seed) = (from_env("PROPTEST_CASES", 10_000), from_env("PROPTEST_RNG_SEED", 1));
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64).min(cases.max(1));
    // Every shrinking step of a failure panics once.
    std::panic::set_hook(Box::new(|_| {}));
    let share = move |thread: u64| cases / threads + u64::from(thread < cases % threads);
    let runs: Vec<_> =
        (0..threads).map(|n| thread::spawn(move || run(share(n), seed.wrapping_add(n << 32)))).collect();
    let results: Vec<_> = runs.into_iter().map(|run| run.join().expect("a run ends")).collect();
    drop(std::panic::take_hook());
    if let Some(Err(story)) = results.into_iter().find(Result::is_err) {
        panic!("the core and the naive policy differ: {story}");
    }
}

/// The naive policy stays short enough to be read.
#[test]
fn no_file_of_the_naive_policy_is_over_400_lines() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in ["model.rs", "model/connection.rs", "model/outage.rs", "parts.rs"] {
        let lines = std::fs::read_to_string(source.join(file)).expect("text").lines().count();
        assert!(lines <= 400, "{file} has {lines} lines");
    }
}
