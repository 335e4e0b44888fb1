#!/usr/bin/env bash
# Builds both programs so that they run without Swift, and puts them into a folder together with the pages.
#
#   docker/build-programs.sh FOLDER
#
# Used by the Dockerfile and by docker/prove-install.sh.
set -euo pipefail

out=$(realpath --canonicalize-missing "${1:?say where the programs go}")
cd "$(dirname "$0")/.."
# A static build beside the usual one, so that neither makes the other start anew.
options=(--configuration release --static-swift-stdlib --scratch-path "${SCRATCH_PATH:-.build-static}")

for program in viaduct viaduct-pipeline; do
    swift build "${options[@]}" --product "$program"
done
built=$(swift build "${options[@]}" --show-bin-path)
mkdir -p "$out"
cp -r "$built/viaduct" "$built/viaduct-pipeline" "$built/viaduct_Web.resources" "$out/"
