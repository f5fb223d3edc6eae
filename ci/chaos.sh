#!/usr/bin/env bash
# Real servers, whose connections to redial's drivers are broken in every way: `ci/chaos.sh [FAULTS] [SEED]`, after the tests of the
# harness itself; or with any options of the program faults alone, such as `ci/chaos.sh --seed 7 --only 12`. 200 faults take half a
# minute on two cores, and 5,000 ten minutes; both wait more than they work. Redis, NATS, Mosquitto and nginx are those that are installed,
# or else Debian's, unpacked under the target directory. Links that lose packets need a user who may make network namespaces; without
# one the rest is played.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/provide.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

provide_redis
provide_nats
provide_mosquitto
provide_nginx
provide iproute ip iproute2 libbpf1 libelf1 libmnl0 libbsd0 libmd0

case ${1-} in
-*) options=("$@") ;;
*)
    options=(--faults "${1:-200}" ${2:+--seed "$2"})
    [ -n "${PACKAGES-}" ] || cargo test --quiet -p redial-chaos
    ;;
esac
[ -n "${PACKAGES-}" ] || cargo build --quiet -p redial-chaos
"$CARGO_TARGET_DIR/debug/chaos" "${options[@]}"
