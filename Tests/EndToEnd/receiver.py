"""A user's own place: takes PUTs and webhooks over HTTP on loopback, and can misbehave on command."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`uploads`: path -> bytes. `webhooks`: list of (path, headers, raw body, time). `behave(path, ...)` queues answers for a path."""

    def __init__(self):
        self.uploads = {}
        self.webhooks = []
        self.requests = []
        self.plans = {}
        self.changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_PUT(self):
                receiver.take(self)

            def do_POST(self):
                receiver.take(self)

            def do_GET(self):
                receiver.take(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def behave(self, path, *answers):
        """The next answers for a path: a status, ("redirect", url), ("hang", seconds) or "reset"; then 200 again."""
        with self.changed:
            self.plans.setdefault(path, []).extend(answers)

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        with self.changed:
            plan = self.plans.get(handler.path)
            answer = plan.pop(0) if plan else 200
            self.requests.append((handler.command, handler.path, dict(handler.headers), time.time(), answer))
        if answer == "reset":
            handler.close_connection = True
            handler.connection.close()
            return
        if isinstance(answer, tuple) and answer[0] == "hang":
            time.sleep(answer[1])
            answer = 200
        location = None
        if isinstance(answer, tuple):
            location, answer = answer[1], 307
        with self.changed:
            if answer == 200 and handler.command == "PUT":
                self.uploads[handler.path] = body
            if handler.command == "POST":
                headers = {key.lower(): value for key, value in handler.headers.items()}
                self.webhooks.append((handler.path, headers, body, answer))
            self.changed.notify_all()
        try:
            handler.send_response(answer)
            if location:
                handler.send_header("location", location)
            handler.send_header("content-length", "0")
            handler.end_headers()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def wait_for(self, condition, timeout, what):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f"not within {timeout} s: {what}; requests so far: {[r[:2] + r[3:] for r in self.requests]}")

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

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_is_right(secret, headers, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split(" "))
