#!/usr/bin/env bash
# `examples/embassy`: the driver without a heap on the clock of embassy-time, under the conformance suite and on TCP between two stacks, in
# virtual time; and the same for a Cortex-M4, which has no standard library.
#
# It fetches what it needs: the target from rustup, or else a compiler from apt. All stays under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
built_by_cargo=$CARGO_TARGET_DIR
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/embassy
manifest=(--manifest-path examples/embassy/Cargo.toml)

cargo test -q "${manifest[@]}"
board=thumbv7em-none-eabi
std=()
if ! rustup target add "$board" >/dev/null 2>&1; then
    if ! environment=$(CARGO_TARGET_DIR=$built_by_cargo ci/cross.sh); then
        echo "SKIPPED: neither rustup nor apt has a compiler for $board here" >&2
        exit
    fi
    eval "$environment"
    std=(-Zbuild-std=core)
fi
cargo build -q "${manifest[@]}" --release --target "$board" "${std[@]}"
echo "the driver without a heap: conforms on embassy-time, keeps TCP alive on embassy-net, and is built for $board"
