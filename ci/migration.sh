#!/usr/bin/env bash
# The code of docs/migration: both sides in Rust, and in JavaScript where node, npm and the package are (ci/js.sh builds it).
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

[ -n "${PACKAGES-}" ] || cargo test -q -p redial-migration

package=$CARGO_TARGET_DIR/js/package
if ! command -v npm >/dev/null || ! [ -f "$package/package.json" ]; then
    echo "SKIPPED: the JavaScript of docs/migration/reconnecting-websocket.md needs node, npm, and the package that ci/js.sh builds" >&2
    exit
fi
node=$CARGO_TARGET_DIR/migration-js
version() { sed -n "s/^ *\"$1\": \"\(.*\)\".*/\1/p" examples/gauntlet/peers/package.json; }
needs=("ws@$(version ws)" "reconnecting-websocket@$(version reconnecting-websocket)" "redial@file:$package")
mkdir -p "$node"
cp examples/migration/js/*.mjs "$node"
(cd "$node" && npm install --no-audit --no-fund --silent --no-save --install-links "${needs[@]}" && node both.mjs)
