#!/usr/bin/env bash
# This project's own clients against every hostile server, three kinds at a time: three minutes on two cores, in which they
# wait more than they work. `--quick`: what shows within seconds, and no more than `cargo test -p redial-gauntlet` leaves out.
# Reports are under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
out=$CARGO_TARGET_DIR/gauntlet
bin=$CARGO_TARGET_DIR/debug
mkdir -p "$out"

if [ -z "${PACKAGES-}" ]; then
    cargo build --quiet -p redial-gauntlet
    cargo build --quiet --example gateway --features websocket
fi

score() {
    local shape=$1
    shift
    "$bin/gauntlet" "$shape" --name redial --json "$out/$shape-redial.json" --junit "$out/$shape-redial.xml" "$@"
}

case ${1-} in
--quick)
    few='close-4*,fin,reset*,reconnect,reconnect-code,invalid-session*,resume-*,zombie*,unknown-message,stop-*'
    score discord --only "$few" -- "$bin/examples/gateway" --url '{url}' --seed '{seed}'
    ;;
"")
    score websocket --with subscriptions -- "$bin/redial-websocket" '{url}' >"$out/websocket.txt" 2>&1 &
    runs=($!)
    score discord -- "$bin/examples/gateway" --url '{url}' --seed '{seed}' >"$out/discord.txt" 2>&1 &
    runs+=($!)
    score mqtt -- "$bin/redial-mqtt" '{host}' '{port}' >"$out/mqtt.txt" 2>&1 &
    runs+=($!)
    failed=0
    for run in "${runs[@]}"; do wait "$run" || failed=1; done
    cat "$out"/{websocket,discord,mqtt}.txt
    exit "$failed"
    ;;
*) echo "usage: ci/gauntlet.sh [--quick]" >&2 && exit 2 ;;
esac
