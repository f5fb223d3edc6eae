#!/usr/bin/env bash
# The same log gives the same bytes, however the program was compiled: in debug with all features, and in release.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

# The tests have built the first one already. Of the second one it is the library that matters, and what all examples stand on compiles
# faster without optimization.
cargo build -q --all-features --example replay
cargo build -q --release --example replay --config 'profile.release.package."*".opt-level=0'
shopt -s nullglob extglob
logs=(tests/replay/!(*.out).jsonl)
if [ ${#logs[@]} = 0 ]; then
    echo "no logs in tests/replay"
    exit 1
fi
for log in "${logs[@]}"; do
    # The exit status is part of the answer: a log may be there because it is wrong.
    for profile in debug release; do
        { "$CARGO_TARGET_DIR/$profile/examples/replay" <"$log" 2>&1 || echo "exit status $?"; } \
            >"$CARGO_TARGET_DIR/replay.$profile"
    done
    cmp "$CARGO_TARGET_DIR/replay.debug" "$CARGO_TARGET_DIR/replay.release" || {
        echo "$log: debug and release differ"
        exit 1
    }
done
echo "${#logs[@]} logs, the same bytes in debug and release"
