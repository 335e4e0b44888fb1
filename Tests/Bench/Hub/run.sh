#!/bin/sh
# The hub by itself. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-hub
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.Hub.hub "$@"
