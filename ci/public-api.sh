#!/usr/bin/env bash
# Compares every public item, with all features, with docs/public-api.txt, so that no change of it goes unseen. `--accept` takes the
# changes over.
#
# ci/public-api reads the JSON of rustdoc, whose form and paths hang on the compiler. The listing names the one that it is of; with another
# one the comparison is left out, until somebody accepts it there.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
tools=$CARGO_TARGET_DIR/tools
listing=docs/public-api.txt
compiler=$(rustc --version | sed 's/\(rustc [0-9]*\.[0-9]*\).*/\1/')

case ${1-} in
--accept) ;;
"")
    if [ "$(head -n 1 "$listing")" != "$compiler" ]; then
        echo "SKIPPED: $listing is of $(head -n 1 "$listing"), and this is $compiler"
        exit
    fi
    ;;
*) echo "usage: ci/public-api.sh [--accept]" >&2 && exit 2 ;;
esac

CARGO_TARGET_DIR=$tools/public-api cargo build -q --manifest-path ci/public-api/Cargo.toml
# The JSON is unstable. Only rustdoc is told so: in the environment of the compiler it would compile all dependencies again.
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' >"$tools/rustdoc-json"
chmod +x "$tools/rustdoc-json"
RUSTDOC=$tools/rustdoc-json cargo rustdoc -q --lib --all-features -- -Z unstable-options --output-format json
{
    echo "$compiler"
    "$tools/public-api/debug/public-api-list" "$CARGO_TARGET_DIR/doc/redial.json"
} >"$tools/public-api.txt"

if [ "${1-}" = --accept ]; then
    cp "$tools/public-api.txt" "$listing"
elif ! diff -U 0 "$listing" "$tools/public-api.txt"; then
    echo "the public API has changed: look at each line, then ci/public-api.sh --accept" >&2
    exit 1
fi
echo "$(($(wc -l <"$listing") - 1)) lines of public API, as in $listing"
