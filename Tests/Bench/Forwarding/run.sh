#!/bin/sh
# What a packet costs in the forwarding code by itself, in and out. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-ingress
swift build -c release --product bench-egress
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.Forwarding.forwarding "$@"
