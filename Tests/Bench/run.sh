#!/usr/bin/env bash
# Runs every benchmark (Tests/Bench/*/run.sh) one after the other, so that none measures another's load.
#
#   Tests/Bench/run.sh [FOLDER]   FOLDER: where each benchmark writes its figures as JSON
#
# The status is 0 when all ran and every limit was kept.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

docker/install-packages.sh bench || exit
Tests/python-environment.sh || exit
[[ $# -eq 0 ]] || mkdir -p "$1" || exit

failed=()
for benchmark in Tests/Bench/*/run.sh; do
    name=$(basename "$(dirname "$benchmark")")
    options=()
    [[ $# -eq 0 ]] || options=(--json "$1/$name.json")
    echo "==> $name"
    "$benchmark" "${options[@]}" || failed+=("$name")
    echo
done

[[ ${#failed[@]} -eq 0 ]] || { echo "bench: failed, or a limit was missed: ${failed[*]}" >&2; exit 1; }
