#!/usr/bin/env bash
# Checks the library for a microcontroller that has no standard library, no heap and no float unit: what would need one of
# them does not compile. `ci/no-panic.sh`, `ci/embedded.sh` and `ci/embassy.sh` make programs of it.
set -euo pipefail
cd "$(dirname "$0")/.."

target=thumbv7m-none-eabi
core=()
heap=()
if rustup target add "$target" 2>/dev/null; then
    echo "with rustup's $target"
else
    environment=$(ci/cross.sh)
    eval "$environment"
    core=(-Zbuild-std=core)
    heap=(-Zbuild-std=core,alloc)
    echo "with $("$RUSTC" --version) and a core of its own"
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/no-std
cargo check --lib --target "$target" "${core[@]}" --no-default-features --features chacha
cargo check --lib --target "$target" "${core[@]}" --no-default-features
cargo check --lib --target "$target" "${core[@]}" --no-default-features --features testing
cargo check --lib --target "$target" "${core[@]}" --no-default-features --features defmt,log,driver-core
cargo check --lib --target "$target" "${heap[@]}" --no-default-features --features chacha,alloc,serde,tracing,driver-core
