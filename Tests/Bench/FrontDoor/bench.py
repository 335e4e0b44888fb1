"""Opens idle WebSockets to the bench server and reports the server's memory: bench.py PORT PID COUNT."""

import selectors
import socket
import sys
import time

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PONG = b"\x8a\x80\x00\x00\x00\x00"
IDLE_SECONDS = 30


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def open_sockets(port, count):
    sockets = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(HANDSHAKE)
        if not client.recv(4096).startswith(b"HTTP/1.1 101"):
            raise SystemExit("a handshake was refused")
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
    return lost


def main():
    port, pid, count = (int(argument) for argument in sys.argv[1:4])
    before = resident_megabytes(pid)
    start = time.monotonic()
    sockets = open_sockets(port, count)
    opened = time.monotonic() - start
    cpu = cpu_seconds(pid)
    lost = answer_pings(sockets, IDLE_SECONDS)
    used = (cpu_seconds(pid) - cpu) / IDLE_SECONDS * 100
    after = resident_megabytes(pid)
    print(f"websockets: {count} opened in {opened:.1f} s, {lost} lost in {IDLE_SECONDS} s, {used:.1f} % of a core while idle")
    print(f"memory: {before:.1f} MB before, {after:.1f} MB with them")


main()
