#!/usr/bin/env bash
# Every table and chart of STORMS.md, from the commands in its comments: a quarter of an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
cargo run --quiet --release -p redial-storm -- rewrite STORMS.md
git diff --stat -- STORMS.md docs/storms
