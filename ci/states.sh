#!/usr/bin/env bash
# Searches through the states of the cases in tests/states: 1,000,000 of each case, or as many as given, if there are so many.
# More than ten million in all by default.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export REDIAL_STATES=${1:-1000000}
case $REDIAL_STATES in
'' | *[!0-9]*) echo "usage: ci/states.sh [how many states of each case]" >&2 && exit 2 ;;
esac
ci/optimized.sh --test states -- --nocapture
