//! A fuzz target of a user's: their client, redial's scripts and checks.

#![no_main]

use arbitrary::Arbitrary;
use redial::testing::{Checked, Script};
use redial::{Action, Config, Instant, Policy, SplitMix64};

/// What the fuzzer chooses: a config of redial's, a setting of the client's own, and whatever happens.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    config: Config,
    most: u8,
    script: Script<'a>,
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let mut policy = Checked::new(Policy::new(input.config, SplitMix64::new(7)));
    let mut script = input.script;
    // The client under test, which gives up for good after so many dials of its own count.
    let mut dials = 0_u32;
    while let (Some(step), true) = (script.next_step(&*policy, policy.now()), dials <= input.most.into()) {
        let actions = step.apply(&mut policy);
        dials += actions.iter().filter(|action| matches!(action, Action::Open { .. })).count() as u32;
    }
    assert_eq!(policy.stats().opens, dials);
    assert!(policy.now() >= Instant::ZERO);
    policy.assert_recovers();
});
