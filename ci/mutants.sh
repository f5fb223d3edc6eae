#!/usr/bin/env bash
# Changes the core in small ways, one at a time, and looks whether a test fails (cargo-mutants, with `.cargo/mutants.toml`).
# Fails where one survives that is not listed there with the reason why it changes nothing.
#
#     ci/mutants.sh --since COMMIT [SECONDS]   the lines that were changed since then, as many as the time allows
#     ci/mutants.sh K/N                        the K-th of N shares of all, counted from 0
#     ci/mutants.sh FILE...                    these files
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
usage() { sed -n '5,7s/^#     //p' ci/mutants.sh >&2 && exit 2; }
[ $# -gt 0 ] || usage

version=27.1.0
tools=$target/tools/mutants-$version
if ! [ -x "$tools/bin/cargo-mutants" ]; then
    CARGO_TARGET_DIR=$tools/build cargo install -q --locked --root "$tools" "cargo-mutants@$version" >&2
    rm -rf "$tools/build"
fi
export PATH=$tools/bin:$PATH
# A mutant is judged by the same random cases as the code was.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1}
unset CARGO_TARGET_DIR # Of the copy of the checkout, its own.

run() { cargo mutants --output "$target/mutants" --no-shuffle --colors never "$@"; }
mkdir -p "$target/mutants"
case $1 in
--since)
    [ $# -ge 2 ] && [ $# -le 3 ] || usage
    git diff "$2" -- src >"$target/mutants/diff"
    if ! [ -s "$target/mutants/diff" ]; then
        echo "nothing of the core has changed since $2"
        exit
    fi
    # What is not reached in time says nothing; a mutant that survived until then does.
    status=0
    timeout --signal INT "${3:-86400}" cargo mutants --output "$target/mutants" --colors never --in-diff "$target/mutants/diff" || status=$?
    case $status in 124 | 130) [ ! -s "$target/mutants/mutants.out/missed.txt" ] ;; *) exit "$status" ;; esac
    ;;
*/*.rs) run $(printf -- '--file %s ' "$@") ;;
*/*) run --shard "$1" --sharding round-robin ;;
*) usage ;;
esac
