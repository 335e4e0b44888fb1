#!/usr/bin/env bash
# Runs every benchmark (Tests/Bench/*/run.sh) one after the other, so that none measures another's load. The status is 0 when all ran.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

failed=()
ran=0
for benchmark in Tests/Bench/*/run.sh; do
    [[ -x $benchmark ]] || continue
    name=$(basename "$(dirname "$benchmark")")
    echo "==> $name"
    "$benchmark" || failed+=("$name")
    ran=$((ran + 1))
done

[[ $ran -gt 0 ]] || { echo "bench: there is no benchmark under Tests/Bench" >&2; exit 1; }
[[ ${#failed[@]} -eq 0 ]] || { echo "bench: failed: ${failed[*]}" >&2; exit 1; }
