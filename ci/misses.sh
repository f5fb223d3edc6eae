#!/usr/bin/env bash
# Cache misses of a frequent event in a fleet: valgrind's model of a first-level cache of 32 KiB and a last-level cache of
# 8 MiB, and 100,000 policies (or as many as given) in random order. What a run with three passes has more than a run with
# one is what two passes cost. `--tsv` first: lines of group, name, value and unit, separated by tabs.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
tsv=0
[ "${1:-}" = --tsv ] && tsv=1 && shift
policies=${1:-100000}
case $policies in
*[!0-9]* | 0*) echo "usage: ci/misses.sh [--tsv] [how many policies]" >&2 && exit 2 ;;
esac

if ! command -v valgrind >/dev/null; then
    echo "SKIPPED: there is no valgrind here" >&2
    exit
fi
cargo build -q --release --example fleet
count() {
    valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null --D1=32768,8,64 --LL=8388608,16,64 \
        "$CARGO_TARGET_DIR/release/examples/fleet" --policies "$policies" --quiet "$1" 2>&1 >/dev/null |
        sed -n 's/,//g; s/^==[0-9]*== \(I \|D1 \|LLd\) *\(refs\|misses\): *\([0-9]*\).*/\1\t\3/p'
}
paste <(count 1) <(count 3) | awk -F '\t' -v facts=$((2 * policies)) -v tsv="$tsv" '
    {
        name = $1 ~ /^I/ ? "instructions" : $1 ~ /^D1/ ? "first-level-misses" : "last-level-misses"
        each = ($4 - $2) / facts
        printf tsv ? "misses\t%s\t%.2f\tper quiet fact\n" : "%-20s %8.2f per quiet fact\n", name, each
    }
'
