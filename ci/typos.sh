#!/usr/bin/env bash
# The spelling of everything that is read, with _typos.toml. Out of a wheel where Python is there, which is a matter of seconds; else
# from the crate registry.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/tools.sh

version=1.52.0
home=${CARGO_TARGET_DIR:-$PWD/target}/tools/typos-$version
if ! [ -x "$home/bin/typos" ] &&
    ! python3 -m pip install -q --disable-pip-version-check --no-deps --target "$home" "typos==$version" 2>/dev/null; then
    rm -rf "$home"
    cargo_tool typos-cli "$version"
fi
PATH=$home/bin:$PATH typos --format brief
