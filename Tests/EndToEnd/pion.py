"""Pion as a WHIP server (RFC 9725), in a process that can be killed and started again at its place."""

import json
import subprocess
import threading

from bridge import free_port
from interop import build_pion
from raw import settle

TOKEN = "let-me-in"


class PionServer:
    """What it said, in order; that of an earlier process is forgotten."""

    def __init__(self, video):
        self.command = [build_pion(), "serve", "-listen", f"127.0.0.1:{free_port()}", "-token", TOKEN, "-video", video]
        self.said, self.process = [], None
        self.order = {"kind": "whip", "url": f"http://{self.command[3]}/whip", "token": TOKEN}

    def start(self):
        self.said = []
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, args=(self.process.stdout, self.said), daemon=True).start()
        assert settle(lambda: self.states(), bool, 20) == ["listening"], self.said
        return self

    @staticmethod
    def read(lines, said):
        for line in lines:
            said.append(json.loads(line))

    def states(self):
        return [fact["state"] for fact in list(self.said) if "state" in fact]

    def counts(self):
        """Of the newest session: packets of sound and pictures."""
        return next((fact for fact in reversed(list(self.said)) if "pictures" in fact), {"pictures": 0, "audio": 0})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
