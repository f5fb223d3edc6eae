#!/usr/bin/env bash
# Compares the public API with that of the last release, and says whether the version in Cargo.toml may have it (cargo-semver-checks,
# which compiles for some minutes the first time).
#
#     ci/semver.sh              the newest tag v*; without one there is no release yet, and nothing to be compatible with
#     ci/semver.sh REVISION     any commit
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/tools.sh

baseline=${1-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -z "$baseline" ]; then
    echo "SKIPPED: no tag v*, so there is no release to be compatible with"
    exit
fi
cargo_tool cargo-semver-checks 0.51.0
cargo semver-checks --package redial --baseline-rev "$baseline" --all-features
