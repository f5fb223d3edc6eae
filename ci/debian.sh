# Sourced: a Rust compiler out of Debian's packages, unpacked and not installed, so that the one on PATH stays what it is.

# Where the one called $1 is kept.
debian_root() {
    echo "${CARGO_TARGET_DIR:-$PWD/target}/debian/$1"
}

# The first package that $1 depends on and whose name matches $2.
first_dependency() {
    apt-cache depends "$1" | awk -v name="$2" '$1 == "Depends:" && $2 ~ "^" name {print $2; exit}'
}

# Unpacks the packages $2… under $1, all or nothing. Of two scripts that want the same at once, the second finds what the first unpacked.
unpack_debian() (
    home=$1 part="$1.part"
    shift
    mkdir -p "${home%/*}"
    exec 9>"$home.lock"
    flock 9
    [ ! -d "$home" ] || exit 0
    rm -rf "$part"
    mkdir -p "$part/debs"
    # Said in full, since it may be called where a failure ends nothing by itself.
    (cd "$part/debs" && apt-get download -q "$@") || exit
    for deb in "$part"/debs/*.deb; do dpkg -x "$deb" "$part" || exit; done
    rm -rf "$part/debs"
    mv "$part" "$home"
)

# Sets the array $1 to the command that runs the program $2: the one on PATH, or that of Debian's package $3, which is unpacked with all
# that it depends on and that is not installed. False where there is neither.
debian_program() {
    local -n command_of=$1
    local program=$2 package=$3 home libraries
    command_of=("$program")
    command -v "$program" >/dev/null && return
    command -v apt-get >/dev/null || return 1
    home=$(debian_root "$package")
    if [ ! -d "$home" ]; then
        local packages
        mapfile -t packages < <(apt-get install -s --no-install-recommends "$package" | awk '$1 == "Inst" {print $2}')
        [ ${#packages[@]} != 0 ] && unpack_debian "$home" "${packages[@]}" >&2 || return 1
    fi
    libraries=$(find "$home/usr/lib" "$home/lib" -name '*.so.*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd :)
    command_of=(env LD_LIBRARY_PATH="$libraries" "$home/usr/bin/$program")
}

# The environment in which cargo uses the compiler under $1.
print_environment() {
    local libraries
    libraries=$(dirname "$(find "$1/usr/lib" -name 'libLLVM*.so*' | head -n 1)")
    printf 'export RUSTC=%q\n' "$1/usr/bin/rustc"
    printf 'export LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "$libraries:$1/usr/lib"
}
