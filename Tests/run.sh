#!/usr/bin/env bash
# All tests, in stages; each prints its name and its time, and the end lists them all.
#
#   Tests/run.sh        what `make test` runs
#   Tests/run.sh soak   the long end-to-end tests
#
# A stage that fails does not hide the ones after it, except those that need what it makes. The status is 0 when every stage passed.
#
# Many tests here watch real threads, processes and browsers against the clock, and a machine that others use as well stands still at times. Where no more
# than a handful of a stage's tests failed, these run once more, with the machine for themselves. What holds then is called unsteady, with what it said
# the first time, and is to be looked into; what does not fails the stage. UNSTEADY=0: nothing runs twice.
# shellcheck disable=SC2317  # stages are functions that are called by their names
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

# Root's HOME may be missing or read-only in a container; compilers, pip and browsers write there.
[[ -w ${HOME:-/nonexistent} ]] || { HOME=$(mktemp -d) && export HOME; }

# For each parser of what any peer may send; the others get a sixth of it. Coverage hardly grows after twenty seconds.
fuzz_seconds=${FUZZ_SECONDS:-10}
exposed_parsers=(stun dtls rtp rtcp edge-offer whip-fragment peer-transport publisher)
python=.venv/bin/python
summary=()
failed=()
unsteady=()
handful=4
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
    if [[ $status -ne 0 ]] && once_more "$name"; then
        echo "==> $name: passed in $((SECONDS - start)) s, unsteadily"
        report "$name" unsteady $((SECONDS - start))
        unsteady+=("$name")
        status=0
    elif [[ $status -eq 0 ]]; then
        echo "==> $name: passed in $((SECONDS - start)) s"
        report "$name" passed $((SECONDS - start))
    else
        echo "==> $name: FAILED with status $status after $((SECONDS - start)) s" >&2
        report "$name" FAILED $((SECONDS - start))
        failed+=("$name")
    fi
    return $status
}

# Runs those of a stage's tests that failed again; false when there is nothing to run, or they fail again.
once_more() {
    [[ ${UNSTEADY:-1} != 0 && $(type -t "again_$1") == function ]] || return 1
    sleep 1 # `tee` may still be writing the log
    "again_$1" > >(tee "$logs/$1.again") 2>&1
}

# By the names in the log. A run that crashed named no test for its end: nothing is known of the tests behind it.
again_unit() {
    local names
    names=$(sed -nE 's/^✘ Test ([A-Za-z0-9_]+)\(.* failed after .*/\1/p' "$logs/unit" | sort -u)
    [[ -n $names && $(wc -l <<<"$names") -le $handful ]] || return 1
    grep -qaE '^✘ Test run with [0-9]+ tests .* failed after' "$logs/unit" || return 1
    echo "==> unit, once more: ${names//$'\n'/, }"
    swift test -c release --skip-build --filter "[./](${names//$'\n'/|})\(" || return 1
}

# By what pytest remembers of the stage.
pytest_again() {
    local name=$1 count
    count=$($python -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$logs/$name.cache/v/cache/lastfailed" 2>/dev/null)
    [[ ${count:-0} -ge 1 && $count -le $handful ]] || return 1
    echo "==> $name, once more: $count of its tests"
    $python -m pytest "$2" -o cache_dir="$logs/$name.cache" --last-failed --last-failed-no-failures none
}
again_waiting() { pytest_again waiting Tests/EndToEnd; }
again_sturdy() { pytest_again sturdy Tests/EndToEnd; }
again_end-to-end() { pytest_again end-to-end Tests/EndToEnd; }

# What failed, again, where nobody has to look for it: the end of a long log.
what_failed() {
    local name
    for name in "${unsteady[@]}" "${failed[@]}"; do
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
# A build that stands there already finds a module that a target imports and does not name; a clean clone's may not.
everything() { swift build -c release --build-tests --explicit-target-dependency-import-check error; }
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
    $python -m pytest Tests/EndToEnd -o cache_dir="$logs/waiting.cache" -m "patient and not soak" -n 14 --dist worksteal || status=$?
    wait "$build"
    return "$status"
}
# By files, since the tests of one share a bridge.
sturdy_end_to_end() { $python -m pytest Tests/EndToEnd -o cache_dir="$logs/sturdy.cache" -m "sturdy and not patient and not soak" -n 2 --dist loadfile; }
end_to_end() { $python -m pytest Tests/EndToEnd -o cache_dir="$logs/end-to-end.cache" -m "not sturdy and not patient and not soak"; }
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
    echo "All stages passed in $SECONDS s.${unsteady:+ To be looked into: ${unsteady[*]}.}"
else
    echo "Not all stages passed." >&2
    exit 1
fi
