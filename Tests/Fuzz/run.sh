#!/usr/bin/env bash
# Fuzzes every parser with libFuzzer and AddressSanitizer.
#
#   run.sh [SECONDS] [TARGET...]     SECONDS of fuzzing in all, shared equally by the targets (default: 60, all targets); building comes on top
#
# Seeds and inputs that once failed lie in corpus/TARGET; each run begins with them. What a run finds is kept beside the program in .build/fuzz, where the
# next run goes on from it. An input that fails is written to corpus/TARGET, to be fixed and committed as a seed. Exits 1 when a target failed.
set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
output=${FUZZ_OUTPUT:-$folder/../../.build/fuzz}
seconds=${1:-60}
shift || true
targets=("$@")
if ((!${#targets[@]})); then
    mapfile -t targets < <(find "$folder/Targets" -name '*.swift' ! -name Main.swift -printf '%f\n' | sed 's/\.swift$//' | sort)
fi
each=$((seconds / ${#targets[@]}))
((each > 0)) || each=1

# Swift's backtracer takes minutes on an instrumented program; AddressSanitizer prints what is needed.
export SWIFT_BACKTRACE=enable=no
# The process is short and Swift's runtime keeps objects on purpose: leaks are looked for elsewhere.
export ASAN_OPTIONS=detect_leaks=0

"$folder/build.sh" "$output"

failed=0
for target in "${targets[@]}"; do
    mkdir -p "$output/found-$target" "$folder/corpus/$target"
    seeds=("$folder/corpus/$target")
    # Offers of real browsers are the fixtures of the unit tests.
    [[ $target != sdp && $target != edge-offer ]] || seeds+=("$folder/../Core/SDPTests/Fixtures")
    log=$output/$target.log
    if FUZZ_TARGET=$target "$output/fuzz" -max_total_time="$each" -max_len=16384 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$folder/corpus/$target/" "$output/found-$target" "${seeds[@]}" >"$log" 2>&1; then
        result=passed
    else
        failed=1
        result=FAILED
        tail -n 60 "$log"
    fi
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-20s %-7s %3d s %10s inputs\n' "$target" "$result" "$each" "${executed:-no}"
done
exit "$failed"
