#!/usr/bin/env bash
# Prints the environment in which `cargo build -Zbuild-std=core --target …` works where rustup has no such target:
#     eval "$(ci/cross.sh)"
# It takes Debian's rustc-web and the sources of its standard library, and unpacks them under the target directory without
# installing anything. Fails where there is no apt or where Debian has no such package.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh

home=$(debian_root cross)
if [ ! -x "$home/usr/bin/rustc" ]; then
    std=$(first_dependency libstd-rust-web-dev 'libstd-rust-web-[0-9]')
    llvm=$(first_dependency "$std" 'libllvm')
    unpack_debian "$home" rustc-web libstd-rust-web-dev "$std" "$llvm" rust-web-src >&2
fi
print_environment "$home"
# Unstable options such as -Zbuild-std, in a compiler that is not a nightly.
echo "export RUSTC_BOOTSTRAP=1"
