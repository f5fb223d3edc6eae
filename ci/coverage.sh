#!/usr/bin/env bash
# How much of the core the committed corpus reaches: the regions of `src` without what stands outside of it, by module.
# Fails below 98 %, or below as many as given. `ci/coverage.sh --missing` lists the lines that are not reached.
set -euo pipefail
cd "$(dirname "$0")/.."
least=${1:-98}
# Every part counts, also what no test of the corpus instantiates.
base=${CARGO_TARGET_DIR:-$PWD/target}
tools=$(ci/llvm-tools.sh)
export CARGO_TARGET_DIR=$base
counts=$base/coverage
rm -rf "$counts"
mkdir -p "$counts"

# Only this package is counted, and the others stay as they are compiled. Not every reader has zlib.
wrapper=$counts/rustc
printf '#!/bin/sh\nexec "$@" -C instrument-coverage -C llvm-args=-enable-name-compression=false\n' >"$wrapper"
chmod +x "$wrapper"
program=$(RUSTC_WORKSPACE_WRAPPER=$wrapper LLVM_PROFILE_FILE=/dev/null cargo test --test corpus --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*corpus-[^"]*\)".*/\1/p' | tail -n 1)
LLVM_PROFILE_FILE=$counts/%p-%m.profraw "$program" --quiet >&2
"$tools/llvm-profdata" merge -sparse "$counts"/*.profraw -o "$counts/corpus.profdata"

seen=("$program" "-instr-profile=$counts/corpus.profdata")
# The core: not what has a runtime, a socket or a test in it, nor what only the compiler computes (presets, and tables of causes), nor
# what machines of 32 bits run in place of something else.
core=$(git ls-files src | grep -vE '^src/((causes|driver|fleet|presets|telemetry|testing|websocket)(/|\.rs$)|classify/tables|time/narrow)')
if [ "${1:-}" = --missing ]; then
    # shellcheck disable=SC2086
    "$tools/llvm-cov" show "${seen[@]}" $core -show-line-counts-or-regions -show-instantiations=false |
        grep -E '^[^ ].*\.rs:$|^ *[0-9]+\| +0\||\^0'
    exit
fi
# shellcheck disable=SC2086
"$tools/llvm-cov" report "${seen[@]}" $core | awk -v least=$least '
    /\.rs / {
        file = $1
        sub(/.*src\//, "", file)
        module = file
        sub(/\/.*|\.rs$/, "", module)
        regions[module] += $2
        missed[module] += $3
        all += $2
        none += $3
    }
    END {
        for (module in regions) {
            printf "%-16s %5d of %5d regions, %6.2f %%\n", module, regions[module] - missed[module], regions[module],
                100 * (1 - missed[module] / regions[module]) | "sort"
        }
        close("sort")
        reached = 100 * (1 - none / all)
        printf "%-16s %5d of %5d regions, %6.2f %%\n", "the core", all - none, all, reached
        if (reached < least) {
            printf "below %d %%\n", least > "/dev/stderr"
            exit 1
        }
    }'
