#!/bin/sh
# The front door by itself. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-front-door
exec env PYTHONPATH=Tests .venv/bin/python -m Bench.FrontDoor.front_door "$@"
