#!/usr/bin/env bash
# Fuzzes the policy and the handover for as many seconds as given (default 30). What it learns stays in the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
target=${CARGO_TARGET_DIR:-$PWD/target}

tools=$target/tools
if ! cargo fuzz --version >/dev/null 2>&1; then
    if [ ! -x "$tools/bin/cargo-fuzz" ]; then
        cargo install cargo-fuzz --locked --root "$tools"
    fi
    PATH=$tools/bin:$PATH
fi
# No sanitizer: there is no unsafe code to watch, and without one it is several times as fast.
export CARGO_TARGET_DIR=$target/fuzz
# Half of the time each.
for fuzzed in policy handover; do
    grown=$target/fuzz-corpus/$fuzzed
    mkdir -p "$grown"
    cargo +nightly fuzz run --sanitizer none "$fuzzed" "$grown" "fuzz/corpus/$fuzzed" -- \
        -max_total_time="$(((seconds + 1) / 2))" -max_len=1200 -verbosity=0 -print_final_stats=1
done
