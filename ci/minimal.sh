#!/usr/bin/env bash
# Compiles the library, with all features, with the oldest versions of its dependencies that Cargo.toml allows: a bound that is too low
# does not compile. Three minutes on two cores the first time.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
alone=$target/minimal/redial

# The manifest of the package, without what only tests and examples ask for, and outside of this workspace.
cargo package --no-verify --allow-dirty -q 2>/dev/null
rm -rf "$alone"
mkdir -p "$alone"
tar xzf "$target"/package/redial-*.crate --strip-components 1 -C "$alone"
cd "$alone"
rm Cargo.lock
awk '/^\[/ {skip = /^\[dev-dependencies/ || /^\[\[example/} !skip' Cargo.toml >manifest
printf '\n[workspace]\n' >>manifest
mv manifest Cargo.toml
export CARGO_TARGET_DIR=$target/minimal/target
# Choosing the oldest is unstable; compiling is not.
RUSTC_BOOTSTRAP=1 cargo update -q -Z direct-minimal-versions
cargo check --lib --all-features
cargo tree --depth 1 --edges normal --all-features --prefix none --format '{p}' | tail -n +2 | sort -u | tr '\n' ' '
echo
