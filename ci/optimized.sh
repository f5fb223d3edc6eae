#!/usr/bin/env bash
# Tests with optimization, with every assertion: `ci/optimized.sh --test NAME...`. All that ask choose the same packages and features, so
# that what they stand on is compiled once.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo test --profile proof --package redial --package redial-reference --features redial/sim "$@"
