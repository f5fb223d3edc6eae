#!/usr/bin/env bash
# The tests of what stands beside other crates, one of which needs a real Redis, with one from apt unless it is installed. It stays under the target directory.
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
cargo test -p redial-beside
