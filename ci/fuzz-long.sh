#!/usr/bin/env bash
# Fuzzes each target for an hour, or as many seconds as given: with two processors and 19 targets, ten hours.
set -euo pipefail
exec "$(dirname "$0")/fuzz.sh" "${1:-3600}" "${@:2}"
