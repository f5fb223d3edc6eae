#!/usr/bin/env bash
# What is depended on, by deny.toml: advisories, licences, bans, sources (cargo-deny, which compiles for some minutes the first time).
# `--quick` looks at the licences alone, in a second, and knows no exceptions: each must be one that deny.toml allows.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/tools.sh

licences() {
    local allowed
    allowed=$(sed -n '/^allow = \[/,/^\]/s/^ *"\(.*\)",$/\1/p' deny.toml)
    [ -n "$allowed" ]
    # `A OR B` holds if one does, `A AND B` if both do. An exception (`WITH`) only adds permissions.
    cargo tree --workspace --all-features --target all --edges normal,build,dev --prefix none --format '{p}|{l}' |
        sed 's/ (\*)$//; s/ ([^|]*)|/|/' | sort -u |
        awk -F '|' -v allowed="$allowed" '
            BEGIN {split(allowed, names, "\n"); for (i in names) ok[names[i]] = 1}
            {
                n = split($2, parts, / AND /)
                for (i = 1; i <= n; i++) {
                    gsub(/[()]/, "", parts[i])
                    held = 0
                    m = split(parts[i], choices, / OR | or | ?\/ ?/)
                    for (j = 1; j <= m; j++) {
                        sub(/ WITH .*/, "", choices[j])
                        held = held || choices[j] in ok
                    }
                    if (!held) {print $1 ": " ($2 == "" ? "no licence" : $2); failed = 1}
                }
                count++
            }
            END {if (!failed) print count " packages, each under a licence that deny.toml allows"; exit failed}
        '
}

case ${1-} in
--quick) licences ;;
"")
    cargo_tool cargo-deny 0.20.0
    if cargo deny fetch db >/dev/null 2>&1; then
        cargo deny check
    else
        echo "SKIPPED: the database of advisories can't be fetched here"
        cargo deny check licenses bans sources
    fi
    ;;
*) echo "usage: ci/deny.sh [--quick]" >&2 && exit 2 ;;
esac
