#!/bin/sh
# The edge's sockets and its worker by themselves, on two processors: the worker on the first, publisher and viewers on the second.
# Options: `io [N]` sockets alone, `edge [N]` publisher to N viewers with everything between; without any, both.
set -eu
cd "$(dirname "$0")/../../.."
swift build -c release --product bench-edge-io
exec .build/release/bench-edge-io "$@"
