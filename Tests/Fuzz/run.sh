#!/usr/bin/env bash
# Fuzzes the parsers of Core with libFuzzer and AddressSanitizer.
#
#   run.sh [seconds] [target...]     default: 60 seconds each, all targets
#
# Seeds and inputs that once failed lie in corpus/<target>; each run begins with them. New inputs are kept in a scratch folder; one that fails is
# written to corpus/<target>, to be fixed and committed as a seed. Exits 1 when a target failed.
set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
sources=$folder/../../Sources/Core
seconds=${1:-60}
shift || true
targets=("$@")
((${#targets[@]})) || targets=(rtp rtcp media-datagram payload-descriptors sdp rtm)

scratch=${FUZZ_SCRATCH:-$(mktemp -d)}
[[ -n ${FUZZ_SCRATCH:-} ]] || trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"
# Swift's backtracer takes minutes on an instrumented program; AddressSanitizer prints what is needed.
export SWIFT_BACKTRACE=enable=no
# The process is short and Swift's runtime keeps objects on purpose: leaks are looked for elsewhere.
export ASAN_OPTIONS=detect_leaks=0

flags=(-parse-as-library -O -g -swift-version 6 -package-name viaduct -sanitize=fuzzer,address -I "$scratch"
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility)

# Modules in the order of their imports.
for module in BridgeModel RTP SDP Bridge Signaling; do
    mapfile -t files < <(find "$sources/$module" -name '*.swift' | sort)
    swiftc "${flags[@]}" -wmo -module-name "$module" -emit-module -emit-module-path "$scratch/$module.swiftmodule" \
        -emit-object -o "$scratch/$module.o" "${files[@]}"
done

failed=0
for target in "${targets[@]}"; do
    swiftc "${flags[@]}" -use-ld=lld -module-name FuzzTarget -o "$scratch/$target" "$folder/Targets/$target.swift" "$scratch"/*.o
    mkdir -p "$scratch/new-$target" "$folder/corpus/$target"
    seeds=("$folder/corpus/$target")
    # Offers of real browsers are the fixtures of the unit tests.
    [[ $target != sdp ]] || seeds+=("$folder/../Core/SDPTests/Fixtures")
    echo "== $target: $seconds s"
    if ! "$scratch/$target" -max_total_time="$seconds" -max_len=16384 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$folder/corpus/$target/" "$scratch/new-$target" "${seeds[@]}" >"$scratch/$target.log" 2>&1; then
        failed=1
        tail -n 60 "$scratch/$target.log"
    fi
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$scratch/$target.log" || true
done
exit "$failed"
