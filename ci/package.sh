#!/usr/bin/env bash
# Compares what the published package contains with ci/release/package.txt: no corpus, no ci, nothing that was left lying about. Sources
# are listed by their kind, everything else by folder. `--accept` takes the changes over; `--try` publishes without uploading, and
# compiles the examples as those find them who download the package.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
listing=ci/release/package.txt

# src/**.rs, docs/migration/*.md, and the names of what lies at the root.
contents() {
    cargo package --list --allow-dirty 2>/dev/null | awk -F / '
        {kind = $NF; sub(/.*\./, "*.", kind)}
        $1 == "src" {print "src/**/" kind; next}
        NF == 1 {print; next}
        {folder = $0; sub(/\/[^\/]*$/, "", folder); print folder "/" kind}
    ' | LC_ALL=C sort -u
}

# Cargo compiles the package as it is on its way. It warns of tests that are not in it, which is what the listing says.
try() {
    local name unpacked
    cargo publish --dry-run --allow-dirty 2>&1 | grep -v '^warning: ignoring test'
    cargo package --no-verify --allow-dirty -q 2>/dev/null
    name=redial-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    unpacked=$target/package/$name
    ls -l "$target/package/$name.crate" | awk '{printf "%d KiB compressed\n", $5 / 1024}'
    rm -rf "$unpacked"
    tar xzf "$unpacked.crate" -C "$target/package"
    (cd "$unpacked" && cargo check -q --examples && cargo check -q --examples --all-features)
    rm -rf "$unpacked"
}

case ${1-} in
--accept) contents >"$listing" ;;
"" | --try)
    if ! contents | diff -U 0 "$listing" -; then
        echo "the package contains something else: see \`include\` in Cargo.toml, then ci/package.sh --accept" >&2
        exit 1
    fi
    [ -z "${1-}" ] || try
    ;;
*) echo "usage: ci/package.sh [--accept | --try]" >&2 && exit 2 ;;
esac
echo "the package contains what $listing says"
