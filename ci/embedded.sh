#!/usr/bin/env bash
# Firmware without a heap on a Cortex-M3 (LM3S6965, in QEMU): the modem link of `examples/embedded`, whose every decision must be that
# which `replay` takes of the dump of its flight recorder, byte for byte, and the golden log. Prints what it takes of flash and memory.
#     --tsv      nothing but these, as lines of group, name, value and unit, separated by tabs
#
# It fetches what it needs: the target from rustup, or else a compiler from apt, and QEMU from apt, unless it is installed. All stays
# under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
mode=${1:-}
case $mode in
'' | --tsv) ;;
*) echo "usage: ci/embedded.sh [--tsv]" >&2 && exit 2 ;;
esac

cargo build -q --all-features --example replay
replay=$CARGO_TARGET_DIR/debug/examples/replay
debian_program qemu qemu-system-arm qemu-system-arm || qemu=()
built_by_cargo=$CARGO_TARGET_DIR
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/embedded
work=$CARGO_TARGET_DIR/work
rm -rf "$work"
mkdir -p "$work"

manifest=(--manifest-path examples/embedded/Cargo.toml)
[ "$mode" = --tsv ] || cargo test -q "${manifest[@]}" --lib
board=thumbv7m-none-eabi
std=()
if ! rustup target add "$board" >/dev/null 2>&1; then
    if ! environment=$(CARGO_TARGET_DIR=$built_by_cargo ci/cross.sh); then
        echo "SKIPPED: neither rustup nor apt has a compiler for $board here" >&2
        exit
    fi
    # Debian's compiler has no linker for this board, rustup's for this machine has.
    linker=$(rustc --print target-libdir)/../bin/rust-lld
    export CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=$linker
    eval "$environment"
    std=(-Zbuild-std=core)
fi
programs=$CARGO_TARGET_DIR/$board/release
cargo build -q "${manifest[@]}" --release --target "$board" "${std[@]}" --no-default-features --bin uplink
cp "$programs/uplink" "$work/silent"
cargo build -q "${manifest[@]}" --release --target "$board" "${std[@]}" --bins

if [ ${#qemu[@]} = 0 ]; then
    echo "SKIPPED: neither QEMU nor apt is here; the programs were built and not run" >&2
    exit
fi
board() {
    timeout 120 "${qemu[@]}" -machine lm3s6965evb -nographic -monitor none -serial none -chardev stdio,id=out \
        -semihosting-config enable=on,target=native,chardev=out -kernel "$1"
}

board "$programs/uplink" >"$work/printed"
board "$work/silent"
grep '^{' "$work/printed" >"$work/decisions"
# Pairs of digits become bytes.
printf '%b' "$(sed -n 's/^dump //p' "$work/printed" | sed 's/../\\x&/g')" >"$work/flight"
gone=$(sed -n 's/^gone //p' "$work/printed")
read -r stack stack_to_make < <(sed -n 's/^stack //p' "$work/printed")
if [ "$gone" != 0 ] || [ ! -s "$work/flight" ]; then
    echo "the recorder does not hold the whole life of the device: $gone events are gone" >&2
    exit 1
fi
"$replay" --flight "$work/flight" >"$work/replayed" </dev/null
cmp "$work/decisions" "$work/replayed"
board "$programs/golden" >"$work/golden"
cat tests/golden/*.out | cmp "$work/golden" -

# What is in flash, and what the statics take of memory.
bytes() { size -A "$1" | awk -v sections="$2" 'index(sections, " " $1 " ") {sum += $2} END {print sum + 0}'; }
flash=' .vector_table .text .rodata .data '
row() { printf 'embedded\t%s\t%d\tbytes\n' "$1" "$2"; }
{
    row 'modem link, flash' "$(bytes "$work/silent" "$flash")"
    row 'modem link, statics' "$(bytes "$work/silent" ' .data .bss .uninit ')"
    row 'modem link, stack of its life' "$stack"
    row 'modem link, stack of its making' "$stack_to_make"
    row 'modem link that prints, flash' "$(bytes "$programs/uplink" "$flash")"
} >"$work/rows"
if [ "$mode" = --tsv ]; then
    cat "$work/rows"
    exit
fi
echo "modem link: $(wc -l <"$work/decisions") lines of decisions, those that replay takes of the recorder's $(stat -c %s "$work/flight") bytes"
echo "golden logs: the bytes of replay"
awk -F '\t' '{printf "%-32s %7d %s\n", $2, $3, $4}' "$work/rows"
