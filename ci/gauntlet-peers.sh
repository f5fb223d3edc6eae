#!/usr/bin/env bash
# docs/gauntlet.md: this project's clients and those of the field against every hostile server, in a quarter of an hour on
# two cores. It needs node and npm; what it installs, in the versions that examples/gauntlet/peers names, is under the
# target directory. `--table` makes the document of the runs that are there.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
out=$CARGO_TARGET_DIR/gauntlet
peers=$CARGO_TARGET_DIR/gauntlet-peers
node=$peers/node
gauntlet=$CARGO_TARGET_DIR/debug/gauntlet

version() {
    node -p "require('$PWD/examples/gauntlet/peers/package.json').dependencies['$1']"
}

install() {
    mkdir -p "$node" "$out"
    cp examples/gauntlet/peers/*.js* "$node"
    (cd "$node" && npm install --no-audit --no-fund --silent)
    (cd examples/gauntlet/peers/twilight && CARGO_TARGET_DIR=$peers/twilight cargo build --quiet)
}

# A client that fails a fault is what this is about: only a run that was not made is an error.
run() {
    local shape=$1 name=$2 file=$3 status=0
    shift 3
    "$gauntlet" "$shape" --name "$name" --json "$out/$file.json" "$@" || status=$?
    [ "$status" -le 1 ]
}

play() {
    ci/gauntlet.sh || true
    run websocket "reconnecting-websocket $(version reconnecting-websocket)" websocket-reconnecting-websocket \
        --with subscriptions -- node "$node/reconnecting-websocket.js" '{url}'
    run discord "@discordjs/ws $(version @discordjs/ws)" discord-discordjs -- node "$node/discordjs-ws.js" '{url}'
    run discord "@buape/carbon $(version @buape/carbon)" discord-carbon -- node "$node/carbon.js" '{url}'
    twilight=$(sed -n 's/^twilight-gateway = .*"=\([0-9.]*\)".*/\1/p' examples/gauntlet/peers/twilight/Cargo.toml)
    run discord "twilight-gateway $twilight" discord-twilight --without resume-url \
        -- "$peers/twilight/debug/gauntlet-twilight" '{url}'
    run mqtt "MQTT.js $(version mqtt)" mqtt-mqttjs -- node "$node/mqttjs.js" '{url}'
    run websocket "a loop without a wait" websocket-naive -- "$gauntlet" naive '{url}'
}

document() {
    local files=()
    for run in websocket-redial websocket-reconnecting-websocket websocket-naive discord-redial discord-discordjs \
        discord-carbon discord-twilight mqtt-redial mqtt-mqttjs; do
        files+=("$out/$run.json")
    done
    cat <<EOF
# The gauntlet: who passes what

By \`ci/gauntlet-peers.sh\` on $(date -u +%Y-%m-%d), with Node $(node -p process.versions.node | cut -d. -f1). [The page of the
gauntlet](../examples/gauntlet/README.md) says what is played and what is asked for; each client is the least that its
documentation shows, with its defaults, in \`examples/gauntlet/peers\`. A fault that says nothing about a client is "n/a" and not
counted. To see one again: \`gauntlet SHAPE --only FAULT -- COMMAND\`.

EOF
    "$gauntlet" table --short "${files[@]}"
    echo
    "$gauntlet" table "${files[@]}"
}

case ${1-} in
--table) ;;
"")
    cargo build --quiet -p redial-gauntlet
    install
    play
    ;;
*) echo "usage: ci/gauntlet-peers.sh [--table]" >&2 && exit 2 ;;
esac
document | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >docs/gauntlet.md
