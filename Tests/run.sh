#!/usr/bin/env bash
# All tests, in stages; each prints its name and its time, and the end lists them all.
#
#   Tests/run.sh        what `make test` runs
#   Tests/run.sh soak   the long end-to-end tests
#
# A stage that fails does not hide the ones after it, except those that need what it makes. The status is 0 when every stage passed.
# shellcheck disable=SC2317  # stages are functions that are called by their names
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# Root's HOME may be missing or read-only in a container; compilers, pip and browsers write there.
[[ -w ${HOME:-/nonexistent} ]] || { HOME=$(mktemp -d) && export HOME; }

# For each parser of what any peer may send; the others get a sixth of it. Coverage hardly grows after twenty seconds.
fuzz_seconds=${FUZZ_SECONDS:-30}
exposed_parsers=(stun dtls rtp rtcp edge-offer whip-fragment peer-transport publisher)
python=.venv/bin/python
summary=()
failed=()
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
missing="" # the first stage that failed and that others need

report() {
    summary+=("$(printf '  %-12s %-8s %5s s' "$1" "$2" "$3")")
}

# stage NAME COMMAND...: others do not depend on it. foundation NAME COMMAND...: they do.
stage() {
    local name=$1 start=$SECONDS status
    shift
    if [[ -n $missing ]]; then
        echo "==> $name: not run, because '$missing' failed"
        report "$name" "not run" 0
        return
    fi
    echo "==> $name"
    # No pipe: a process that a test forgot would hold it open, and the stage would never end.
    "$@" > >(tee "$logs/$name") 2>&1
    status=$?
    if [[ $status -eq 0 ]]; then
        echo "==> $name: passed in $((SECONDS - start)) s"
        report "$name" passed $((SECONDS - start))
    else
        echo "==> $name: FAILED with status $status after $((SECONDS - start)) s" >&2
        report "$name" FAILED $((SECONDS - start))
        failed+=("$name")
    fi
    return $status
}

# What failed, again, where nobody has to look for it: the end of a long log.
what_failed() {
    local name
    for name in "${failed[@]}"; do
        echo
        echo "==> $name, what failed:"
        grep -aE '^(✘|FAILED|ERROR|E  )|: error: |Fatal error|^[a-z0-9-]+ +FAILED' "$logs/$name" | tail -n 40 || tail -n 20 "$logs/$name"
    done
}

foundation() {
    stage "$@" || missing=${missing:-$1}
}

packages() { docker/install-packages.sh test; }
toolchain() { make --no-print-directory toolchain; }
environment() { Tests/python-environment.sh; }
lint() { make --no-print-directory lint; }
everything() { swift build -c release --build-tests; }
programs() { make --no-print-directory release; }
# Several tests have time limits on what real threads and processes do. All of them at once would only measure how many there are.
unit() { SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4 swift test -c release --skip-build; }
conformance() { $python -m pytest Tests/Conformance; }
# A worker for each of them: one that got two would wait for one after the other. The processors have little to do meanwhile, so they build what the
# last stage runs; it is for that stage to say what does not compile.
patient_end_to_end() {
    local status=0
    nice -n 19 Tests/Fuzz/run.sh build >"$logs/fuzz-build" 2>&1 &
    local build=$!
    $python -m pytest Tests/EndToEnd -m "patient and not soak" -n 14 --dist worksteal || status=$?
    wait "$build"
    return "$status"
}
# By files, since the tests of one share a bridge.
sturdy_end_to_end() { $python -m pytest Tests/EndToEnd -m "sturdy and not patient and not soak" -n 2 --dist loadfile; }
end_to_end() { $python -m pytest Tests/EndToEnd -m "not sturdy and not patient and not soak"; }
long_end_to_end() { $python -m pytest Tests/EndToEnd -m soak; }
fuzz() {
    local status=0
    Tests/Fuzz/run.sh "$fuzz_seconds" "${exposed_parsers[@]}" || status=$?
    Tests/Fuzz/run.sh "$(((fuzz_seconds + 5) / 6))" "${exposed_parsers[@]/#/-}" || status=$?
    return "$status"
}

prepare() {
    foundation packages packages
    foundation toolchain toolchain
    foundation environment environment
}

case "${1:-all}" in
    all)
        prepare
        stage lint lint
        foundation build everything
        stage unit unit
        stage conformance conformance
        stage waiting patient_end_to_end
        stage sturdy sturdy_end_to_end
        stage end-to-end end_to_end
        stage fuzz fuzz
        ;;
    soak)
        prepare
        foundation build programs
        stage soak long_end_to_end
        ;;
    *)
        echo "$0: say nothing or soak, not '$1'" >&2
        exit 2
        ;;
esac

[[ ${#failed[@]} -eq 0 ]] || sleep 1 # `tee` may still be writing the last stage's log
what_failed
echo
printf '%s\n' "${summary[@]}"
if [[ ${#failed[@]} -eq 0 ]]; then
    echo "All stages passed in $SECONDS s."
else
    echo "Not all stages passed." >&2
    exit 1
fi
