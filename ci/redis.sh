#!/usr/bin/env bash
# The tests of what stands beside other crates, some of which need a real Redis or a real MQTT broker, with those from apt unless
# they are installed. They stay under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

if ! command -v redis-server >/dev/null; then
    home=$(debian_root redis)
    if ! command -v apt-get >/dev/null; then
        echo "SKIPPED: neither redis-server nor apt is here" >&2
        exit
    fi
    [ -d "$home" ] || unpack_debian "$home" redis-server redis-tools liblzf1 libjemalloc2 libatomic1 >&2
    libraries=$(dirname "$(find "$home/usr/lib" -name 'liblzf.so*' | head -n 1)")
    export PATH=$home/usr/bin:$PATH LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
redis-server --version
# Debian has it in a folder for root, and without it a test says that it was skipped.
export PATH=$PATH:/usr/sbin
if ! command -v mosquitto >/dev/null && command -v apt-get >/dev/null; then
    home=$(debian_root mosquitto)
    [ -d "$home" ] || unpack_debian "$home" mosquitto libmosquitto1 libcjson1 libdlt2 libev4 libwebsockets17 libwrap0 >&2
    libraries=$(dirname "$(find "$home/usr/lib" -name 'libmosquitto.so*' | head -n 1)")
    export PATH=$PATH:$home/usr/sbin LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
command -v mosquitto || echo "SKIPPED: neither mosquitto nor apt is here" >&2
cargo test -p redial-beside
