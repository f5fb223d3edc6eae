# Sourced: programs of the crate registry, each compiled once, under the target directory.

# Puts `cargo-NAME` in version $2 on PATH. It compiles for one to six minutes on two cores.
cargo_tool() {
    local home=${CARGO_TARGET_DIR:-$PWD/target}/tools/$1-$2
    if ! [ -d "$home/bin" ]; then
        CARGO_TARGET_DIR=$home/build cargo install -q --locked --root "$home" "$1@$2" >&2
        rm -rf "$home/build"
    fi
    PATH=$home/bin:$PATH
}
