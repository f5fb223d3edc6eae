//! The scripts that taught the fuzzer something, on a stable toolchain: `fuzz/corpus/policy`.

#[path = "harness/mod.rs"]
mod harness;
#[path = "common/script.rs"]
mod script;

use std::path::Path;

/// S92 to S98 for every script that was worth keeping.
#[test]
fn the_corpus_breaks_no_invariant() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/policy");
    let mut told = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is committed") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a story");
        std::panic::catch_unwind(|| script::run(&bytes))
            .unwrap_or_else(|_| panic!("{} fails", path.display()));
        told += 1;
    }
    assert!(told > 0, "the corpus is empty");
}
