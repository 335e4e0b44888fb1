"""A real TURN server from Debian, on loopback unless it is told, for sessions that let no direct media through."""

import os
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import time

STUN_MAGIC = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS = 0x0001, 0x0101
# A relay on loopback would be a way into the machine anywhere but in a test.
SETTINGS = """
listening-ip={address}
listening-port={port}
relay-ip={address}
min-port={first}
max-port={last}
realm=test.invalid
use-auth-secret
static-auth-secret={secret}
allow-loopback-peers
fingerprint
no-cli
no-tls
no-dtls
no-multicast-peers
verbose
log-file=stdout
simple-log
pidfile={folder}/turnserver.pid
userdb={folder}/turndb
"""


def free_udp_range(size):
    """The first of `size` UDP ports in a row that nobody uses, below those that the kernel hands out by itself."""
    for first in range(20000, 32000, size):
        probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(size)]
        try:
            for port, probe in enumerate(probes, first):
                probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError(f"there are no {size} free UDP ports in a row")


class Coturn:
    """`secret` is what the bridge needs to make passwords; `log` says who came."""

    RELAY_PORTS = 40

    def __init__(self, address="127.0.0.1"):
        self.address = address
        self.folder = tempfile.mkdtemp(prefix="viaduct-coturn-")
        self.log_path = os.path.join(self.folder, "coturn.log")
        self.secret = secrets.token_hex(16)
        first = free_udp_range(self.RELAY_PORTS + 1)
        self.port = first + self.RELAY_PORTS
        self.relay_ports = range(first, self.port)
        self.settings = SETTINGS.format(
            address=address, port=self.port, first=first, last=self.port - 1, secret=self.secret, folder=self.folder)
        self.process = None

    def url(self, transport):
        return f"turn:{self.address}:{self.port}?transport={transport}"

    @property
    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def start(self, timeout=10):
        configuration = os.path.join(self.folder, "turnserver.conf")
        with open(configuration, "w") as file:
            file.write(self.settings)
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                ["turnserver", "-c", configuration], stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True)
        end = time.monotonic() + timeout
        while not self._answers():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"coturn does not answer:\n{self.log[-2000:]}")
        return self

    def _answers(self):
        """Whether a STUN binding request is answered (RFC 8489 section 6)."""
        request = struct.pack("!HHI", BINDING_REQUEST, 0, STUN_MAGIC) + os.urandom(12)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            client.connect((self.address, self.port))
            try:
                client.send(request)
                reply = client.recv(1500)
            except OSError:
                time.sleep(0.05)
                return False
        return len(reply) >= 20 and reply[:2] == struct.pack("!H", BINDING_SUCCESS) and reply[4:20] == request[4:]

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
