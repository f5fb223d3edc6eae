#!/usr/bin/env bash
# Changes the core in small ways, one at a time, and looks whether a test fails. cargo-mutants lists the changes (with
# `.cargo/mutants.toml`), and one build has all of them, see `ci/mutants/src/main.rs`. Fails where one survives that
# `ci/mutants/equivalent.tsv` does not list with the reason why it changes nothing, or where one of that list is caught or gone.
#
#     ci/mutants.sh                      all of them
#     ci/mutants.sh --again              those that the last run of all left
#     ci/mutants.sh --since COMMIT       those on the lines that were changed since then
#     ci/mutants.sh --file FILE...       those of these files
#     ci/mutants.sh --mutant NUMBER      this one, with what it changes and the tests that reach it
#
# It takes `--longest SECONDS` beside these, to leave out the tests that take longer.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}

version=27.1.0
tools=$target/tools/mutants-$version
if ! [ -x "$tools/bin/cargo-mutants" ]; then
    CARGO_TARGET_DIR=$tools/build cargo install -q --locked --root "$tools" "cargo-mutants@$version" >&2
    rm -rf "$tools/build"
fi
CARGO_TARGET_DIR=$target/tools/mutants cargo build --quiet --manifest-path ci/mutants/Cargo.toml
unset CARGO_TARGET_DIR # Of the copy of the checkout, its own.
PATH=$tools/bin:$PATH exec "$target/tools/mutants/debug/mutants" --work "$target/mutants" "$@"
