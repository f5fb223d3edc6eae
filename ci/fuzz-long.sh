#!/usr/bin/env bash
# Fuzzes for an hour, or as many seconds as given.
set -euo pipefail
exec "$(dirname "$0")/fuzz.sh" "${1:-3600}"
