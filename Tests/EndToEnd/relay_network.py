"""Two networks of their own with a bad line between them (relay.py): the bridge stands in the near one, its clients in the far one.

They are namespaces without names. Descriptors and processes hold them, so they are gone with the test's process however it ends. Making them
takes root and /dev/net/tun.
"""

import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import struct
import subprocess
import sys

from bridge import Bridge
from browsers import Chromium
from relay import Condition

NEAR, FAR = "10.77.0.1", "10.77.1.1"
CLEAR = dataclasses.asdict(Condition())  # a line that does nothing to its packets
_CLONE_NEWNET = 0x40000000  # sched.h
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}: the tests of bad networks make network namespaces, which takes root")


def _current():
    """A descriptor of the network that this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network with a loopback and one TUN device, whose packets the relay reads and writes."""

    def __init__(self, address):
        self.address = address
        outside = _current()
        try:
            _call("unshare", _CLONE_NEWNET)
            self.descriptor = _current()
            self.tun = self._make_device()
            self.ip("link", "set", "lo", "up")
            self.ip("address", "add", f"{address}/32", "dev", "tun0")
            self.ip("link", "set", "tun0", "up", "mtu", "1400")
            self.ip("route", "add", "default", "dev", "tun0")
        finally:
            _call("setns", outside, _CLONE_NEWNET)
            os.close(outside)

    @staticmethod
    def _make_device():
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN | _IFF_NO_PI))
        return device

    @contextlib.contextmanager
    def entered(self):
        """This thread's sockets, processes and threads made meanwhile are in this network, and stay there."""
        outside = _current()
        _call("setns", self.descriptor, _CLONE_NEWNET)
        try:
            yield self
        finally:
            _call("setns", outside, _CLONE_NEWNET)
            os.close(outside)

    def add(self, address):
        """A further address, as when a phone has both Wi-Fi and LTE."""
        with self.entered():
            self.ip("address", "add", f"{address}/32", "dev", "tun0")

    def leave(self, address):
        """Takes the first address away; `address`, which there is already, takes its place."""
        with self.entered():
            self.ip("address", "del", f"{self.address}/32", "dev", "tun0")
            self.ip("route", "replace", "default", "dev", "tun0")
        self.address = address

    @staticmethod
    def ip(*arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"

    def close(self):
        os.close(self.tun)
        os.close(self.descriptor)


class BadNetwork:
    """Both networks and the relay between them; the line is clear at first."""

    def __init__(self, seed=1):
        self.near = Namespace(NEAR)
        self.far = Namespace(FAR)
        devices = (self.near.tun, self.far.tun)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")
        self.relay = subprocess.Popen(
            [sys.executable, script, *map(str, devices), str(seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=devices)

    def set(self, to=None, **condition):
        """Changes the line towards `near` or `far`, or both ways; see `relay.Condition`. Returns the counts until then."""
        unknown = condition.keys() - CLEAR.keys()
        assert not unknown, f"no condition of the line: {unknown}"
        return self._order({"set": condition, **({"to": to} if to else {})})

    def clear(self):
        return self.set(**CLEAR)

    def counts(self):
        """What became of the packets of both directions so far."""
        return self._order({})

    def _order(self, order):
        self.relay.stdin.write(json.dumps(order) + "\n")
        self.relay.stdin.flush()
        return json.loads(self.relay.stdout.readline())

    def close(self):
        self.relay.stdin.close()
        try:
            self.relay.wait(5)
        except subprocess.TimeoutExpired:
            self.relay.kill()
            self.relay.wait()
        self.relay.stdout.close()
        self.near.close()
        self.far.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FarChromium(Chromium):
    """A browser in the far network, for which the bridge's plain HTTP is as good as a secure origin: else it would open no camera."""

    def __init__(self, network, bridge, *flags):
        self.network = network
        with network.far.entered():
            super().__init__(f"--unsafely-treat-insecure-origin-as-secure={bridge.base}", *flags)

    def open(self, url, script=None):
        with self.network.far.entered():
            return super().open(url, script)


class NearBridge(Bridge):
    """A bridge in the near network, which this thread must be in; clients of both networks reach it by the same address."""

    def __init__(self, **settings):
        super().__init__(
            http__bind="0.0.0.0", webrtc__addresses=f"{NEAR},127.0.0.1", **settings)
        self.base = f"http://{NEAR}:{self.port}"
