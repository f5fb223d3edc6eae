#!/usr/bin/env bash
# The explorations and adversaries, a step deeper than `cargo test` goes (or as many as given), and all random cases of which
# it takes an eighth, compiled with optimization.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export REDIAL_DEEPER=${1:-1}
case $REDIAL_DEEPER in
'' | *[!0-9]*) echo "usage: ci/proofs.sh [how many steps deeper]" >&2 && exit 2 ;;
esac
# Every storm of every peer is among them.
ci/optimized.sh --test explorations --test record --test sim
# Every code, and more cases of what is quick enough without optimization, as `cargo test` compiled it.
cargo test --all-features --test decisions -- classify:: contention:: rules::server:: subscriptions::
