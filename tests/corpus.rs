//! The scripts that taught the fuzzer something, on a stable toolchain: `fuzz/corpus`.

#[path = "harness/mod.rs"]
mod harness;
#[path = "fuzzed/story.rs"]
mod story;

#[path = "fuzzed/handover.rs"]
mod handover;
#[path = "fuzzed/policy.rs"]
mod policy;

use std::path::Path;

/// Runs every script of a target.
fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut told = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a story");
        std::panic::catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{} fails", path.display()));
        told += 1;
    }
    assert!(told > 0, "the corpus is empty");
}

/// S92 to S98 for every script that was worth keeping.
#[test]
fn the_corpus_breaks_no_invariant() {
    replay("policy", policy::run);
}

/// S92 to S97 for every script of two transports that was worth keeping.
#[test]
fn the_corpus_of_handovers_breaks_no_invariant() {
    replay("handover", handover::run);
}
