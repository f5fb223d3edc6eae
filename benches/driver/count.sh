#!/usr/bin/env bash
# Instructions a message of every reader: 1,000 messages under callgrind.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-../../target/driver-bench}
cargo build -q --release
bench=$CARGO_TARGET_DIR/release/driver-bench
base=
while read -r index who; do
    [ -z "${1:-}" ] || [ "$1" = "$index" ] || [ "$index" = 0 ] || continue
    file=$CARGO_TARGET_DIR/callgrind.$index
    valgrind --tool=callgrind --collect-atstart=no --toggle-collect=counted --dump-instr=yes --callgrind-out-file="$file" "$bench" count "$index" 2>/dev/null
    count=$(sed -n 's/^summary: //p' "$file")
    count=$(((${count%% *} + 500) / 1000))
    base=${base:-$count}
    printf '%-40s %5d  net %5d\n' "$who" "$count" $((count - base))
done < <("$bench" names)
