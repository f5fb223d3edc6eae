#!/usr/bin/env bash
# Proves on the binary that no public function of the core can panic, allocate or use a float, with the release profile of
# firmware on a Cortex-M3 (thumbv7m, opt-level "s", LTO, panic = abort): the whole core in one program, and each part alone.
#     --list     prints every entry point and leaves it at that
#
# The entry points are all public functions, methods and trait methods, as rustdoc lists them; `ci/no-panic` writes a table
# with the address of each. A function whose address is taken must work for every argument and every state of its object.
# Those that may panic stand in `ci/no-panic/may-panic.tsv`, and the list must be exact.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
case ${1:-} in
'' | --list) ;;
*) echo "usage: ci/no-panic.sh [--list]" >&2 && exit 2 ;;
esac
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/no-panic
programs=$CARGO_TARGET_DIR/programs

cargo build -q --manifest-path ci/no-panic/Cargo.toml
# rustdoc's JSON is unstable, and so is telling the compiler not to merge functions that are alike, which would hide their names.
export RUSTC_BOOTSTRAP=1
cargo rustdoc -q --lib --no-default-features --features chacha -- -Z unstable-options --output-format json
"$CARGO_TARGET_DIR/debug/no-panic" write "$CARGO_TARGET_DIR/doc/redial.json" "$root" "$programs"
if [ "${1:-}" = --list ]; then
    exec "$CARGO_TARGET_DIR/debug/no-panic" list "$programs"
fi

board=thumbv7m-none-eabi
std=()
if ! rustup target add "$board" >/dev/null 2>&1; then
    if ! environment=$(CARGO_TARGET_DIR=$(dirname "$CARGO_TARGET_DIR") ci/cross.sh); then
        echo "SKIPPED: neither rustup nor apt has a compiler for $board here" >&2
        exit
    fi
    # Debian's compiler has no linker for this board, rustup's for this machine has.
    linker=$(rustc --print target-libdir)/../bin/rust-lld
    export CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=$linker
    eval "$environment"
    std=(-Zbuild-std=core)
fi
"${RUSTC:-rustc}" --version
built=$CARGO_TARGET_DIR/$board/release
rm -f "$built"/deps/contract-*.o
(
    cd "$programs"
    mapfile -t parts < <(cd src/bin && ls | sed '/^contract\.rs$/d; s/\.rs$//; s/^/--bin=/')
    cargo build -q --release --target "$board" "${std[@]}" "${parts[@]}"
    cargo rustc -q --release --target "$board" "${std[@]}" --bin contract -- --emit=link,obj -Zmerge-functions=disabled
)
"$CARGO_TARGET_DIR/debug/no-panic" check "$programs" "$built" "$built"/deps/contract-*.o ci/no-panic/may-panic.tsv
