#!/usr/bin/env bash
# Checks that the library builds without a warning with each feature alone, with some together, or with every two of them,
# and that the feature of a runtime brings that runtime alone.
#
#     ci/features.sh          # none, each, and some that have something to do with each other
#     ci/features.sh --all    # each feature and every pair: ten minutes
#     ci/features.sh --trees  # what the runtimes bring, and nothing else
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
mode=${1:-}
case $mode in
'' | --all | --trees) ;;
*) echo "usage: ci/features.sh [--all | --trees]" >&2 && exit 2 ;;
esac

# The crates that the library depends on with this feature: itself, those of the core, and these.
brings() {
    local feature=$1 direct found
    shift
    direct=$(printf '%s\n' rand_core "$@" | sort)
    found=$(cargo tree --package redial --edges normal --no-default-features --features "$feature" --depth 1 --prefix none --format '{p}' |
        sed '1d; s/ .*//' | sort -u)
    if [ "$direct" != "$found" ]; then
        printf 'the feature %s depends on other crates than it should:\n' "$feature" >&2
        diff <(echo "$direct") <(echo "$found") >&2 || true
        return 1
    fi
}

# None of these crates is in what this feature brings, at any depth.
lacks() {
    local feature=$1 all crate
    shift
    all=$(cargo tree --package redial --edges normal,build --no-default-features --features "$feature" --prefix none --format '{p}' | sed 's/ .*//' | sort -u)
    for crate in "$@"; do
        if grep -qx "$crate" <<<"$all"; then
            echo "the feature $feature brings $crate" >&2
            return 1
        fi
    done
    printf '%-12s %3d crates, with the library\n' "$feature" "$(wc -l <<<"$all")"
}

# What a runtime is made of, and what has nothing to do with one.
tokios=(tokio mio)
async_stds=(async-std async-global-executor)
smols=(smol async-process)
both=(async-io async-executor blocking polling)
others=(rustls ring tungstenite tokio-tungstenite http redis tracing metrics log serde)

brings tokio atomic-waker tokio
lacks tokio "${async_stds[@]}" "${smols[@]}" "${both[@]}" "${others[@]}"
brings async-std atomic-waker futures-core async-std
lacks async-std "${tokios[@]}" "${smols[@]}" rustls ring tungstenite http redis
brings smol atomic-waker futures-core smol
lacks smol "${tokios[@]}" "${async_stds[@]}" rustls ring tungstenite http redis
brings blocking atomic-waker
lacks blocking "${tokios[@]}" "${async_stds[@]}" "${smols[@]}" "${both[@]}" "${others[@]}"
[ "$mode" != --trees ] || exit 0

# Not the packages beside it: they have one set of features each.
export RUSTFLAGS="${RUSTFLAGS:-} -D warnings"
export CARGO_TARGET_DIR=$target/features
if [ "$mode" != --all ]; then
    mapfile -t features < <(sed -n '/^\[features\]/,/^\[dependencies\]/s/^\([a-z-]*\) = .*/\1/p' Cargo.toml)
    for some in '' "${features[@]}" alloc,serde defmt,log driver,testing; do
        echo "${some:-none}"
        cargo check -q --package redial --lib --no-default-features --features "$some"
    done
    echo "${#features[@]} features build, each alone"
    # Lints see what a compiler sees; without any feature they are looked at, too.
    cargo clippy -q --package redial --lib --no-default-features
    # What the commands of the README compile.
    cargo check -q --examples --features websocket
    exit
fi
PATH=$target/tools/bin:$PATH
if ! cargo hack --version >/dev/null 2>&1; then
    cargo install -q cargo-hack --locked --root "$target/tools" --target-dir "$target/tools/build"
fi
cargo hack check -q --package redial --feature-powerset --depth 2
# Tests and examples as well with the features that are on by default.
cargo check -q --all-targets
