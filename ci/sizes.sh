#!/usr/bin/env bash
# What the library costs: code on a Cortex-M3 (thumbv7m, opt-level "s", LTO, one codegen unit, panic = abort) beside two
# peers built the same way, the core as WebAssembly (opt-level "z"), and the CPU time of compiling it. Fails when something
# is above its line in `ci/sizes/limits.tsv`.
#     --tsv      nothing but lines of group, name, value and unit, separated by tabs
#     --accept   makes today's sizes the limits
#
# The programs are those in `ci/sizes/src/bin`; `empty` is subtracted, and of the policies `probe`, their loop. Code is .text, .rodata and .data of the linked program.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}/sizes
export CARGO_TARGET_DIR=$target
mode=${1:-}
case $mode in
'' | --tsv | --accept) ;;
*) echo "usage: ci/sizes.sh [--tsv | --accept]" >&2 && exit 2 ;;
esac

# The CPU seconds of the library alone: its dependencies are there. Without debug information, as in a user's build.
compile=(cargo build -q --release --lib --no-default-features --features chacha --config profile.release.debug=0)
"${compile[@]}"
cargo clean -q --release -p redial
TIMEFORMAT='%U %S'
cpu=$({ time "${compile[@]}" 2>&2; } 2>&1 | awk '{printf "%.2f", $1 + $2}')
# The same of a debug build by whoever brings a generator: rand_core is all that it stands on.
debug_compile=(cargo build -q --lib --no-default-features)
"${debug_compile[@]}"
cargo clean -q -p redial
debug_cpu=$({ time "${debug_compile[@]}" 2>&2; } 2>&1 | awk '{printf "%.2f", $1 + $2}')
# The same of a file that never changes, so that neither the machine nor what else runs there decides.
fixed=$target/fixed.rs
for ((i = 1; i <= 4000; i++)); do
    printf 'pub fn f%d(a: u64, b: &mut [u64]) -> Option<u64> { let mut s = a; for x in b.iter_mut() ' "$i"
    printf '{ *x = x.wrapping_mul(%d).rotate_left(%d); s = s.checked_add(*x)?; } Some(s) }\n' $((i * 7 + 1)) $((i % 63))
done >"$fixed"
fixed_compile=("${RUSTC:-rustc}" --edition 2024 --crate-type lib -O "$fixed" -o "$target/fixed.rlib")
fixed_cpu=$({ time "${fixed_compile[@]}" 2>&2; } 2>&1 | awk '{printf "%.2f", $1 + $2}')

board=thumbv7m-none-eabi
web=wasm32-unknown-unknown
std=()
if ! { rustup target add "$board" && rustup target add "$web"; } >/dev/null 2>&1; then
    if ! environment=$(ci/cross.sh); then
        echo "SKIPPED: neither rustup nor apt has a compiler for $board here" >&2
        exit
    fi
    # Debian's compiler has no linker for these, rustup's for this machine has.
    linker=$(rustc --print target-libdir)/../bin/rust-lld
    export CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER=$linker CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
    eval "$environment"
    std=(-Zbuild-std=core)
fi
compiler=$("${RUSTC:-rustc}" --version | cut -d ' ' -f 1,2)
probes=(cargo build -q --release --manifest-path ci/sizes/Cargo.toml "${std[@]}")
"${probes[@]}" --bins --target "$board"
"${probes[@]}" --bin policy --bin policy_any --bin core --target "$web" --config profile.release.strip=true \
    --config 'profile.release.opt-level="z"'

code() {
    size -A "$target/$board/release/$1" |
        awk '$1 == ".text" || $1 == ".rodata" || $1 == ".data" {sum += $2} END {print sum}'
}
# What is not the library's: of a policy's probe, the loop that it takes its events from.
base() {
    case $1 in
    policy*) echo "$loop" ;;
    *) echo "$empty" ;;
    esac
}
measured=$target/measured.tsv
{
    empty=$(code empty)
    loop=$(code probe)
    for probe in backoff backoff_any breaker breaker_any policy policy_no_beat policy_least policy_discord policy_any core backon_backoff reliakit_backoff reliakit_circuit; do
        printf 'thumbv7m\t%s\t%d\tbytes\n' "$probe" $(($(code "$probe") - $(base "$probe")))
    done
    # Functions of a probe that can only be there because something may panic.
    for probe in backoff backoff_any backoff_config breaker breaker_any policy policy_no_beat policy_least policy_discord policy_any core backon_backoff reliakit_backoff reliakit_circuit; do
        printf 'panics\t%s\t%d\tfunctions\n' "$probe" "$(nm -C "$target/$board/release/$probe" | grep -c ' core::.*panic' || true)"
    done
    for probe in policy policy_any core; do
        printf 'wasm-gzip\t%s\t%d\tbytes\n' "$probe" "$(gzip -9n <"$target/$web/release/$probe.wasm" | wc -c)"
    done
    printf 'compile\tredial\t%s\tCPU s\n' "$cpu"
    printf 'compile\tredial, debug, without default features\t%s\tCPU s\n' "$debug_cpu"
    awk -v cpu="$cpu" -v fixed_cpu="$fixed_cpu" 'BEGIN {printf "compile\tredial, to a fixed file\t%.2f\ttimes\n", cpu / fixed_cpu}'
} >"$measured"

# A limit of code is 5 % above what its compiler made; another compiler is allowed a fifth more. The CPU time has a goal and
# no limit, since it differs by machine; its ratio to the time of a file that never changes has one.
limits=ci/sizes/limits.tsv
if [ "$mode" = --accept ]; then
    awk -F '\t' -v OFS='\t' -v compiler="$compiler" '
        FNR == NR {value[$1 FS $2] = $3; next}
        FNR == 1 {print "# " compiler; next}
        /^#/ || $1 == "compile" {print; next}
        {$3 = value[$1 FS $2]; if ($1 != "panics") $3 = int($3 * 1.05 + 0.999); print}
    ' "$measured" "$limits" >"$limits.new"
    mv "$limits.new" "$limits"
fi
made_with=$(sed -n '1s/^# //p' "$limits")
[ "$compiler" = "$made_with" ] && slack=1 || slack=1.2
if [ "$mode" = --tsv ]; then
    cat "$measured"
else
    echo "$compiler; the limits are those of $made_with"
fi
awk -F '\t' -v slack="$slack" -v tsv="$mode" '
    /^#/ {next}
    FNR == NR {
        limit[$1 FS $2] = $1 == "panics" || $1 == "compile" ? $3 : int($3 * slack)
        goal[$1 FS $2] = $4
        next
    }
    {
        key = $1 FS $2
        known = key in limit
        seen[key] = 1
        over = known && limit[key] != "-" && $3 + 0 > limit[key] + 0
        failed = failed || over
        if (over) print $1 " " $2 ": " $3 " is above the limit of " limit[key] >"/dev/stderr"
        if (tsv == "--tsv") next
        verdict = !known || goal[key] == "-" ? "" : "goal " goal[key] ($3 > goal[key] ? ": not met" : ": met")
        printf "%-10s %-38s %8s %-10s %11s   %s\n", $1, $2, $3, $4, known ? "limit " limit[key] : "", verdict
    }
    END {
        for (key in limit) if (!(key in seen)) {print "no such measurement: " key >"/dev/stderr"; failed = 1}
        exit failed
    }
' "$limits" "$measured"
