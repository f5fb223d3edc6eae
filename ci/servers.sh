#!/usr/bin/env bash
# The tests of what stands beside other crates. Some need a real Redis, MQTT broker, PostgreSQL or NATS: those that are installed, or
# else Debian's, unpacked under the target directory. A test whose server is not to be had says that it was skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/provide.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

provide_redis
provide_mosquitto
provide_nats
provide_postgres
# shellcheck disable=SC2086
cargo test ${PACKAGES:--p redial-beside}
