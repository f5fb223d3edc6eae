#!/usr/bin/env bash
# The core against the naive policy of tests/reference, with 10,000 cases or as many as given, compiled with optimization
# and on every core. A second argument is the seed; the default is always the same.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export PROPTEST_CASES=${1:-10000} PROPTEST_RNG_SEED=${2:-1}
case $PROPTEST_CASES$PROPTEST_RNG_SEED in
*[!0-9]*) echo "usage: ci/reference.sh [how many cases [the seed]]" >&2 && exit 2 ;;
esac
ci/optimized.sh --test bytes --test machine
