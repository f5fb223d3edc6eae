#!/usr/bin/env bash
# The playground's page in a real Chromium: its decisions against those of `replay` on this machine, every control, the keyboard
# alone, both themes, narrow and wide, links, bad logs, and what axe-core finds.
#     --serve    builds the page and serves it, where rustup has no target for WebAssembly
#
# It fetches what it needs: the target from rustup or else a compiler from apt, Chromium from apt, packages from npm. All stays under
# the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
mode=${1:-}
case $mode in
'' | --serve) ;;
*) echo "usage: ci/playground.sh [--serve]" >&2 && exit 2 ;;
esac

folder=examples/playground
web=wasm32-unknown-unknown
built=$CARGO_TARGET_DIR/playground
core=(cargo build -q --release --manifest-path "$folder/wasm/Cargo.toml" --target "$web" --target-dir "$built")
if rustup target add "$web" >/dev/null 2>&1; then
    "${core[@]}"
elif environment=$(ci/cross.sh); then
    # Debian's compiler has no linker for it, rustup's for this machine has.
    linker=$(rustc --print target-libdir)/../bin/rust-lld
    (eval "$environment" && "${core[@]}" -Zbuild-std=std,panic_abort --config "target.$web.linker=\"$linker\"")
else
    echo "SKIPPED: neither rustup nor apt has a compiler for $web here" >&2
    exit
fi
export PLAYGROUND_CORE=$built/$web/release/playground_core.wasm
[ -n "${PACKAGES-}" ] || cargo build -q -p redial-playground
export PLAYGROUND=$CARGO_TARGET_DIR/debug/playground
if [ "$mode" = --serve ]; then
    exec "$PLAYGROUND" --core "$PLAYGROUND_CORE"
fi
printf 'the core as WebAssembly: %d bytes, %d with gzip\n' "$(wc -c <"$PLAYGROUND_CORE")" "$(gzip -9nc <"$PLAYGROUND_CORE" | wc -c)"

host=(--manifest-path "$folder/wasm/Cargo.toml" --target-dir "$built")
cargo fmt --check --manifest-path "$folder/wasm/Cargo.toml"
cargo clippy -q "${host[@]}" --all-targets -- -D warnings
cargo test -q "${host[@]}"
[ -n "${PACKAGES-}" ] || cargo test -q -p redial-playground
cargo build -q "${host[@]}" --example dump
cargo build -q --all-features --example replay
export REPLAY=$CARGO_TARGET_DIR/debug/examples/replay DUMP=$built/debug/examples/dump
if ! command -v node >/dev/null || ! environment=$(ci/chromium.sh); then
    echo "SKIPPED: the page is not tested without Node.js and a Chromium" >&2
    exit
fi
eval "$environment"
node --test --test-concurrency=2 "$folder"/tests/*.test.mjs >"$built/tests" || { cat "$built/tests" && exit 1; }
awk '/^# (pass|fail) / {print "the page in Chromium: " $3 " " $2}' "$built/tests"
