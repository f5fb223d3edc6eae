#!/usr/bin/env bash
# What the core must not contain, by name: the compiler does not see all of it.
set -euo pipefail
cd "$(dirname "$0")/.."

# The driver, what fleets share, the conversions of errors, the reader of configs, the telemetry and the report of a simulation are outside of the core.
# Comments may speak of anything, and tests may unwrap; both are left out. A file's tests are its last item, and two files are
# nothing but tests.
core=$(find src -name '*.rs' -not -path 'src/driver*' -not -path 'src/causes*' -not -path 'src/data*' -not -path 'src/fleet*' -not -path 'src/websocket*' -not -path 'src/telemetry*' -not -path 'src/testing/virtual*' -not -path 'src/sim/report.rs' \
    -not -path 'src/testing/scripted*' -not -path 'src/testing/conformance*' -not -path 'src/testing/faults.rs' -not -path 'src/testing/script/reach.rs')
failed=0
check() {
    local name=$1 pattern=$2 hits
    hits=$(for file in $core; do
        awk -v file="$file" -v pattern="$pattern" '
            /^#\[cfg\(test\)\]/ {exit}
            /^ *\/\// {next}
            /^ *#\[cfg\(feature = "std"\)\]/ {allowed = 1; match($0, /^ */); indent = RLENGTH}
            $0 ~ pattern && !allowed {print file ":" NR ": " $0}
            allowed && match($0, /^ *}/) && RLENGTH == indent + 1 {allowed = 0}
        ' "$file"
    done)
    if [ -n "$hits" ]; then
        printf '%s in the core:\n%s\n' "$name" "$hits"
        failed=1
    fi
}
check "a float" '(^|[^a-z0-9_])f(32|64)([^a-z0-9_]|$)'
check "the standard library" '(^|[^a-z0-9_])std::'
check "an unwrap" '\.unwrap\('
check "a clock" '(Instant|SystemTime)::now'

# Normal dependencies without features: the trait of generators, the default generator and what that needs.
allowed='ppv-lite86 rand_chacha rand_core redial zerocopy'
found=$(cargo tree --edges normal --prefix none --format '{p}' | awk '{print $1}' | sort -u | tr '\n' ' ')
if [ "${found% }" != "$allowed" ]; then
    echo "the library depends on: ${found% }"
    echo "it may only depend on:  $allowed"
    failed=1
fi
bare=$(cargo tree --edges normal --prefix none --no-default-features --format '{p}' | awk '{print $1}' | sort -u | tr '\n' ' ')
if [ "${bare% }" != 'rand_core redial' ]; then
    echo "without features the library depends on: ${bare% }"
    failed=1
fi
[ "$failed" = 0 ] && echo "no float, no std, no unwrap, no clock; dependencies: ${found% }"
exit "$failed"
