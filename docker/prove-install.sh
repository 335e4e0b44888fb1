#!/usr/bin/env bash
# Proves on a fresh Debian 12, made in a folder with debootstrap, what the Dockerfile relies on: install-packages.sh installs all that is
# needed, and only once; the programs of build-programs.sh run there without Swift, with the runtime packages alone. Needs root; part of
# `make soak`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d -t viaduct-debian.XXXXXX)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
libraries=(gstreamer-webrtc-1.0 gstreamer-app-1.0 libwebsockets nice openssl sqlite3)

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
echo "prove-install: building the programs"
"$here/build-programs.sh" "$root/viaduct" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"

# What runs the programs must suffice to run them, before the packages to build them come. The demo uses every kind of pipeline.
inside /viaduct/install-packages.sh runtime
inside /viaduct/viaduct doctor --set data.folder=/data --set http.port=0
demo=$(inside timeout --signal=INT --preserve-status 15 /viaduct/viaduct demo --set data.folder=/data --set http.port=0 2>&1) || true
[[ $demo == *"Webhook: upload_ready"* ]] || { printf 'prove-install: the demo delivered nothing:\n%s\n' "$demo" >&2; exit 1; }
inside /viaduct/install-packages.sh build
for library in "${libraries[@]}"; do
    inside pkg-config --exists --print-errors "$library"
done
second=$(inside /viaduct/install-packages.sh build)
[[ $second == *"are there"* ]] || { echo "prove-install: the second run was not idle: $second" >&2; exit 1; }
echo "prove-install: passed in $SECONDS s"
