#!/usr/bin/env bash
# A driver, its handles and its messages in every order of what several threads do at once, with one to three preemptions, or as
# many more as given: with 1 it takes minutes, with 2 hours. No wake-up is lost, nothing hangs, and no message is lost or written twice.
#     ci/loom.sh [how many preemptions more [the names of tests]]
set -euo pipefail
cd "$(dirname "$0")/loom"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../../target}/loom
export RUSTFLAGS="${RUSTFLAGS:-} --cfg redial_loom"
export REDIAL_LOOM_DEEPER=${1:-0}
case $REDIAL_LOOM_DEEPER in
'' | *[!0-9]*) echo "usage: ci/loom.sh [how many preemptions more [the names of tests]]" >&2 && exit 2 ;;
esac
cargo test -q -- --nocapture "${@:2}"
