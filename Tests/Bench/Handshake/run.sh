#!/bin/sh
# DTLS handshakes and STUN checks by themselves. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-handshake
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.Handshake.handshake "$@"
