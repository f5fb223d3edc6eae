#!/usr/bin/env bash
# One history of 1.4 million decisions (`ci/history`) on five machines, which must all give the hashes of
# `ci/history/hashes.tsv`: x86-64 in debug and in release, 32-bit x86, a Cortex-M3 in QEMU, WebAssembly in Node.
#     --accept                          makes today's hashes, of which all machines must give the same, the committed ones
#     --show MACHINE CHAPTER FROM TO    prints the decisions of a chapter with these numbers, from 0, on a machine: debug,
#                                       release, i686, board or web
# Where two machines differ, the first decision that does is printed from both.
#
# It fetches what it needs: targets from rustup, QEMU from apt, unless it is installed. All stays under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
usage() { echo "usage: ci/history.sh [--accept | --show MACHINE CHAPTER FROM TO]" >&2 && exit 2; }
mode=${1:-}
case $mode in
'' | --accept) [ $# -le 1 ] || usage ;;
--show) [ $# = 5 ] || usage ;;
*) usage ;;
esac

debian_program qemu qemu-system-arm qemu-system-arm || true
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/history

has_target() { rustup target add "$1" >/dev/null 2>&1; }
build() { cargo build -q --manifest-path ci/history/Cargo.toml "$@"; }
build_small() {
    if has_target "$1"; then
        build --profile small --target "$@"
    elif environment=$(CARGO_TARGET_DIR=$(dirname "$CARGO_TARGET_DIR") ci/cross.sh); then
        # Debian's compiler has no linker for these, rustup's for this machine has.
        linker=$(rustc --print target-libdir)/../bin/rust-lld
        (
            eval "$environment"
            build --profile small -Zbuild-std=core --config "target.$1.linker=\"$linker\"" --target "$@"
        )
    else
        return 1
    fi
}

# Builds the program of a machine; false where it can't be built or run here.
prepare() {
    case $1 in
    debug) build --bin history ;;
    release) build --release --bin history ;;
    i686) has_target i686-unknown-linux-musl && build --release --bin history --target i686-unknown-linux-musl ;;
    board)
        "${qemu[@]}" --version >/dev/null 2>&1 &&
            build_small thumbv7m-none-eabi --bin board \
                --config "target.thumbv7m-none-eabi.rustflags=[\"-Clink-arg=-T$root/ci/history/board.x\"]"
        ;;
    web) command -v node >/dev/null && build_small wasm32-unknown-unknown --bin web ;;
    *) usage ;;
    esac
}

# Runs it: without more arguments all hashes, with the number of a chapter and two of decisions those decisions.
run() {
    local machine=$1 built=$CARGO_TARGET_DIR
    shift
    case $machine in
    debug) "$built/debug/history" "$@" ;;
    release) "$built/release/history" "$@" ;;
    i686) "$built/i686-unknown-linux-musl/release/history" "$@" ;;
    web) node ci/history/web.mjs "$built/wasm32-unknown-unknown/small/web.wasm" "$@" ;;
    board)
        timeout 300 "${qemu[@]}" -machine mps2-an385 -nographic -monitor none -serial none -chardev stdio,id=out \
            -semihosting-config "enable=on,target=native,chardev=out$(printf ',arg=%s' board "$@")" \
            -kernel "$built/thumbv7m-none-eabi/small/board"
        ;;
    esac
}

hashes=ci/history/hashes.tsv
# The lines of `diff`, which fails where there are any.
differences() { diff "$@" || true; }
# The number of a chapter.
number_of() {
    awk -F '\t' -v chapter="$1" '/^#/ {next} $1 == chapter {print n + 0; exit} {n++}' "$hashes"
}
# The first decision of a chapter on which two machines differ.
first_difference() {
    local chapter=$1 one=$2 other=$3 number decisions
    number=$(number_of "$chapter")
    decisions=$(awk -F '\t' -v chapter="$chapter" '$1 == chapter {print $2}' "$hashes")
    [ -n "$number" ] || return 0
    differences <(run "$one" "$number" 0 "$decisions") <(run "$other" "$number" 0 "$decisions") |
        awk -v one="$one" -v other="$other" '/^</ && !a++ {print one ": " substr($0, 3)} /^>/ && !b++ {print other ": " substr($0, 3)}'
}

if [ "$mode" = --show ]; then
    prepare "$2" || { echo "$2 can't be built or run here" >&2 && exit 1; }
    number=$(number_of "$3")
    [ -n "$number" ] || { echo "no chapter is called $3" >&2 && exit 2; }
    run "$2" "$number" "$4" "$5"
    exit
fi

failed=0
narrow=0
results=$CARGO_TARGET_DIR/results
mkdir -p "$results"
prepare release
run release >"$results/release"
{
    echo "# What ci/history.sh compares: chapter, decisions, hash."
    cat "$results/release"
} >"$results/accepted"
[ "$mode" != --accept ] || cp "$results/accepted" "$hashes"
for machine in release debug i686 board web; do
    if ! prepare "$machine"; then
        echo "SKIPPED: $machine can't be built or run here" >&2
        continue
    fi
    begun=$SECONDS
    [ "$machine" = release ] || run "$machine" >"$results/$machine" || { echo "$machine failed" >&2 && failed=1; }
    case $machine in i686 | board) narrow=1 ;; esac
    if diff -q <(grep -v '^#' "$hashes") "$results/$machine" >/dev/null; then
        awk -F '\t' -v machine="$machine" -v took=$((SECONDS - begun)) \
            '{n += $2} END {printf "%-8s %d decisions in %d chapters: the same (%d s)\n", machine, n, NR, took}' "$results/$machine"
        continue
    fi
    failed=1
    chapters=$(differences <(grep -v '^#' "$hashes") "$results/$machine" | sed -n 's/^[<>] //p' | cut -f 1 | awk '!seen[$0]++')
    echo "$machine: other hashes than in $hashes: $(echo $chapters)" >&2
    if ! cmp -s "$results/release" "$results/$machine"; then
        chapter=$(differences "$results/release" "$results/$machine" | sed -n 's/^[<>] \([^\t]*\).*/\1/p' | awk 'NR == 1')
        echo "it differs from release; the first decision of $chapter that does:" >&2
        first_difference "$chapter" release "$machine" >&2
    fi
done
if [ "$narrow" = 0 ]; then
    echo "no machine of 32 bits was here: neither rustup's i686-unknown-linux-musl nor thumbv7m-none-eabi with QEMU" >&2
    failed=1
fi
[ "$failed" = 0 ] || [ "$mode" != --accept ] || echo "not accepted: the machines differ" >&2
exit "$failed"
