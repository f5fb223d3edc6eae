//! S92 to S97 for a handover, for every string of events: random ones and all short ones; and a handover that has no reason
//! to move decides as the policy alone.

mod differential;
mod exhaustive;

mod storms;

use proptest::prelude::*;
use redial::testing::strategies;

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::harness::cases(2_000), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// S92-S97, P22, for random events, times, epochs, causes and configs.
    #[test]
    fn no_string_of_events_breaks_an_invariant_of_a_handover(mut script in strategies::scripts(1_200)) {
        let (handover, config) = (script.handover(), script.config());
        let policy = crate::story::policy(&mut script, &config).with_handover(handover);
        crate::story::live(&mut script, policy);
    }
}
