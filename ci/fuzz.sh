#!/usr/bin/env bash
# Fuzzes each target for 30 s, or as many seconds as given, as many targets at a time as there are processors, or as FUZZ_JOBS says.
#
#     ci/fuzz.sh                    # every target for 30 s
#     ci/fuzz.sh 600 policy replay  # these for ten minutes
#     ci/fuzz.sh --total 120        # every target, two minutes of wall time in all beside the build
#     ci/fuzz.sh --build            # none of them, but all are built
#
# What is learned stays in the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
total=
build=
if [ "${1:-}" = --build ]; then
    build=1
    shift
elif [ "${1:-}" = --total ]; then
    total=${2:?seconds}
    shift
fi
seconds=${1:-30}
case $seconds in
'' | *[!0-9]*) echo "usage: ci/fuzz.sh [--build | [--total] seconds [target ...]]" >&2 && exit 2 ;;
esac
[ $# -gt 0 ] && shift

PATH=$target/tools/bin:$PATH
if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install -q cargo-fuzz --locked --debug --root "$target/tools"
fi
# No sanitizer: there is no unsafe code to watch, and without one it is several times as fast.
export CARGO_TARGET_DIR=$target/fuzz
mapfile -t targets < <([ $# -gt 0 ] && printf '%s\n' "$@" || cargo +nightly fuzz list)
cargo +nightly fuzz build --sanitizer none
[ -z "$build" ] || exit 0

at_once=${FUZZ_JOBS:-$(nproc)}
if [ -n "$total" ]; then
    rounds=$(((${#targets[@]} + at_once - 1) / at_once))
    seconds=$((total / rounds > 0 ? total / rounds : 1))
fi
programs=$CARGO_TARGET_DIR/$(rustc -vV | sed -n 's/^host: //p')/release

# Fuzzes one target. It prints what a crash needs, and the statistics.
fuzz() {
    local grown=$target/fuzz-corpus/$1 log=$target/fuzz-corpus/$1.log
    mkdir -p "$grown" "fuzz/artifacts/$1"
    local known=fuzz/corpus/$1
    [ -d "$known" ] || known=
    if ! "$programs/$1" "$grown" ${known:+"$known"} -max_total_time="$2" -max_len=1200 -verbosity=0 -timeout=20 \
        -print_final_stats=1 "-artifact_prefix=fuzz/artifacts/$1/" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "$1: a crash; see fuzz/README.md" >&2
        return 1
    fi
    awk -v target="$1" '/number_of_executed_units/ { runs = $2 } /average_exec_per_sec/ { each = $2 }
        END { printf "%-12s %9d runs, %6d a second\n", target, runs, each }' "$log"
}
export -f fuzz
export target programs
printf '%s\n' "${targets[@]}" | xargs -P "$at_once" -I TARGET bash -c "fuzz TARGET $seconds"
