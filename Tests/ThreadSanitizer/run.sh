#!/usr/bin/env bash
# Runs what has threads of its own under ThreadSanitizer: the unit tests of the media workers and of their bindings, then the bridge with real peers and
# the viewers of one stream on two workers. Each race is printed once, and the status is 1.
#
#   run.sh [unit] [end-to-end]     these stages; without any: both
#
# The build lies in .build-tsan; the first one takes a quarter of an hour on two cores. The bridge's children are those of the release: GStreamer is not
# instrumented.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=Tests/ThreadSanitizer
output=$PWD/.build-tsan
found=$output/found
suites='^(MediaPlaneTests|LinuxIOTests|WebServerKitTests)\.'
# ThreadSanitizer has an allocator of its own, which gives nothing back.
without=HeapTrimmerTests
modules=(Tests/EndToEnd/test_edge.py Tests/EndToEnd/test_spread.py)
stages=("$@")
((${#stages[@]})) || stages=(unit end-to-end)

# The verifier of Swift 6.3 refuses what its instrumentation makes of a pointer inside a noncopyable struct (swiftlang/swift issue 86265): a conversion that
# changes nothing in the machine code.
options=(--scratch-path "$output" --sanitize=thread -Xswiftc -Xfrontend -Xswiftc -disable-llvm-verify)

# Swift's backtracer takes minutes on an instrumented program; ThreadSanitizer prints what is needed.
export SWIFT_BACKTRACE=enable=no
# A race fails the run by its report: programs and their tests go on.
export TSAN_OPTIONS="suppressions=$PWD/$here/suppressions.txt log_path=$found/race exitcode=0 history_size=4"

build() {
    docker/install-packages.sh test
    Tests/python-environment.sh
    swift build -c release --product viaduct-pipeline
    swift build --build-tests "${options[@]}"
    clang -std=c11 -Wall -Wextra -Werror -O1 -fPIC -shared -o "$output/mutex.so" "$here/mutex.c"
    write_program
}

# The program as the end-to-end tests start it: with a preload that browsers are not to have, and with children that are not instrumented.
write_program() {
    cat >"$output/viaduct" <<END
#!/usr/bin/env bash
[[ \$1 != serve ]] || set -- "\$@" --set "pipelines.executable=$PWD/.build/release/viaduct-pipeline"
LD_PRELOAD=$output/mutex.so exec -a viaduct "$output/debug/viaduct" "\$@"
END
    chmod +x "$output/viaduct"
}

unit() {
    LD_PRELOAD=$output/mutex.so SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2 \
        swift test --skip-build "${options[@]}" --filter "$suites" --skip "$without"
}

end_to_end() { VIADUCT_BINARY=$output/viaduct .venv/bin/python -m pytest "${modules[@]}"; }

rm -rf "$found"
mkdir -p "$output" "$found"
build
status=0
for stage in "${stages[@]}"; do
    case $stage in
        unit) unit || status=1 ;;
        end-to-end) end_to_end || status=1 ;;
        *)
            echo "$0: say unit or end-to-end, not '$stage'" >&2
            exit 2
            ;;
    esac
done
if [[ -n $(ls -A "$found") ]]; then
    cat "$found"/*
    status=1
fi
exit $status
