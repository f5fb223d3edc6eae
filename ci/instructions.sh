#!/usr/bin/env bash
# Counts the instructions of every operation in `benches/operations` under callgrind, and fails when one of this crate's costs
# over 2 % more (10 % with another compiler) than in `benches/instructions.txt`.
#     BLESS=1    writes today's counts there instead
#     --json     prints the tool's lines and compares nothing
#
# It fetches what it needs: valgrind from apt, unless it is installed, and the runner that belongs to the library. Both
# stay under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
mode=${1:-}
case $mode in
'' | --json) ;;
*) echo "usage: ci/instructions.sh [--json]" >&2 && exit 2 ;;
esac

if ! command -v valgrind >/dev/null; then
    home=$(debian_root valgrind)
    if ! command -v apt-get >/dev/null; then
        echo "SKIPPED: neither valgrind nor apt is here" >&2
        exit
    fi
    [ -d "$home" ] || unpack_debian "$home" valgrind >&2
    export GUNGRAUN_VALGRIND_BIN=$home/usr/bin/valgrind.bin VALGRIND_LIB=$home/usr/libexec/valgrind
fi

version=$(sed -n 's/^gungraun = "=\(.*\)"$/\1/p' benches/instructions/Cargo.toml)
runner=$CARGO_TARGET_DIR/gungraun-runner-$version
[ -x "$runner/bin/gungraun-runner" ] ||
    cargo install -q --locked --debug --root "$runner" --target-dir "$runner/build" "gungraun-runner@$version" >&2
export GUNGRAUN_RUNNER=$runner/bin/gungraun-runner

# Nothing is kept from one run to the next: the table is what is compared with.
counts=$CARGO_TARGET_DIR/instructions.json
rm -rf "$CARGO_TARGET_DIR/gungraun"
cargo bench -q -p redial-instructions --bench instructions -- --output-format=json >"$counts"
if [ "$mode" = --json ]; then
    cat "$counts"
else
    [ -n "${PACKAGES-}" ] || cargo build -q -p redial-benches
    "$CARGO_TARGET_DIR/debug/report" gate "$counts"
fi
