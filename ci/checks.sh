#!/usr/bin/env bash
# What a change must pass beside the tests, one step after the other. It needs rustup with stable and nightly, and where
# rustup can fetch nothing, apt. All it makes stays under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

step() {
    printf '\n== %s (at %d s)\n' "$1" "$SECONDS"
    shift
    "$@"
}

# The README's command that shows a client under every fault, with the seed $1.
gateway() {
    local command
    command=$(grep -m 1 '^cargo run --release --example gateway' README.md)
    $command -- --seed "$1"
}

step "where a token is sent, without the list of suffixes" cargo test --features driver --test trust
step "explorations, a step deeper" ci/proofs.sh
step "the core against a naive policy" ci/reference.sh
step "all states, up to 20,000 of each case" ci/states.sh 20000
step "examples beside other crates, and a Redis that is killed" ci/redis.sh
step "format" cargo fmt --check
step "lints, no features" cargo clippy --no-default-features --lib -- -D warnings
step "lints, a heap" cargo clippy --no-default-features --features alloc,serde --lib -- -D warnings
step "lints, the driver alone" cargo clippy --no-default-features --features driver --lib -- -D warnings
step "lints, the testing module without a heap" cargo clippy --no-default-features --features testing --lib -- -D warnings
step "lints, default features" cargo clippy --all-targets -- -D warnings
step "lints, all features" cargo clippy --all-features --all-targets -- -D warnings
step "lints, the driver and the tests of its users" cargo clippy --no-default-features --features driver,testing --lib -- -D warnings
step "lints, the packages beside it" cargo clippy --workspace --exclude redial --all-targets -- -D warnings
step "the report on the benchmarks" cargo test -p redial-benches
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features
step "a driver under the orders of its threads" ci/loom.sh
step "what the core may not contain" ci/purity.sh
step "a target without std" ci/no-std.sh
step "no panic, no heap, no float" ci/no-panic.sh
step "one history on five machines" ci/history.sh
step "the oldest compiler" ci/msrv.sh
step "how much a first command compiles" ci/crates.sh
step "replay in debug and release" ci/replay.sh
step "gateway, seed 1" gateway 1
step "gateway, seed 2" gateway 2
step "benchmarks build and run once" cargo bench -q -p redial-benches -- --test
step "code size" ci/sizes.sh
step "counts of instructions" ci/instructions.sh
step "how much of the core the corpus reaches" ci/coverage.sh 87
step "fuzzing" ci/fuzz.sh 30
