#!/bin/sh
# A room of 50 beside the same in a Janus VideoRoom, in a network of its own (needs root). Options: --runs N, --json FILE, --receivers-receive.
# As `run.sh joins`: where the time goes until a Chromium that joins sees everybody.
# VIADUCT_BINARY: the bridge to measure, instead of this tree's release build. On a machine with much else to do: `chrt --rr 1` before it.
set -eu
cd "$(dirname "$0")/../../.."
[ -n "${VIADUCT_BINARY:-}" ] || swift build -c release --product viaduct
module=beside_janus
if [ "${1:-}" = joins ]; then
    module=joins
    shift
fi
exec env PYTHONPATH=Tests:Tests/EndToEnd .venv/bin/python -m "Bench.Rooms.$module" "$@"
