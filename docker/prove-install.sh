#!/usr/bin/env bash
# Proves docker/install-packages.sh on a fresh Debian 12: makes one in a folder with debootstrap, installs there, twice, and asks
# pkg-config and GStreamer whether all is found. Needs root; part of `make soak`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d -t viaduct-debian.XXXXXX)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
libraries=(gstreamer-webrtc-1.0 gstreamer-app-1.0 libwebsockets nice openssl sqlite3)
elements=(webrtcbin dtlsdec srtpdec rtph264pay rtpvp8pay rtpvp9pay rtpopuspay x264enc vp8enc vp9enc opusenc avdec_h264 clockoverlay
    videotestsrc audiotestsrc v4l2src appsrc appsink)

clean() {
    mountpoint -q "$root/proc" && umount "$root/proc"
    rm -rf --one-file-system "$root"
}
trap clean EXIT

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"; }

[[ $(id -u) -eq 0 ]] || { echo "prove-install: debootstrap needs root" >&2; exit 1; }
command -v debootstrap >/dev/null ||
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=540 install --yes --no-install-recommends debootstrap >/dev/null
echo "prove-install: Debian 12 in $root"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"
printf 'deb %s bookworm main\ndeb %s bookworm-updates main\ndeb %s bookworm-security main\n' "$mirror" "$mirror" "$security" \
    >"$root/etc/apt/sources.list"
# How this machine reaches its mirrors holds in there too; and no service starts when it is installed.
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mkdir "$root/viaduct"
cp "$here/install-packages.sh" "$root/viaduct/"

# What runs the programs must suffice to run them, before the packages to build them come.
inside /viaduct/install-packages.sh runtime
inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends gstreamer1.0-tools >/dev/null 2>&1
for element in "${elements[@]}"; do
    inside gst-inspect-1.0 "$element" >/dev/null 2>&1 || { echo "prove-install: GStreamer has no $element" >&2; exit 1; }
done
inside /viaduct/install-packages.sh build
for library in "${libraries[@]}"; do
    inside pkg-config --exists --print-errors "$library"
done
second=$(inside /viaduct/install-packages.sh build)
[[ $second == *"are there"* ]] || { echo "prove-install: the second run was not idle: $second" >&2; exit 1; }
echo "prove-install: passed in $SECONDS s"
