#!/usr/bin/env bash
# The library for C (`bindings/c`): its own tests; its header against the sources; that it takes nothing of a heap and can't panic, by
# what it asks the linker for; the golden log with the bytes of `replay`; a C and a C++ program that keep a TCP connection alive while
# their server is killed and restarted, under valgrind; and its CMake package and pkg-config file, as a project finds them.
#
# It fetches valgrind and cmake from apt, unless they are installed. All stays under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
sources=$PWD/bindings/c
flags=(-O2 -g -Wall -Wextra -Werror -pedantic -Wconversion "-I$sources/include")
golden=$PWD/tests/golden

memcheck=()
if debian_program found valgrind valgrind; then
    [ "${found[0]}" = valgrind ] || found=(env VALGRIND_LIB="$(debian_root valgrind)/usr/libexec/valgrind" "$(debian_root valgrind)/usr/bin/valgrind.bin")
    memcheck=("${found[@]}" -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all)
    "${memcheck[@]}" true || memcheck=()
fi
[ ${#memcheck[@]} != 0 ] || echo "SKIPPED: valgrind can't run here; the programs run without it" >&2
debian_program cmake cmake cmake || cmake=()
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/c
built=$CARGO_TARGET_DIR/release
work=$CARGO_TARGET_DIR/work
rm -rf "$work"
mkdir -p "$work"

cd "$sources"
cargo fmt --all --check
cargo clippy -q --all-targets -- -D warnings
cargo test -q -p redial-c --lib
cargo run -q -p redial-c-header -- --check
cargo build -q --release -p redial-c
cd "$work"

# What moves and compares memory, and what every shared library has: no allocation, and no end of the process, which is what a panic is.
needed=$(nm -D --undefined-only "$built/libredial.so" | awk '{sub(/@.*/, "", $2); print $2}' | sort -u)
unexpected=$(grep -vxE 'memcpy|memmove|memset|memcmp|bcmp|strlen|_ITM_.*|__cxa_finalize|__gmon_start__' <<<"$needed" || true)
if [ -n "$unexpected" ]; then
    echo "the library asks for more than it may:" $unexpected >&2
    exit 1
fi
echo "no heap and no panic: the library asks for $(grep -cvE '^_' <<<"$needed") functions that move and compare memory"

for program in tests/golden tests/api examples/lines examples/lines_server; do
    cc -std=c11 "${flags[@]}" "$sources/$program.c" "$built/libredial.a" -o "${program##*/}"
done
c++ -std=c++11 "${flags[@]}" "$sources/examples/lines.cpp" "$built/libredial.a" -o lines_cpp
"${memcheck[@]}" ./api
for log in "$golden"/*.log; do
    "${memcheck[@]}" ./golden <"$log" >decisions
    cmp decisions "${log%.log}.out"
    echo "$(basename "$log"): the bytes of replay, $(wc -l <decisions) lines"
done

# Until a line is there, at most a minute.
until_line() {
    local file=$1 pattern=$2
    for _ in $(seq 600); do
        grep -qE "$pattern" "$file" 2>/dev/null && return
        sleep 0.1
    done
    echo "no line like \"$pattern\" came within a minute:" >&2
    cat "$file" >&2
    return 1
}
serve() {
    ../lines_server "$port" "$@" >server.out 2>&1 &
    server=$!
    until_line server.out listening
}
kill_server() {
    kill -9 "$server"
    wait "$server" 2>/dev/null || true
    server=
}
server=
client=
# A program whose server is killed, is away, comes back with the sessions, is killed again and comes back without them.
keeps_alive() {
    local program=$1 status=0
    mkdir "alive-$program"
    cd "alive-$program"
    trap 'kill -9 $server $client 2>/dev/null || true' EXIT
    # Below those that the kernel gives to outgoing connections, and free.
    while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    serve
    "${memcheck[@]}" "../$program" 127.0.0.1 "$port" >client.out &
    client=$!
    until_line client.out '^MSG 2 '
    kill_server
    until_line client.out '^waiting \(connection_refused\)'
    serve
    until_line client.out '^online \(resumed\)'
    until_line server.out '^< RESUME s1 [2-9]'
    # The messages count on, so that the session is the old one.
    until_line client.out '^MSG 4 '
    kill_server
    until_line client.out '^waiting .*, then a resume.*last cause (no_close_frame|connection_reset)'
    serve --forget
    until_line client.out '^waiting \(session_invalid\)'
    until_line server.out '^< SUB news'
    kill -TERM "$client"
    wait "$client" || status=$?
    client=
    kill_server
    [ "$status" = 0 ] || { echo "$program ended with $status" >&2 && return 1; }
    echo "$program, whose server was killed twice: $(tail -n 1 client.out)"
}
# They wait more than they work, so beside the rest, in a group of their own.
set -m
(keeps_alive lines) &
alive=($!)
(keeps_alive lines_cpp) &
alive+=($!)
set +m
trap 'for group in "${alive[@]}"; do kill -- "-$group" 2>/dev/null || true; done' EXIT
wait_for_alive() {
    local program failed=0
    for program in "${alive[@]}"; do wait "$program" || failed=1; done
    return "$failed"
}

# As a project finds the installed library: by its package of CMake, and by pkg-config.
if [ ${#cmake[@]} = 0 ]; then
    echo "SKIPPED: neither cmake nor apt is here" >&2
    wait_for_alive
    exit
fi
"${cmake[@]}" -S "$sources" -B cmake-library -DCMAKE_INSTALL_PREFIX="$work/installed" -DREDIAL_EXAMPLES=ON \
    -DREDIAL_CARGO_DIR="$CARGO_TARGET_DIR" >cmake.log
"${cmake[@]}" --build cmake-library >>cmake.log 2>&1
"${cmake[@]}" --install cmake-library >>cmake.log
mkdir project
cp "$sources/tests/golden.c" "$sources/examples/lines.cpp" project
cat >project/CMakeLists.txt <<'PROJECT'
cmake_minimum_required(VERSION 3.16)
project(found LANGUAGES C CXX)
find_package(redial 0.1 REQUIRED)
add_executable(golden golden.c)
target_link_libraries(golden PRIVATE redial::redial)
add_executable(golden_shared golden.c)
target_link_libraries(golden_shared PRIVATE redial::shared)
add_executable(lines_cpp lines.cpp)
target_link_libraries(lines_cpp PRIVATE redial::redial)
PROJECT
"${cmake[@]}" -S project -B cmake-project -DCMAKE_PREFIX_PATH="$work/installed" >>cmake.log
"${cmake[@]}" --build cmake-project >>cmake.log
programs=(cmake-project/golden cmake-project/golden_shared)
libraries=$(dirname "$(find installed -name redial.pc)")
if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH=$work/$libraries
    cc -std=c11 "$sources/tests/golden.c" $(pkg-config --cflags --libs redial) -o golden_pkg_config
    programs+=(./golden_pkg_config)
else
    echo "SKIPPED: pkg-config is not here" >&2
fi
for program in "${programs[@]}"; do
    LD_LIBRARY_PATH=$work/$(dirname "$libraries") "$program" <"$golden/link.log" | cmp - "$golden/link.out"
done
echo "installed, found and linked: ${programs[*]}"
wait_for_alive
