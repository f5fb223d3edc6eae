#!/usr/bin/env bash
# Compiles the library with each feature alone, and without any, and each with warnings as errors. `--pairs` takes every two features
# (cargo-hack), some 350 combinations.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/tools.sh
export RUSTFLAGS=${RUSTFLAGS-}\ -Dwarnings
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/features

cargo_tool cargo-hack 0.6.45
case ${1-} in
"") cargo hack check --lib --no-dev-deps --each-feature ;;
--pairs) cargo hack check --lib --no-dev-deps --feature-powerset --depth 2 ;;
*) echo "usage: ci/features.sh [--pairs]" >&2 && exit 2 ;;
esac
