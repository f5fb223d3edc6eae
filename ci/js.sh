#!/usr/bin/env bash
# The JavaScript package in `bindings/js`: builds it under the target directory, holds it to 25,600 bytes by gzip for what a page
# loads, and tests it in Node and in a real Chromium.
#     --peers    runs the suites of reconnecting-websocket and partysocket against the drop-ins as well (two minutes)
#     --build    builds it, and no more: the package is then in target/js/package
# It needs node and npm. What else it takes (esbuild, binaryen and typescript from npm, a compiler for WebAssembly and xz where
# they are not installed, Chromium) stays under the target directory; what is not to be had is skipped with a word.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/provide.sh
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target_dir
mode=${1:-}
case $mode in
'' | --peers | --build) ;;
*) echo "usage: ci/js.sh [--peers | --build]" >&2 && exit 2 ;;
esac
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "SKIPPED: node and npm are not here" >&2
    exit
fi

step() {
    local name=$1 begun=$SECONDS
    shift
    "$@"
    printf '%s: %d s\n' "$name" $((SECONDS - begun))
}

tools() {
    local folder=$target_dir/npm/js packages=(binaryen@132.0.0 esbuild@0.28.2 typescript@5.9.3)
    if [ "$(cat "$folder/packages" 2>/dev/null)" != "${packages[*]}" ]; then
        npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "${packages[@]}"
        echo "${packages[*]}" >"$folder/packages"
    fi
    export NODE_PATH=$folder/node_modules
    provide xz xz xz-utils >/dev/null
}

# The module of the core, and one with subscriptions for the logs that every host plays. In a shell of its own, since another
# compiler may be needed; which it was is in the file `compiler`, since the size is held to what that of a release makes. Fails with 3
# where there is none.
modules() (
    local web=wasm32-unknown-unknown std=() linker compiler=rustup
    local features=+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext
    if ! rustup target add "$web" >/dev/null 2>&1; then
        if ! environment=$(ci/cross.sh); then
            echo "SKIPPED: neither rustup nor apt has a compiler for $web here" >&2
            exit 3
        fi
        # Debian's compiler has no linker for it, rustup's for this machine has.
        linker=$(rustc --print target-libdir)/../bin/rust-lld
        eval "$environment"
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
        std=(-Zbuild-std=core)
        compiler=debian
    fi
    for features_of_crate in subscriptions ''; do
        CARGO_TARGET_DIR=$target_dir/js CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-Ctarget-feature=$features" \
            cargo build -q --release --manifest-path bindings/js/wasm/Cargo.toml "${std[@]}" --target "$web" \
            --features "$features_of_crate"
        cp "$target_dir/js/$web/release/redial_js.wasm" "$target_dir/js/${features_of_crate:-plain}.wasm"
    done
    echo "$compiler" >"$target_dir/js/compiler"
)

in_node() {
    REDIAL_JS=$target_dir/js node --test bindings/js/tests/{drop-ins,golden,interpreter,package,socket}.test.mjs >"$target_dir/js/node.tap" ||
        { cat "$target_dir/js/node.tap" && return 1; }
    grep -E '^# (pass|fail) ' "$target_dir/js/node.tap" | paste -sd ' '
}

in_chromium() {
    local environment
    if ! environment=$(ci/chromium.sh); then
        echo "SKIPPED: Chromium is not to be had here" >&2
        return
    fi
    eval "$environment"
    REDIAL_JS=$target_dir/js node --test bindings/js/tests/chromium.test.mjs >"$target_dir/js/chromium.tap" ||
        { cat "$target_dir/js/chromium.tap" && return 1; }
    grep -E '^# (pass|fail) |^ *# the first socket' "$target_dir/js/chromium.tap" | paste -sd ' '
}

step "tools of the package" tools
step "the core as WebAssembly" modules || { [ $? = 3 ] && exit; }
step "the package" node bindings/js/build.mjs "$target_dir/js/plain.wasm" "$target_dir/js"
[ "$mode" != --build ] || exit 0
step "words and presets against the core" env CARGO_TARGET_DIR="$target_dir/js" \
    cargo test -q --manifest-path bindings/js/wasm/Cargo.toml --lib
step "in Node" in_node
step "in Chromium" in_chromium
[ "$mode" != --peers ] || step "the suites of the peers" node bindings/js/peers.mjs "$target_dir/js/package" "$target_dir/js/peers"
