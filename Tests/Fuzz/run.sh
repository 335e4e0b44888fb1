#!/usr/bin/env bash
# Fuzzes every parser with libFuzzer and AddressSanitizer.
#
#   run.sh [SECONDS] [TARGET...]     SECONDS for each target (default: 60, all targets), as many at a time as there are processors; building comes on top
#   run.sh SECONDS -TARGET...        the same for all targets but these
#   run.sh build                     builds them only
#
# Seeds and inputs that once failed lie in corpus/TARGET; each run begins with them. What a run finds is kept beside the program in .build/fuzz, where the
# next run goes on from it. An input that fails is written to corpus/TARGET, to be fixed and committed as a seed. Exits 1 when a target failed.
set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
output=${FUZZ_OUTPUT:-$folder/../../.build/fuzz}
seconds=${1:-60}
shift || true
mapfile -t all < <(find "$folder/Targets" -name '*.swift' ! -name Main.swift -printf '%f\n' | sed 's/\.swift$//' | sort)
targets=()
if [[ ${1:-} == -* ]]; then
    for target in "${all[@]}"; do [[ " $* " == *" -$target "* ]] || targets+=("$target"); done
else
    targets=("$@")
    ((${#targets[@]})) || targets=("${all[@]}")
fi

# Swift's backtracer takes minutes on an instrumented program; AddressSanitizer prints what is needed.
export SWIFT_BACKTRACE=enable=no
# The process is short and Swift's runtime keeps objects on purpose: leaks are looked for elsewhere.
export ASAN_OPTIONS=detect_leaks=0

root=$folder/../..
[[ -d $root/.build/checkouts/Yams && -d $root/.build/checkouts/swift-http-types ]] || swift package --package-path "$root" resolve
mkdir -p "$output"
make -s -f "$folder/build.mk" -j"$(nproc)" OUTPUT="$(cd "$output" && pwd)"
[[ $seconds != build ]] || exit 0

# one TARGET: its line of the report, and what went wrong above it.
one() {
    local target=$1 seeds log status=0 result=passed
    mkdir -p "$output/found-$target" "$folder/corpus/$target"
    seeds=("$folder/corpus/$target")
    # Offers of real browsers are the fixtures of the unit tests.
    [[ $target != sdp && $target != edge-offer ]] || seeds+=("$folder/../Core/SDPTests/Fixtures")
    log=$output/$target.log
    FUZZ_TARGET=$target "$output/fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$folder/corpus/$target/" "$output/found-$target" "${seeds[@]}" >"$log" 2>&1 || status=$?
    if ((status)); then
        result=FAILED
        tail -n 60 "$log"
    fi
    printf '%-20s %-7s %3d s %10s inputs\n' "$target" "$result" "$seconds" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    return "$status"
}

# What failed is noted in a file each: `wait -n` says nothing of a process that ended together with another.
failures=$(mktemp -d)
trap 'rm -rf "$failures"' EXIT
for target in "${targets[@]}"; do
    while (($(jobs -rp | wc -l) >= $(nproc))); do wait -n || true; done
    { one "$target" || touch "$failures/$target"; } &
done
wait
[[ -z $(ls -A "$failures") ]]
