#!/bin/sh
# Recordings beside ffmpeg and gst-launch doing the same. Options: --runs N, --json FILE.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product viaduct
swift build -c release --product viaduct-pipeline
exec env PYTHONPATH=Tests:Tests/EndToEnd .venv/bin/python -m Bench.Recording.recording "$@"
