#!/usr/bin/env bash
# What a change must pass beside the tests, one step after the other, or two at a time where they share no target
# directory. It needs rustup with stable and nightly, and where rustup can fetch nothing, apt. All it makes stays under the
# target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

step() {
    printf '\n== %s (at %d s)\n' "$1" "$SECONDS"
    shift
    "$@"
}

# What tests a package beside the library chooses all of them, and compiles what they stand on once. Where this is set, a script finds
# the programs that `step "the packages beside the library"` built; by itself it builds its own alone.
export PACKAGES="--workspace --exclude redial --exclude redial-reference"

# They are linted as they are built: their compiler is clippy's, and what they stand on is not looked at a second time.
linted=(env RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings)

# What is compiled longer than it runs.
quickly=(env CARGO_PROFILE_RELEASE_OPT_LEVEL=1)

# What waits more than it works, so that all of it goes on at once: clients of real servers and of hostile ones.
waiting() {
    local pids=() failed=0 log pid gateway=$CARGO_TARGET_DIR/debug/examples/gateway
    aside() { "${@:2}" >"$CARGO_TARGET_DIR/waiting.$1" 2>&1 & pids+=($!); }
    (. ci/provide.sh && provide_redis && provide_mosquitto && provide_nats && provide_nginx && provide_postgres)
    aside packages "${linted[@]}" ci/servers.sh
    aside chaos ci/chaos.sh 200 1
    aside gauntlet ci/gauntlet.sh --quick
    aside gateway-1 "$gateway" --seed 1
    aside gateway-2 "$gateway" --seed 2
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    for log in "$CARGO_TARGET_DIR"/waiting.*; do
        printf '\n-- %s\n' "${log##*.}"
        cat "$log"
    done
    return "$failed"
}

# Each of these has a target directory of its own, or none.
apart() {
    step "a driver under the orders of its threads" ci/loom.sh
    step "a target without std" ci/no-std.sh
    step "no panic, no heap, no float" ci/no-panic.sh
    step "the oldest compiler" ci/msrv.sh
    step "C and C++" ci/c.sh
    step "JavaScript, in Node and Chromium" ci/js.sh
    step "firmware in QEMU" ci/embedded.sh
    step "the driver without a heap, on embassy" ci/embassy.sh
    step "each feature alone" ci/features.sh
    step "dashboard and alerts" ci/promtool.sh
    step "fuzz targets" "${quickly[@]}" ci/fuzz.sh --build
}

step "the core against a naive policy" ci/reference.sh
step "all states, up to 20,000 of each case" ci/states.sh 20000
# shellcheck disable=SC2086
step "the packages beside the library, and their lints" "${linted[@]}" cargo build --quiet $PACKAGES --all-targets
step "their tests, servers that are killed, hostile ones, the gateway with two seeds" waiting
step "code size" ci/sizes.sh

# In a group of its own, so that nothing of it is left where another step fails.
set -m
apart >"$CARGO_TARGET_DIR/apart" 2>&1 &
apart=$!
set +m
trap 'kill -- "-$apart" 2>/dev/null || true' EXIT

step "format" cargo fmt --check
step "one history on five machines" ci/history.sh
step "lints, default features" cargo clippy -- -D warnings
step "lints, all features" cargo clippy --package redial --package redial-reference --all-features --all-targets -- -D warnings
step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features
step "the guide" ci/guide.sh
step "what the core may not contain" ci/purity.sh
step "how much a first command compiles" ci/crates.sh
step "what a release publishes" ci/release.sh --quick
step "replay in debug and release" ci/replay.sh
step "the playground in Chromium" ci/playground.sh
# As the tests of the packages are built, since it measures nothing.
# shellcheck disable=SC2086
step "benchmarks run once" "${linted[@]}" cargo test --quiet $PACKAGES --bench speed --bench fleet --bench subscriptions
step "counts of instructions" ci/instructions.sh
step "how much of the core the corpus reaches" ci/coverage.sh 97

wait "$apart" || failed=$?
cat "$CARGO_TARGET_DIR/apart"
[ "${failed:-0}" = 0 ]
step "the code of the migration pages" ci/migration.sh
# Two to a processor: half as long, for half as many runs.
step "fuzzing" "${quickly[@]}" FUZZ_JOBS=$((2 * $(nproc))) ci/fuzz.sh 30
