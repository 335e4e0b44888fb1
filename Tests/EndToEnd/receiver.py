"""A user's own place: takes PUTs and webhooks over HTTP on loopback, and can misbehave on command."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """What arrived, and how it was answered; the time is the wall clock's when the whole request was there."""

    method: str
    path: str
    headers: dict
    time: float
    answer: object
    body: bytes


class Server(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0

    def get_request(self):
        self.connections += 1
        return super().get_request()


class Receiver:
    """`uploads`: path -> bytes. `webhooks`: list of (path, headers, raw body, answer). `behave(path, ...)` queues answers for a path."""

    def __init__(self):
        self.uploads = {}
        self.webhooks = []
        self.requests = []
        self.uploading = self.most_uploading = 0  # PUTs under way, now and at most until now
        self.plans = {}
        self.changed = threading.Condition()
        self.server = self.thread = None
        self.start(port=0)
        self.port = self.server.server_port
        self.base = f"http://127.0.0.1:{self.port}"

    def start(self, port=None):
        """Listens; after `stop` again on the same port."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_PUT(self):
                receiver.take(self)

            do_POST = do_GET = do_PUT

        self.server = Server(("127.0.0.1", self.port if port is None else port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self):
        """Refuses connections from now on."""
        self.server.shutdown()
        self.server.server_close()

    close = stop

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def connections(self):
        """How many connections were accepted since `start`."""
        return self.server.connections

    def behave(self, path, *answers):
        """The next answers for a path: a status, ("redirect", url) with 307 or ("redirect", url, status), ("hang", seconds),
        ("wait", seconds) for 429 with Retry-After, or "reset"; then 200 again."""
        with self.changed:
            self.plans.setdefault(path, []).extend(answers)

    @contextlib.contextmanager
    def counted(self, handler):
        """A PUT is under way."""
        is_upload = handler.command == "PUT"
        with self.changed:
            self.uploading += is_upload
            self.most_uploading = max(self.most_uploading, self.uploading)
        try:
            yield
        finally:
            with self.changed:
                self.uploading -= is_upload

    def take(self, handler):
        with self.counted(handler):
            answer = self.receive(handler)
        # Whoever hears of the end may begin another at once: it is counted as over before.
        if answer is not None:
            self.reply(handler, *answer)

    def receive(self, handler):
        """Takes a whole request; the status and fields of its answer, None when there is none."""
        length = int(handler.headers.get("content-length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:
            # The sender was killed in the middle of it: a good receiver keeps nothing of that.
            handler.close_connection = True
            return None
        headers = {key.lower(): value for key, value in handler.headers.items()}
        with self.changed:
            plan = self.plans.get(handler.path)
            answer = plan.pop(0) if plan else 200
            self.requests.append(Request(handler.command, handler.path, headers, time.time(), answer, body))
            self.changed.notify_all()
        if answer == "reset":
            handler.close_connection = True
            handler.connection.close()
            return None
        status, fields = self.prepare(answer)
        with self.changed:
            if status in range(200, 300) and handler.command == "PUT":
                self.uploads[handler.path] = body
            if handler.command == "POST":
                self.webhooks.append((handler.path, headers, body, status))
            self.changed.notify_all()
        return status, fields

    @staticmethod
    def prepare(answer):
        """Status and fields of an answer; one that hangs takes its time here."""
        match answer:
            case ("hang", seconds):
                time.sleep(seconds)
                return 200, {}
            case ("redirect", url, *status):
                return status[0] if status else 307, {"location": url}
            case ("wait", seconds):
                return 429, {"retry-after": str(seconds)}
            case status:
                return status, {}

    @staticmethod
    def reply(handler, status, fields):
        try:
            handler.send_response(status)
            for name, value in {**fields, "content-length": "0"}.items():
                handler.send_header(name, value)
            handler.end_headers()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the other side gave up waiting

    def wait_for(self, condition, timeout, what):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                seen = [(one.method, one.path, one.answer) for one in self.requests]
                raise AssertionError(f"not within {timeout} s: {what}; requests so far: {seen}")

    def attempts(self, path):
        """Every request for a path."""
        with self.changed:
            return [one for one in self.requests if one.path == path]

    def wait_for_attempts(self, path, count, timeout=20):
        self.wait_for(lambda: len(self.attempts(path)) >= count, timeout, f"{count} requests for {path}")
        return self.attempts(path)

    def accepted(self, path=None, status=None):
        """Bodies of webhooks that were answered with 200, parsed, with their ids."""
        found = []
        for where, headers, body, answer in self.webhooks:
            event = json.loads(body)
            if answer == 200 and (path is None or where == path) and (status is None or event["status"] == status):
                found.append((headers["webhook-id"], event))
        return found

    def wait_for_webhook(self, status, path=None, timeout=20):
        self.wait_for(lambda: self.accepted(path, status), timeout, f"webhook {status}")
        return self.accepted(path, status)[0][1]

    def wait_for_upload(self, path, timeout=20):
        self.wait_for(lambda: path in self.uploads, timeout, f"upload {path}")
        return self.uploads[path]


def signature_is_right(secret, headers, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split(" "))
