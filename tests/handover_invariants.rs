//! S92 to S97 for a handover, for every string of events: random ones and all short ones; and a handover that has no reason
//! to move decides as the policy alone.

#[path = "harness/mod.rs"]
mod harness;
#[path = "pair/mod.rs"]
mod pair;
#[path = "common/script.rs"]
mod script;

#[path = "handover_invariants/differential.rs"]
mod differential;
#[path = "handover_invariants/exhaustive.rs"]
mod exhaustive;

#[path = "handover_invariants/storms.rs"]
mod storms;

use proptest::prelude::*;

/// A script to be printed in one line, and to be kept in the corpus with `xxd -r -p`.
#[derive(Clone)]
struct Hex(Vec<u8>);

impl core::fmt::Debug for Hex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn story() -> impl Strategy<Value = Hex> {
    proptest::collection::vec(any::<u8>(), 0..1_200).prop_map(Hex)
}

/// How many random scripts; `REDIAL_CASES` for more.
fn cases() -> u32 {
    std::env::var("REDIAL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// S92-S97, P22, for random events, times, epochs, causes and configs.
    #[test]
    fn no_string_of_events_breaks_an_invariant_of_a_handover(Hex(bytes) in story()) {
        pair::run(&bytes);
    }
}

/// One script, given in hexadecimal in `REDIAL_SCRIPT`; with `REDIAL_STORY` it is printed.
#[test]
#[ignore = "for a script that failed"]
fn one_script() {
    let hex = std::env::var("REDIAL_SCRIPT").expect("a script in hexadecimal");
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    pair::run(&bytes);
}
