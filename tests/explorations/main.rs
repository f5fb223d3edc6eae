//! What the core decides, whatever happens in which order: random stories, all short ones, and adversaries. `cargo test --test
//! explorations` takes a part of each; `ci/proofs.sh` takes all, compiled with optimization, which is why they are a program of their
//! own.

#[path = "../harness/mod.rs"]
mod harness;
mod pair;
#[path = "../common/read_back.rs"]
mod read_back;
#[path = "../fuzzed/story.rs"]
mod story;

mod checkpoint;
mod fixed_config;
mod handover_invariants;
mod invariants;
mod zero_time;
