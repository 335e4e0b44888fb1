#!/bin/sh
# The edge under `viaduct load`: many viewers, a storm, and joins and leaves. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product viaduct
exec env PYTHONPATH=Tests:Tests/EndToEnd .venv/bin/python -m Bench.Load.fan_out "$@"
