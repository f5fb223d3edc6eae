//! S92 to S97 for a handover, for every string of events: random ones and all short ones; and a handover that has no reason
//! to move decides as the policy alone.

#[path = "harness/mod.rs"]
mod harness;
#[path = "pair/mod.rs"]
mod pair;
#[path = "fuzzed/story.rs"]
mod story;

#[path = "handover_invariants/differential.rs"]
mod differential;
#[path = "handover_invariants/exhaustive.rs"]
mod exhaustive;

#[path = "handover_invariants/storms.rs"]
mod storms;

use proptest::prelude::*;
use redial::testing::strategies;

proptest! {
    #![proptest_config(ProptestConfig { cases: harness::cases(2_000), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// S92-S97, P22, for random events, times, epochs, causes and configs.
    #[test]
    fn no_string_of_events_breaks_an_invariant_of_a_handover(mut script in strategies::scripts(1_200)) {
        let (handover, config) = (script.handover(), script.config());
        let policy = story::policy(&mut script, &config).with_handover(handover);
        story::live(&mut script, policy);
    }
}
