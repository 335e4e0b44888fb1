"""Plain HTTP: what goes over the wire is what the check wants, with nothing added but Host and Content-Length."""

import http.client
import socket
import ssl
from urllib.parse import urljoin, urlsplit

PATIENCE = 15  # seconds for a reply


class Reply:
    def __init__(self, url, response):
        self.url, self.status, self.reason = url, response.status, response.reason
        self.fields = [(name.lower(), value) for name, value in response.getheaders()]
        self.body = response.read()

    def get(self, name, default=None):
        """All fields of this name as one list."""
        values = self.all(name)
        return ", ".join(values) if values else default

    def all(self, name):
        return [value for field, value in self.fields if field == name.lower()]

    def words(self, name):
        """The members of a list field in lower case."""
        return {word.strip().lower() for word in (self.get(name) or "").split(",") if word.strip()}

    @property
    def type(self):
        return (self.get("content-type") or "").split(";")[0].strip().lower()

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def __repr__(self):
        return f"{self.status} {self.type} {self.text[:120]!r}"

    @property
    def is_success(self):
        return 200 <= self.status < 300

    @property
    def is_refusal(self):
        return 400 <= self.status < 500


def connection(url, timeout=PATIENCE):
    parts = urlsplit(url)
    if parts.scheme == "https":
        # The certificate is the operator's matter, not the protocol's.
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def target(url):
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def send(method, url, body=None, timeout=PATIENCE, **fields):
    """One request on a connection of its own; underscores in the names of fields stand for hyphens. A temporary redirect is followed once, as
    RFC 9725 section 4.5 has it."""
    for _ in range(2):
        line = connection(url, timeout)
        try:
            line.putrequest(method, target(url), skip_accept_encoding=True)
            for name, value in fields.items():
                if value is not None:
                    line.putheader(name.replace("_", "-"), value)
            data = body.encode() if isinstance(body, str) else body
            if data is not None:
                line.putheader("Content-Length", str(len(data)))
            line.endheaders(data)
            reply = Reply(url, line.getresponse())
        finally:
            line.close()
        if reply.status not in (307, 308) or not reply.get("location"):
            return reply
        url = urljoin(url, reply.get("location"))
    return reply


class EventReader:
    """Server-sent events, read as they come (WHATWG HTML section 9.2)."""

    def __init__(self, url, timeout=PATIENCE, **fields):
        self.line = connection(url, timeout)
        self.line.request("GET", target(url), headers={"Accept": "text/event-stream", **fields})
        self.response = self.line.getresponse()
        self.status, self.type = self.response.status, (self.response.getheader("content-type") or "").split(";")[0].strip().lower()
        self.raw = []

    def next(self, timeout=PATIENCE):
        """The next event as (name, data lines); None at the end of the stream."""
        if self.line.sock is not None:
            self.line.sock.settimeout(timeout)
        name, data = "message", []
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            self.raw.append(line)
            line = line.rstrip("\r\n")
            if not line:
                if data or name != "message":
                    return name, data
            elif line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))

    def collect(self, seconds, enough=lambda events: False):
        """Events of the next seconds, by name."""
        import time
        end, events = time.monotonic() + seconds, []
        while not enough(events) and (left := end - time.monotonic()) > 0:
            try:
                event = self.next(left)
            except (TimeoutError, socket.timeout):
                break
            if event is None:
                break
            events.append(event)
        return events

    def close(self):
        self.response.close()
        self.line.close()


def links(reply):
    """`Link` fields as (target, {parameter: value}) (RFC 8288 section 3)."""
    found = []
    text = reply.get("link") or ""
    place = 0
    while (start := text.find("<", place)) >= 0:
        end = text.find(">", start)
        if end < 0:
            break
        uri, place, parameters = text[start + 1:end], end + 1, {}
        while place < len(text) and text[place:].lstrip().startswith(";"):
            place = text.index(";", place) + 1
            name, place = _until(text, place, "=;,")
            value = ""
            if place < len(text) and text[place] == "=":
                value, place = _value(text, place + 1)
            parameters[name.strip().lower()] = value
        found.append((urljoin(reply.url, uri), parameters))
    return found


def _until(text, place, ends):
    start = place
    while place < len(text) and text[place] not in ends:
        place += 1
    return text[start:place], place


def _value(text, place):
    while place < len(text) and text[place] == " ":
        place += 1
    if place < len(text) and text[place] == '"':
        value, place = "", place + 1
        while place < len(text) and text[place] != '"':
            if text[place] == "\\":
                place += 1
            value += text[place:place + 1]
            place += 1
        return value, place + 1
    value, place = _until(text, place, ";,")
    return value.strip(), place
