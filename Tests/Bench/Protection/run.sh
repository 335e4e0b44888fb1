#!/bin/sh
# SRTP and SRTCP by themselves. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-protection
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.Protection.protection "$@"
