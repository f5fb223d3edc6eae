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
cargo test --profile proof --test invariants --test handover_invariants --test zero_time \
    --test checkpoint --test record --test subscriptions --test classify --test curves --test fixed_config --test rules
# Every storm of every peer.
cargo test --profile proof --features sim --test sim
