#!/usr/bin/env bash
# Installs the Debian 12 packages that Viaduct needs, and only those that are missing: a second run changes nothing.
#
#   docker/install-packages.sh runtime   to run the programs
#   docker/install-packages.sh build     to build them, too
#   docker/install-packages.sh test      to run every test, too (browsers, coturn, ffmpeg, Janus, Pion)
#   docker/install-packages.sh bench     to run the benchmarks, too
#
# Used by the Makefile, by Tests/run.sh and Tests/Bench/run.sh, by the Dockerfile, and by docker/prove-install.sh.
set -euo pipefail

runtime_packages=(
    ca-certificates tzdata
    curl # the container's health check
    fonts-dejavu-core # the clock that `viaduct demo` burns into its picture
    glib-networking # TLS of streams that are pushed by rtmps
    gstreamer1.0-alsa # the microphone and the speaker of `viaduct camera`
    gstreamer1.0-libav gstreamer1.0-nice gstreamer1.0-plugins-bad gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-ugly gstreamer1.0-x
    libnice10 libsqlite3-0 libssl3 libstdc++6 libwebsockets17
)
build_packages=(
    binutils git libc6-dev libstdc++-12-dev make pkg-config zlib1g-dev
    libgstreamer1.0-dev libgstreamer-plugins-bad1.0-dev libgstreamer-plugins-base1.0-dev libnice-dev libsqlite3-dev libssl-dev
    libwebsockets-dev
    libcurl4 libncurses6 libuuid1 libxml2 # the Swift toolchain's own
)
test_packages=(
    apache2-bin # the WebDAV server
    chromium coturn ffmpeg firefox-esr libsrtp2-dev openssl procps python3 python3-venv
    iproute2 # the tests' networks are namespaces
    janus libjs-janus-gateway libjs-webrtc-adapter # the conference server, and its client for pages
    libasound2-plugins pulseaudio pulseaudio-utils # the sound system of cameras
    gir1.2-gst-plugins-bad-1.0 golang-github-pion-webrtc.v3-dev golang-go python3-gi # the peers of the interop matrix
)
bench_packages=(
    golang-github-pion-webrtc.v3-dev golang-go janus # rooms beside a VideoRoom
    gstreamer1.0-tools # gst-launch-1.0, which records beside the bridge
    util-linux wrk
)
# Below these, a hostile stream can crash or take over a pipeline (CVE-2026-14935, CVE-2026-59692): the bridge refuses to start.
declare -A oldest_version=(
    [gstreamer1.0-plugins-bad]=1.22.0-4+deb12u8
    [gstreamer1.0-plugins-good]=1.22.0-5+deb12u4
)

fail() {
    echo "install: $*" >&2
    exit 1
}

packages_for() {
    case "$1" in
        runtime) printf '%s\n' "${runtime_packages[@]}" ;;
        build) printf '%s\n' "${runtime_packages[@]}" "${build_packages[@]}" ;;
        test) printf '%s\n' "${runtime_packages[@]}" "${build_packages[@]}" "${test_packages[@]}" ;;
        bench) printf '%s\n' "${runtime_packages[@]}" "${build_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}" ;;
        *) fail "say runtime, build, test or bench, not '$1'" ;;
    esac | sort -u
}

# True when the package is installed and not older than it may be.
is_present() {
    local status version
    read -r status version < <(dpkg-query -W -f='${db:Status-Status} ${Version}\n' "$1" 2>/dev/null || true) || return 1
    [[ $status == installed ]] || return 1
    [[ -z ${oldest_version[$1]:-} ]] || dpkg --compare-versions "$version" ge "${oldest_version[$1]}"
}

# Runs apt-get as root, and shows what it printed only when it fails.
apt_get() {
    local log root=()
    [[ $(id -u) -eq 0 ]] || root=(sudo)
    [[ ${#root[@]} -eq 0 ]] || command -v sudo >/dev/null || fail "packages are missing: run this as root, or install sudo"
    log=$(mktemp)
    if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=540 "$@" </dev/null >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        fail "'apt-get $1' failed; its last lines are above"
    fi
    rm -f "$log"
}

main() {
    local wanted missing=() package
    command -v apt-get >/dev/null || fail "this is not Debian: install what is listed in $0 by hand"
    wanted=$(packages_for "${1:-build}")
    for package in $wanted; do
        is_present "$package" || missing+=("$package")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        echo "install: all $(wc -w <<<"$wanted") packages for '${1:-build}' are there"
        return
    fi
    echo "install: getting ${#missing[@]} packages: ${missing[*]}"
    apt_get update
    apt_get install --yes --no-install-recommends "${missing[@]}"
    for package in "${missing[@]}"; do
        is_present "$package" || fail "$package is older than ${oldest_version[$package]:-needed}: turn Debian's security updates on"
    done
    echo "install: done in $SECONDS s"
}

main "$@"
