#!/usr/bin/env bash
# What a release must pass beside .ci/run: docs/releasing.md. `--quick` is what every change must pass of it.
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
    printf '\n== %s (at %d s)\n' "$1" "$SECONDS"
    shift
    "$@"
}

case ${1-} in
"" | --quick) ;;
*) echo "usage: ci/release.sh [--quick]" >&2 && exit 2 ;;
esac
step "spelling" ci/typos.sh
step "the public API" ci/public-api.sh
if [ "${1-}" = --quick ]; then
    step "what the package contains" ci/package.sh
    step "licences" ci/deny.sh --quick
    exit
fi
step "what the package contains, and that it would be published" ci/package.sh --try
step "advisories, licences, sources" ci/deny.sh
step "the last release" ci/semver.sh
step "the oldest dependencies" ci/minimal.sh
step "each feature, and every two" ci/features.sh --all
