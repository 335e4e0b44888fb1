"""Measures the front door by itself (`bench-front-door`): keep-alive requests a second, and the memory of idle WebSockets."""

import contextlib
import os
import pathlib
import re
import resource
import selectors
import socket
import subprocess
import sys
import time

from Bench.figures import Report, arguments
from Bench.processes import cpu_seconds, memory_megabytes

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVER = os.environ.get("BENCH_FRONT_DOOR", str(ROOT / ".build/release/bench-front-door"))
SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 64
LOAD_SECONDS = 10
SOCKETS = 5000
IDLE_SECONDS = 30
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PONG = b"\x8a\x80\x00\x00\x00\x00"


@contextlib.contextmanager
def running_server():
    """The server on a core of its own; yields its process and its port."""
    process = subprocess.Popen(["taskset", "-c", str(SERVER_CORE), SERVER, "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def requests(process, port):
    """Requests a second of the clock, and a second of the server's processor time: that one does not suffer from other work."""
    before = cpu_seconds(process.pid)
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", str(LOAD_SECONDS),
               "--latency", f"http://127.0.0.1:{port}/"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(process.pid) - before
    if failures := re.search(r"(Socket errors|Non-2xx).*", text):
        raise SystemExit(f"the server failed under load: {failures.group()}")
    count = int(re.search(r"(\d+) requests in", text).group(1))
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    milliseconds = float(latency.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[latency.group(2)]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), count / used, milliseconds


def open_sockets(port, count):
    sockets = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(HANDSHAKE)
        if not client.recv(4096).startswith(b"HTTP/1.1 101"):
            raise SystemExit("a WebSocket handshake was refused")
        sockets.append(client)
    return sockets


def answer_pings(sockets, seconds):
    """Answers the server's pings for a while; returns how many sockets were closed."""
    selector = selectors.DefaultSelector()
    for client in sockets:
        selector.register(client, selectors.EVENT_READ)
    lost = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for key, _ in selector.select(timeout=1):
            if key.fileobj.recv(4096):
                key.fileobj.sendall(PONG)
            else:
                selector.unregister(key.fileobj)
                lost += 1
    selector.close()
    return lost


def idle_sockets(process, port):
    """Resident megabytes with all sockets open, and the share of a core that they cost while they say nothing."""
    sockets = open_sockets(port, SOCKETS)
    try:
        before = cpu_seconds(process.pid)
        if lost := answer_pings(sockets, IDLE_SECONDS):
            raise SystemExit(f"{lost} of {SOCKETS} idle WebSockets were closed")
        used = cpu_seconds(process.pid) - before
        return memory_megabytes(process.pid)[0], used / IDLE_SECONDS * 100
    finally:
        for client in sockets:
            client.close()


def allow_sockets(count):
    """Both ends of each connection need a descriptor of their own process; the server inherits the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = count + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} file descriptors are needed, and the limit here is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main():
    options = arguments(__doc__).parse_args()
    allow_sockets(SOCKETS)
    loads, idles, bare = [], [], []
    for _ in range(options.runs):
        with running_server() as (process, port):
            bare.append(memory_megabytes(process.pid)[0])
            loads.append(requests(process, port))
        with running_server() as (process, port):
            idles.append(idle_sockets(process, port))
    rates, rates_of_cpu, latencies = zip(*loads)
    memories, shares = zip(*idles)
    report = Report(f"Front door, on one core: {CONNECTIONS} keep-alive connections for {LOAD_SECONDS} s; {SOCKETS:,} idle WebSockets")
    report.add("requests", "1/s", rates, at_least=10_000)
    report.add("requests per second of CPU", "1/s", rates_of_cpu)
    report.add("latency, 99th percentile", "ms", latencies)
    report.add("memory at the start", "MB", bare)
    report.add("memory with the WebSockets", "MB", memories, at_most=150)
    report.add("CPU with the WebSockets", "% of a core", shares)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
