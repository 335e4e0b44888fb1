#!/bin/sh
# The edge's sockets and its worker by themselves. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-edge-io
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.EdgeIO.edge_io "$@"
