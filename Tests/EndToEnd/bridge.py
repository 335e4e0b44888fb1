"""The bridge under test: the release build, started as an operator would, on loopback, with a data folder of its own."""

import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("VIADUCT_BINARY", os.path.join(ROOT, ".build", "release", "viaduct"))
# The bridge takes every VIADUCT_ name as a setting and stops at those that it does not know, as VIADUCT_BINARY.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("VIADUCT_")}


# Below the ports that the kernel gives to connections: none of them takes one between this answer and the server's start.
PORTS = range(15_000, 32_000)
given_ports = set()


def free_port():
    """A port for TCP and UDP that no server has, and that this process was not given before."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        if port not in given_ports and is_free(port):
            given_ports.add(port)
            return port


def is_free(port):
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        try:
            stream.bind(("127.0.0.1", port))
            datagram.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def kill_if_there(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Bridge:
    def __init__(self, data=None, port=None, **settings):
        self.data = data or tempfile.mkdtemp(prefix="viaduct-data-")
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "http.port": self.port, "data.folder": self.data, "webhooks.allow-private": "true", "log.level": "debug",
            "webrtc.port": 0,
            **{key.replace("__", ".").replace("_", "-"): value for key, value in settings.items()},
        }
        self.log_path = os.path.join(self.data, "bridge.log")
        self.environment = ENVIRONMENT
        self.process = None
        self.context = None  # for TLS, with an https origin in `base`
        self._master_key = None
        self._operator_token = None

    @property
    def engine(self):
        """Whose peers are inbound: the bridge's own engine, unless a test asks for the other."""
        return self.settings.get("webrtc.inbound", "edge")

    # Life

    def arguments(self):
        return [part for key, value in self.settings.items() for part in ("--set", f"{key}={value}")]

    def start(self, timeout=30):
        log = open(self.log_path, "a")
        self.process = subprocess.Popen(
            [BINARY, "serve", *self.arguments()], stdout=log, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True)
        log.close()
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                if self.get("/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"the bridge is not ready:\n{self.log()[-4000:]}")

    def stop(self, timeout=15):
        """SIGTERM and its exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    # Operator's commands

    def command(self, *arguments):
        settings = ["--set", f"data.folder={self.data}"]
        done = subprocess.run([BINARY, *arguments, *settings], capture_output=True, text=True, timeout=30, env=ENVIRONMENT)
        assert done.returncode == 0, f"{arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    @property
    def master_key(self):
        if self._master_key is None:
            self._master_key = json.loads(self.command("keys", "create", "--dialect", "eyeson", "--name", "test", "--json"))["key"]
        return self._master_key

    @property
    def operator_token(self):
        """For longer than the longest test."""
        if self._operator_token is None:
            self._operator_token = self.command("token", "--allow", "admin", "--ttl", "24h").strip()
        return self._operator_token

    def token(self, stream, allow, ttl="1h"):
        return self.command("token", "--stream", stream, "--allow", allow, "--ttl", ttl).strip()

    # HTTP

    def request(self, method, path, body=None, headers=None, timeout=10):
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.context) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, token=None):
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        status, _, reply = self.request("POST", path, body, headers)
        return status, json.loads(reply)

    def recording(self, recording):
        """The recording as the operator sees it."""
        status, _, reply = self.get(f"/bridge/v1/recordings/{recording}", headers={"authorization": f"Bearer {self.operator_token}"})
        assert status == 200, reply
        return json.loads(reply)

    # What the process uses

    @property
    def children(self):
        """Process ids of the bridge's living children."""
        found = set()
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{task}/children") as file:
                    found.update(int(pid) for pid in file.read().split())
            except FileNotFoundError:
                pass
        return found

    def child_with_open(self, is_wanted, what, timeout=20):
        """The child that has something open whose name in /proc is wanted; a new one may take a moment to open it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for pid in self.children:
                for link in glob.glob(f"/proc/{pid}/fd/*"):
                    try:
                        if is_wanted(os.readlink(link)):
                            return pid
                    except FileNotFoundError:
                        pass
            time.sleep(0.01)
        raise AssertionError(f"no child of the bridge has {what}")

    @property
    def processor_seconds(self):
        """User and system time of its process since it began; children have their own."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def resident_kilobytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
