"""A destination that breaks its word: it stalls, cuts, and says that it has what it has not."""

import socket
import struct
import threading

from receiver import Receiver, Request

STALLS, CUTS, LIES, FAILS, TIRES = "stalls", "cuts", "lies", "answers 500", "answers half"
MISCHIEF = [STALLS, CUTS, LIES, FAILS, TIRES]
_NO_LINGER = struct.pack("ii", 1, 0)  # a close that resets the connection
_SEGMENT, _WINDOW = 1200, 8 << 10  # little of a body hides in the kernel: a sender sees that it was not taken


class Target(Receiver):
    """Paths that were told to do mischief do it once, then take what they are given."""

    def __init__(self):
        self.mischief = {}
        self.closing = threading.Event()
        super().__init__()

    def start(self, port=None):
        super().start(port)
        self.server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW)
        self.server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)

    def close(self):
        self.closing.set()
        super().stop()

    def misbehave(self, path, *kinds):
        with self.changed:
            self.mischief.setdefault(path, []).extend(kinds)

    def take(self, handler):
        with self.changed:
            plan = self.mischief.get(handler.path)
            kind = plan.pop(0) if plan else None
        if kind is None or kind == FAILS:
            if kind == FAILS:
                self.behave(handler.path, 500)
            return super().take(handler)
        handler.close_connection = True
        self._note(handler, kind)
        length = int(handler.headers.get("content-length", 0))
        if kind == LIES:
            self.reply(handler, 200, {})
            self.closing.wait(0.3)
        elif kind == TIRES:
            handler.rfile.read(length)
            handler.wfile.write(b"HTTP/1.1 200 ")
        else:
            handler.rfile.read(length // 2)
            if kind == STALLS:
                self.closing.wait(4)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        handler.connection.close()

    def _note(self, handler, kind):
        with self.changed:
            headers = {key.lower(): value for key, value in handler.headers.items()}
            self.requests.append(Request(handler.command, handler.path, headers, 0, kind, b""))
            self.changed.notify_all()
