#!/bin/sh
# One camera through the whole bridge. Options: --runs N, --json FILE. Needs the release build (`make release`).
set -eu
cd "$(dirname "$0")/../../.."
exec env PYTHONPATH=Tests:Tests/EndToEnd .venv/bin/python -m Bench.FirstCamera.first_camera "$@"
