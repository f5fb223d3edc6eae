#!/usr/bin/env bash
# How many crates each command of the README that runs an example compiles, this one included. Fails when the first of
# them, with which a stranger begins, compiles over 70.
set -euo pipefail
cd "$(dirname "$0")/.."

commands=$(grep -o 'cargo run [^`#<]*' README.md | sed 's/ -- .*//; s/ *$//' | awk '!seen[$0]++')
first=1
while read -r command; do
    package=$(sed -n 's/.*-p \([^ ]*\).*/\1/p' <<<"$command")
    features=$(sed -n 's/.*--features \([^ ]*\).*/\1/p' <<<"$command")
    crates=$(cargo tree --package "${package:-redial}" --features "$features" --prefix none --format '{p}' |
        sed 's/ (.*//' | sort -u | wc -l)
    printf '%4d  %s\n' "$crates" "$command"
    if [ "$first" = 1 ] && [ "$crates" -gt 70 ]; then
        echo "the first command compiles over 70 crates" >&2
        exit 1
    fi
    first=0
done <<<"$commands"
