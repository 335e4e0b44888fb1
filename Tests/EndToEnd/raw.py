"""HTTP and WebSocket by hand, for what no well-behaved client sends, and the memory and descriptors that it costs."""

import base64
import json
import os
import pathlib
import socket
import ssl
import struct
import time
import urllib.parse

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Core" / "SDPTests" / "Fixtures"
PATIENCE = 10  # seconds for anything that must come

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class Reply:
    """One HTTP response: `status`, `headers` with lower-case names, `body`."""

    def __init__(self, head, body=b""):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.status = int(lines[0].split(" ")[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of an error body, whichever API it is of; None where there is none."""
        if "json" not in self.headers.get("content-type", ""):
            return None
        return self.json.get("error", self.json.get("code"))

    def __repr__(self):
        return f"<{self.line} {self.headers} {self.body[:300]!r}>"


class RawConnection:
    """A TCP connection whose bytes the test writes itself."""

    def __init__(self, port, tls=None, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def receive(self, count):
        """Exactly so many bytes."""
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive_until(self, mark):
        """Everything up to the mark, which is taken too."""
        while mark not in self.buffer:
            self._more()
        data, _, self.buffer = self.buffer.partition(mark)
        return data

    def _more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError(f"the bridge closed the connection after {self.buffer[-200:]!r}")
        self.buffer += part

    def reply(self, method="GET"):
        """The next response; a body without a length ends with the connection."""
        reply = Reply(self.receive_until(b"\r\n\r\n"))
        if method == "HEAD" or reply.status < 200 or reply.status in (204, 304):
            return reply
        if reply.headers.get("transfer-encoding") == "chunked":
            reply.body = b"".join(self._chunks())
        else:
            reply.body = self.receive(int(reply.headers["content-length"]))
        return reply

    def _chunks(self):
        while size := int(self.receive_until(b"\r\n"), 16):
            yield self.receive(size)
            self.receive(2)
        self.receive_until(b"\r\n")

    def rest(self):
        """What still comes until the bridge closes; a reset is an end like any other."""
        try:
            while part := self.socket.recv(65536):
                self.buffer += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return self.buffer

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def exchange(bridge, request, method="GET"):
    """One connection, one request, one response."""
    with RawConnection(bridge.port) as connection:
        connection.send(request)
        return connection.reply(method)


def request(method, target, body=b"", **fields):
    """The bytes of a sound HTTP/1.1 request; `fields` are written with dashes."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if body or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def head(line, *fields):
    """The bytes of a request's head as it stands."""
    return "\r\n".join([line, *fields, "", ""]).encode("latin-1")


def answers(bridge, sent):
    """All that the bridge says until it closes, for requests after which it must."""
    with RawConnection(bridge.port) as connection:
        try:
            connection.send(sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed before everything was sent
        return connection.rest()


def statuses(answer):
    """The statuses of the responses in these bytes."""
    return [int(part.split(b" ", 2)[1]) for part in answer.split(b"\r\n") if part.startswith(b"HTTP/1.1 ")]


def check_goes_on(bridge):
    """The process is the same as ever and answers."""
    assert bridge.process.poll() is None, f"the bridge ended with {bridge.process.returncode}:\n{bridge.log()[-4000:]}"
    assert exchange(bridge, request("GET", "/healthz")).status == 200


def post(bridge, path, body, token=None):
    """A JSON document by POST; calls that come too fast for the contract's rates are repeated when the bridge says so."""
    fields = {"Authorization": f"Bearer {token}"} if token else {}
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    while True:
        reply = exchange(bridge, request("POST", path, text, **fields))
        if reply.code != "rate_limited":
            return reply
        time.sleep(int(reply.headers["retry-after"]))


def client_token(bridge, client, key=None, **fields):
    """An Eyeson token of role `client`."""
    reply = post(bridge, "/auth_v2/client", {"master_key": key or bridge.master_key, "client_id": client, **fields})
    assert reply.status == 201, reply
    return reply.json["auth_token"]


def new_session(bridge, client, token):
    """The id of a new Eyeson session."""
    reply = post(bridge, "/api/v2/session", {"client_id": client}, token)
    assert reply.status == 201, reply
    return reply.json["session_id"]


def offer(name):
    """A recorded offer of a real client."""
    return (FIXTURES / f"{name}.sdp").read_text()


def upgrade(target, key=None, **fields):
    """The bytes of an opening handshake."""
    key = base64.b64encode(os.urandom(16)).decode() if key is None else key
    standard = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": key}
    return request("GET", target, **{**standard, **fields})


def frame(opcode, payload=b"", final=True, reserved=0, masked=True, length=None):
    """One WebSocket frame; `length` may be a lie, given as the bytes that follow the second one's seven bits."""
    payload = payload.encode() if isinstance(payload, str) else payload
    first = (0x80 if final else 0) | reserved << 4 | opcode
    if length is None:
        short, extended = _length(len(payload))
    else:
        short, extended = length
    head = bytes([first, (0x80 if masked else 0) | short]) + extended
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(octet ^ mask[index & 3] for index, octet in enumerate(payload))


def _length(count):
    if count < 126:
        return count, b""
    return (126, struct.pack(">H", count)) if count < 1 << 16 else (127, struct.pack(">Q", count))


class RawSocket(RawConnection):
    """A WebSocket whose frames the test writes itself."""

    def __init__(self, bridge, path, token, tls=None, timeout=PATIENCE):
        super().__init__(bridge.port, tls, timeout)
        self.send(upgrade(f"{path}?auth_token={urllib.parse.quote(token)}"))
        self.opening = Reply(self.receive_until(b"\r\n\r\n"))
        if self.opening.status != 101:
            self.opening.body = self.receive(int(self.opening.headers.get("content-length", 0)))
            self.close()
            raise ConnectionError(f"no upgrade: {self.opening}")

    def next_frame(self):
        """Opcode and payload of the bridge's next frame, which is never masked, extended or fragmented."""
        first, second = self.receive(2)
        assert first & 0xF0 == 0x80 and not second & 0x80, f"a frame that no server may send: {first:02x} {second:02x}"
        length = second
        if second == 126:
            length = struct.unpack(">H", self.receive(2))[0]
        elif second == 127:
            length = struct.unpack(">Q", self.receive(8))[0]
        return first & 0x0F, self.receive(length)

    def next_message(self, *skipped):
        """The next RTM message whose type is not among `skipped`; pings are passed over."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == PING:
                continue
            assert opcode == TEXT, f"no message, but frame {opcode:x} with {payload!r}"
            message = json.loads(payload)
            if message["type"] not in skipped:
                return message

    def close_code(self, *skipped):
        """The code of the bridge's close frame, which must be the next but for messages of the types in `skipped`."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else 1005
            is_skipped = opcode == PING or opcode == TEXT and json.loads(payload)["type"] in skipped
            assert is_skipped, f"no close frame, but {opcode:x} with {payload[:300]!r}"

    def say(self, message):
        """Sends a JSON value as one text frame."""
        self.send(frame(TEXT, json.dumps(message)))

    def answer_close(self, code):
        """Sends a close frame, if there is still somebody to hear it."""
        try:
            self.send(frame(CLOSE, struct.pack(">H", code)))
        except OSError:
            pass

    def close(self):
        """Leaves as a client that is done, so that its session does not wait for its return."""
        self.answer_close(1000)
        super().close()


class RTMSocket(RawSocket):
    """A socket with a session of its own, not yet bound; of the Eyeson dialect unless it has another path and session."""

    def __init__(self, bridge, client, token, session=None, path="/api/v2/io"):
        super().__init__(bridge, path, token)
        self.client = client
        self.session = session or new_session(bridge, client, token)

    def tell(self, kind, data=None, **members):
        """Sends a message with all four members; `members` replace them, None leaves `data` out."""
        message = {"type": kind, "client_id": self.client, "session_id": self.session, "data": data, **members}
        if message["data"] is None:
            del message["data"]
        self.say(message)

    def start(self, sdp, **data):
        """`session_start` with this offer, and what the bridge says to it."""
        self.tell("session_start", {"sdp": {"type": "offer", "sdp": sdp}, **data})
        return self.next_message("candidate")

    def stop(self):
        """Ends the session in good manners; returns its termination cause."""
        self.tell("session_stop")
        ended = self.next_message("candidate", "recording_state")
        assert ended["type"] == "session_terminated", f"not the end, but {ended}"
        code = self.close_code("candidate")
        assert code == 1000, f"closed with {code}"
        return ended["data"]["termination_cause"]


def trusting(certificate):
    """TLS that takes exactly this certificate for localhost."""
    return ssl.create_default_context(cafile=certificate)


def settle(read, is_right, timeout=PATIENCE):
    """Reads a figure until it is right or the time is over; returns the last one."""
    end = time.monotonic() + timeout
    while True:
        value = read()
        if is_right(value) or time.monotonic() >= end:
            return value
        time.sleep(0.1)


class Usage:
    """What a bridge holds. Left out are the database's files, whose pool of readers grows to its bound when it is needed, and recordings up to the bound of
    those whose indexes are kept for players, unless they have been removed."""

    INDEXED = 64 + 16  # files: indexes, and views of recordings that were made of them
    POOL_THREADS = 6  # of Swift's and Dispatch's pools, which come and go with the load

    def __init__(self, bridge):
        self.children, self.threads, self.kibibytes = bridge.children, bridge.threads, bridge.resident_kilobytes
        files = [name for name in _open_files(bridge.process.pid) if "viaduct.db" not in name]
        self.descriptors = len(files) - min(sum("/spool/" in name and not name.endswith(" (deleted)") for name in files), self.INDEXED)

    @classmethod
    def at_rest(cls, bridge, quiet=1.0, timeout=30):
        """The usage when children and descriptors have not changed for a moment."""
        end, last, since = time.monotonic() + timeout, None, 0.0
        while time.monotonic() < end:
            usage, now = cls(bridge), time.monotonic()
            held = (usage.children, usage.descriptors)
            if held != last:
                last, since = held, now
            elif now - since >= quiet:
                return usage
            time.sleep(0.1)
        raise AssertionError(f"not at rest within {timeout} s: {last}")

    def check_returned(self, bridge, kibibytes, timeout=30):
        """Within a time the bridge holds no more than now, but for so many kibibytes of memory."""
        def has_returned(now):
            return (len(now.children) <= len(self.children) and now.threads <= self.threads + self.POOL_THREADS
                    and now.descriptors <= self.descriptors and now.kibibytes <= self.kibibytes + kibibytes)

        found = settle(lambda: Usage(bridge), has_returned, timeout)
        assert has_returned(found), f"{self} before, {found} after; {kibibytes} KiB may stay"

    def __repr__(self):
        return f"{len(self.children)} children, {self.threads} threads, {self.descriptors} descriptors, {self.kibibytes} KiB"


def load(bridge, windows=3, seconds=1.0):
    """The part of a core that a bridge takes, in the quietest of some windows: what else the machine does only adds to it. A thread that never sleeps takes
    a good part of one on the busiest machine."""

    def window():
        before = bridge.processor_seconds
        time.sleep(seconds)
        return (bridge.processor_seconds - before) / seconds

    return min(window() for _ in range(windows))


def _open_files(process):
    folder = f"/proc/{process}/fd"
    for number in os.listdir(folder):
        try:
            yield os.readlink(f"{folder}/{number}")
        except FileNotFoundError:
            pass
