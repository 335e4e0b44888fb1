#!/bin/sh
# Measures the front door: keep-alive requests a second with the server on one core, and the memory of idle WebSockets.
# Needs wrk and python3; build first: swift build -c release --product bench-front-door
# usage: bench.sh [path of bench-front-door] [number of WebSockets]
set -eu
server=${1:-.build/release/bench-front-door}
sockets=${2:-5000}
here=$(dirname "$0")
output=$(mktemp)
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"

taskset -c 0 "$server" 0 >"$output" &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -f "$output"' EXIT
until [ -s "$output" ]; do sleep 0.1; done
port=$(head -n 1 "$output")

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }

echo "requests: 64 keep-alive connections, 10 s, the server on core 0, wrk on core 1"
before=$(cpu_ticks)
report=$(taskset -c 1 wrk --threads 1 --connections 64 --duration 10 --latency "http://127.0.0.1:$port/")
after=$(cpu_ticks)
echo "$report" | grep -E 'Requests/sec|50%|99%|Socket errors|Non-2xx' || true
# On a machine with other work the server gets only a part of its core; this figure does not depend on that.
echo "$report" | awk -v ticks="$((after - before))" -v hertz="$(getconf CLK_TCK)" \
    '/requests in/ { printf "Requests per second of CPU time: %.0f\n", $1 / (ticks / hertz) }'

python3 "$here/bench.py" "$port" "$pid" "$sockets"
