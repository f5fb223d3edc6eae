#!/usr/bin/env bash
# Builds the library, with default features, with the oldest compiler that it promises to work with.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh

version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
target_dir=${CARGO_TARGET_DIR:-$PWD/target}/msrv
# Development dependencies may ask for a younger compiler; they are resolved but not built.
build=(build --lib --target-dir "$target_dir")

if rustup run "$version" rustc --version 2>/dev/null ||
    { rustup toolchain install "$version" --profile minimal --no-self-update >/dev/null 2>&1 &&
        rustup run "$version" rustc --version; }; then
    # Today's Cargo with the old compiler, for the lock file may be of today's format.
    RUSTC=$(rustup which --toolchain "$version" rustc) cargo "${build[@]}"
    exit
fi

# Debian's 1.85.0, which is no other than the promised one; a later package would prove less.
package=$(apt-cache madison rustc-web 2>/dev/null | awk -v v="$version" 'index($3, v ".") == 1 {print $3; exit}' || true)
if [ -z "$package" ]; then
    echo "SKIPPED: neither rustup nor apt has Rust $version here"
    exit
fi
home=$(debian_root msrv)
if [ ! -x "$home/usr/bin/rustc" ]; then
    std=libstd-rust-web-$version
    llvm=$(first_dependency "$std" 'libllvm')
    unpack_debian "$home" "rustc-web=$package" "libstd-rust-web-dev=$package" "$std" "$llvm"
fi
environment=$(print_environment "$home")
eval "$environment"
"$RUSTC" --version
cargo "${build[@]}"
