//! Drivers under an executor that polls, wakes, drops and lets time pass in hostile orders, which a string of bytes decides. The target
//! `schedule` of the fuzzer does the same.

#[path = "schedule/mod.rs"]
mod schedule;

use std::collections::BTreeMap;

use proptest::prelude::*;
use redial::SplitMix64;
use redial::rand_core::Rng;

/// As many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(600, |cases| cases.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    /// Whatever the order: the promises hold at every step, and the run ends when it is stopped.
    #[test]
    fn any_schedule(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        schedule::run(&bytes);
    }
}

/// Every config with every way to begin, and nothing after it.
#[test]
fn short_schedules() {
    for first in 0..3 {
        for second in 0..=255 {
            for third in 0..=8 {
                schedule::run(&[first, second, third]);
            }
        }
    }
}

/// The schedules get to what is checked: whatever can become of a message does, and so on.
#[test]
fn schedules_go_everywhere() {
    let mut seen = BTreeMap::new();
    let mut random = SplitMix64::new(1);
    for _ in 0..400 {
        let mut bytes = [0; 600];
        random.fill_bytes(&mut bytes);
        for (what, times) in schedule::run(&bytes) {
            *seen.entry(what).or_insert(0) += times;
        }
    }
    println!("{seen:?}");
    for (what, times) in seen {
        assert!(times >= 20, "{what}: {times} times");
    }
}

/// What the fuzzer found worth keeping.
#[test]
fn the_corpus_breaks_no_promise() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/schedule");
    let mut played = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a schedule");
        std::panic::catch_unwind(|| schedule::run(&bytes))
            .unwrap_or_else(|_| panic!("{} fails", path.display()));
        played += 1;
    }
    assert!(played > 100, "{played} schedules");
}
