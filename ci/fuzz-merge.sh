#!/usr/bin/env bash
# Makes the committed corpus of each target, or of those that are named, anew: the smallest set of files, of those that are
# committed and those that the fuzzer learned in the target directory, that reaches all that they reach.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
PATH=$target/tools/bin:$PATH
export CARGO_TARGET_DIR=$target/fuzz
mapfile -t targets < <([ $# -gt 0 ] && printf '%s\n' "$@" || find fuzz/corpus -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)
cargo +nightly fuzz build --sanitizer none
for fuzzed in "${targets[@]}"; do
    merged=$(mktemp -d)
    "$CARGO_TARGET_DIR/$(rustc -vV | sed -n 's/^host: //p')/release/$fuzzed" -merge=1 -verbosity=0 "$merged" "fuzz/corpus/$fuzzed" \
        "$target/fuzz-corpus/$fuzzed" >/dev/null 2>&1
    # Names that say what a file is about are kept.
    find "fuzz/corpus/$fuzzed" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    cp "$merged"/* "fuzz/corpus/$fuzzed/"
    rm -r "$merged"
    printf '%-12s %4d files, %s\n' "$fuzzed" "$(find "fuzz/corpus/$fuzzed" -type f | wc -l)" \
        "$(du -sh --apparent-size "fuzz/corpus/$fuzzed" | cut -f1)"
done
