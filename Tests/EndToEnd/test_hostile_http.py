"""HTTP as nobody should speak it: every answer is the specified one, and the bridge goes on."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge import Bridge
from raw import RawConnection, Usage, answers, check_goes_on, exchange, head, request, settle, statuses

pytestmark = pytest.mark.sturdy

KIBIBYTE = 1024
IDLE_SECONDS = 3  # of the setting that the bridge runs with
REQUEST_SECONDS = 20  # for a whole head, and between two parts of a body
MEMORY_KIBIBYTES = 16 * KIBIBYTE  # that may stay behind when the tables have been played over and over


@pytest.fixture(scope="module")
def bridge():
    with Bridge(http__limits__idle_timeout=f"{IDLE_SECONDS}s") as running:
        yield running


@pytest.fixture(autouse=True)
def goes_on(bridge):
    yield
    check_goes_on(bridge)


def chunked(*parts):
    fields = ["Host: a", "Transfer-Encoding: chunked"]
    return head("POST /auth_v2/client HTTP/1.1", *fields) + "".join(parts).encode("latin-1")


GET = "GET /healthz HTTP/1.1"
POST = "POST /auth_v2/client HTTP/1.1"

# What the parser itself refuses: the status is the whole answer, and the connection ends.
BROKEN_HEADS = {
    "no version": (head("GET /healthz", "Host: a"), 400),
    "no target": (head("GET", "Host: a"), 400),
    "two spaces": (head("GET  /healthz HTTP/1.1", "Host: a"), 400),
    "a space at the end": (head("GET /healthz HTTP/1.1 ", "Host: a"), 400),
    "a method that is no token": (head("GE(T /healthz HTTP/1.1", "Host: a"), 400),
    "no method": (head(" /healthz HTTP/1.1", "Host: a"), 400),
    "another protocol": (head("GET /healthz RTSP/1.0", "Host: a"), 400),
    "half a version": (head("GET /healthz HTTP/1", "Host: a"), 400),
    "the next version": (head("GET /healthz HTTP/2.0", "Host: a"), 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a TLS hello": (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 32 + b"\r\n\r\n", 400),
    "NUL in the target": (head("GET /health\0z HTTP/1.1", "Host: a"), 400),
    "a byte beyond ASCII in the target": (head("GET /h\xe9 HTTP/1.1", "Host: a"), 400),
    "a fragment": (head("GET /healthz#here HTTP/1.1", "Host: a"), 400),
    "a target without slash": (head("GET healthz HTTP/1.1", "Host: a"), 400),
    "the target of a tunnel": (head("CONNECT 127.0.0.1:22 HTTP/1.1", "Host: a"), 400),
    "an asterisk with GET": (head("GET * HTTP/1.1", "Host: a"), 400),
    "a percent sign alone": (head("GET /% HTTP/1.1", "Host: a"), 400),
    "half an escape": (head("GET /%4 HTTP/1.1", "Host: a"), 400),
    "an escape that is not hexadecimal": (head("GET /%zz HTTP/1.1", "Host: a"), 400),
    "absolute form without host": (head("GET http:///healthz HTTP/1.1", "Host: a"), 400),
    "absolute form with a user": (head("GET http://user@a/healthz HTTP/1.1", "Host: a"), 400),
    "another scheme": (head("GET ftp://a/healthz HTTP/1.1", "Host: a"), 400),
    "no Host": (head(GET), 400),
    "two Hosts": (head(GET, "Host: a", "Host: b"), 400),
    "a Host with a path": (head(GET, "Host: a/b"), 400),
    "a Host with a user": (head(GET, "Host: user@a"), 400),
    "a field without colon": (head(GET, "Host: a", "nonsense"), 400),
    "a field without name": (head(GET, "Host: a", ": value"), 400),
    "a space before the colon": (head(GET, "Host: a", "X-Thing : 1"), 400),
    "a folded line": (head(GET, "Host: a", "X-Thing: 1", " 2"), 400),
    "NUL in a field": (head(GET, "Host: a", "X-Thing: a\0b"), 400),
    "CR in a field": (head(GET, "Host: a", "X-Thing: a\rb"), 400),
    "LF alone ends a field": (head(GET, "Host: a", "X-Thing: a\nX-Other: b"), 400),
    "an expectation of another kind": (head(POST, "Host: a", "Content-Length: 2", "Expect: the-moon"), 417),
    "a head of 17 KiB": (head(GET, "Host: a", *[f"X-{n}: {'a' * 1000}" for n in range(17)]), 431),
    "one field of 17 KiB": (head(GET, "Host: a", "X-Thing: " + "a" * 17 * KIBIBYTE), 431),
    "101 fields": (head(GET, "Host: a", *["X-Thing: a"] * 100), 431),
    "a head without end": (head(GET, "Host: a")[:-2] + b"X-Thing: " + b"a" * 64 * KIBIBYTE, 431),
    "a target of 17 KiB without end": (b"GET /" + b"a" * 17 * KIBIBYTE, 414),
}

# Requests that two servers could take for different ones: refused, and nothing that follows is taken for a request.
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n"
AMBIGUOUS_FRAMINGS = {
    "length and chunks": (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
    "chunks and length": (["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
    "two lengths": (["Content-Length: 5", "Content-Length: 6"], 400),
    "two equal lengths": (["Content-Length: 5", "Content-Length: 5"], 400),
    "a list of lengths": (["Content-Length: 5, 5"], 400),
    "a length with a sign": (["Content-Length: +5"], 400),
    "a negative length": (["Content-Length: -1"], 400),
    "a hexadecimal length": (["Content-Length: 0x5"], 400),
    "a length of 20 digits": (["Content-Length: 18446744073709551616"], 400),
    "an empty length": (["Content-Length:"], 400),
    "chunks twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
    "chunks inside of chunks": (["Transfer-Encoding: chunked, chunked"], 501),
    "compressed chunks": (["Transfer-Encoding: gzip, chunked"], 501),
    "nearly chunks": (["Transfer-Encoding: xchunked"], 501),
    "identity": (["Transfer-Encoding: identity"], 501),
}

# Bodies whose chunks are wrong: the operation hears that the body broke off.
BROKEN_CHUNKS = {
    "no size": "\r\n",
    "a size that is not hexadecimal": "zz\r\nab\r\n0\r\n\r\n",
    "a negative size": "-2\r\nab\r\n0\r\n\r\n",
    "a size with a prefix": "0x2\r\n{}\r\n0\r\n\r\n",
    "a size of 17 digits": "fffffffffffffffff\r\nab",
    "a space before the size": " 2\r\n{}\r\n0\r\n\r\n",
    "a size line without end": "2" + " " * 300,
    "a chunk that is longer than its size": "1\r\n{}\r\n0\r\n\r\n",
    "LF alone": "2\n{}\n0\n\n",
    "an extension of 300 bytes": "2;" + "a" * 300 + "\r\n{}\r\n0\r\n\r\n",
}

TRAVERSALS = [
    "/assets/../../etc/passwd", "/assets/..%2f..%2f..%2fetc%2fpasswd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/%2e%2e%2fetc/passwd",
    "//etc/passwd", "/assets//etc/passwd", "/assets/....//etc/passwd", "/assets/..\\..\\etc\\passwd", "/assets/%252e%252e%252fetc",
    "/assets/viaduct.css%00.js", "/assets/viaduct.css/../watch.js", "/assets/watch.html", "/assets/", "/assets",
    "/assets/%ff%fe.js", "/assets/.js", "/assets/" + "a" * 4000 + ".js", "/watch/../../etc/passwd", "/../etc/passwd", "/./etc/passwd",
]

WRONG_METHODS = [
    ("GET", "/auth_v2/client", {"POST"}), ("DELETE", "/auth_v2/client", {"POST"}), ("GET", "/api/v2/session", {"POST"}),
    ("PUT", "/api/v2/session", {"POST"}), ("BREW", "/api/v2/session", {"POST"}), ("post", "/api/v2/session", {"POST"}),
    ("POST", "/api/v2/io", {"GET", "HEAD"}), ("POST", "/healthz", {"GET", "HEAD"}), ("DELETE", "/readyz", {"GET", "HEAD"}),
    ("TRACE", "/metrics", {"GET", "HEAD"}), ("PUT", "/bridge/v1/streams", {"GET", "HEAD"}), ("GET", "/bridge/v1/sessions", {"POST"}),
    ("POST", "/assets/viaduct.css", {"GET", "HEAD"}), ("DELETE", "/watch/demo", {"GET", "HEAD"}),
]

WHOLE = slice(0, None)

# Ranges of a file of some kilobytes: those that mean nothing are ignored (RFC 9110, 14.2).
RANGES = [
    ("bytes=0-3", 206, slice(0, 4)), ("bytes=5-5", 206, slice(5, 6)), ("bytes=-7", 206, slice(-7, None)),
    ("bytes=10-", 206, slice(10, None)), ("bytes=0-999999999", 206, WHOLE), ("bytes=-999999999", 206, WHOLE),
    ("bytes=999999-", 416, None), ("bytes=999999-1000000", 416, None), ("bytes=-0", 416, None),
    *[(field, 200, WHOLE) for field in ("bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=--5")],
    *[(field, 200, WHOLE) for field in ("bytes=0x1-0x2", "bytes=99999999999999999999-", "0-3")],
]


@pytest.mark.parametrize("name", BROKEN_HEADS)
def test_a_broken_head_is_refused_and_the_connection_ends(bridge, name):
    sent, status = BROKEN_HEADS[name]
    answer = answers(bridge, sent)
    assert statuses(answer) == [status], f"{sent[:200]!r} was answered {answer[:400]!r}"
    assert b"\r\nconnection: close\r\n" in answer.lower(), answer


@pytest.mark.parametrize("name", AMBIGUOUS_FRAMINGS)
def test_a_request_with_two_meanings_hides_no_other(bridge, name):
    fields, status = AMBIGUOUS_FRAMINGS[name]
    answer = answers(bridge, head(POST, "Host: a", *fields) + b"0\r\n\r\n" + SMUGGLED)
    assert statuses(answer) == [status], f"{fields} was answered {answer[:600]!r}"


def test_chunks_are_not_for_http_1_0(bridge):
    answer = answers(bridge, head("POST /auth_v2/client HTTP/1.0", "Host: a", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED)
    assert statuses(answer) == [400], answer


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_broken_chunks_are_no_json_and_end_the_connection(bridge, name):
    answer = answers(bridge, chunked(BROKEN_CHUNKS[name]) + SMUGGLED)
    assert statuses(answer) == [400] and b'"malformed_json"' in answer, answer


def test_sound_chunks_with_extensions_and_trailers_are_read(bridge):
    with RawConnection(bridge.port) as connection:
        connection.send(chunked("1;a=b\r\n[\r\n", "01\r\n]\r\n", "0\r\nX-Trailer: 1\r\n\r\n") + SMUGGLED)
        first, second = connection.reply(), connection.reply()
    assert (first.status, first.code) == (400, "not_an_object"), first
    assert second.status == 200, second


@pytest.mark.parametrize("target", TRAVERSALS)
def test_no_path_leads_out_of_the_assets(bridge, target):
    reply = exchange(bridge, request("GET", target))
    assert reply.status in (400, 404), reply
    assert b"root:" not in reply.body, reply


@pytest.mark.parametrize("method, path, allowed", WRONG_METHODS)
def test_a_wrong_method_is_told_the_right_ones(bridge, method, path, allowed):
    reply = exchange(bridge, request(method, path))
    assert reply.status == 405, reply
    assert set(reply.headers["allow"].split(", ")) == allowed, reply
    if path.startswith(("/api", "/auth")):
        assert reply.json["error"] == "method_not_allowed" and reply.json["request_id"] == reply.headers["x-request-id"], reply


@pytest.mark.parametrize("path, api", [("/api/v9/session", True), ("/auth_v2/nobody", True), ("/api", True), ("/bridge/v2", False)])
def test_an_unknown_path_is_not_found_in_the_words_of_its_api(bridge, path, api):
    reply = exchange(bridge, request("POST", path, "{}"))
    assert (reply.status, reply.code) == (404, "not_found"), reply
    assert ("error" in reply.json) == api, reply


@pytest.mark.parametrize("field, status, part", RANGES)
def test_a_range_is_given_refused_or_ignored(bridge, field, status, part):
    whole = exchange(bridge, request("GET", "/assets/viaduct.css"))
    assert whole.status == 200 and len(whole.body) > 1000, whole
    reply = exchange(bridge, request("GET", "/assets/viaduct.css", Range=field))
    assert reply.status == status, reply
    if part is not None:
        assert reply.body == whole.body[part]
    if status == 416:
        assert reply.headers["content-range"] == f"bytes */{len(whole.body)}", reply


def test_an_unchanged_file_is_not_sent_again(bridge):
    first = exchange(bridge, request("GET", "/assets/viaduct.css"))
    tag = first.headers["etag"]
    for field, status in [(tag, 304), ("*", 304), (f'"x", {tag}', 304), ('"x"', 200), ("\"", 200), (tag[:-1], 200)]:
        reply = exchange(bridge, request("GET", "/assets/viaduct.css", If_None_Match=field))
        assert reply.status == status, f"{field}: {reply}"


# Manners

def test_a_target_in_absolute_form_is_served(bridge):
    reply = exchange(bridge, head("GET http://127.0.0.1/healthz HTTP/1.1", "Host: ignored.example"))
    assert reply.status == 200, reply


def test_head_has_the_fields_of_get_and_no_body(bridge):
    for path in ("/healthz", "/assets/viaduct.css"):
        with RawConnection(bridge.port) as connection:
            connection.send(request("HEAD", path) + request("GET", path))
            short, whole = connection.reply("HEAD"), connection.reply()
        assert short.status == 200 and int(short.headers["content-length"]) == len(whole.body) > 0, short


def test_requests_in_one_segment_are_answered_in_their_order(bridge):
    with RawConnection(bridge.port) as connection:
        connection.send(b"\r\n" + request("GET", "/healthz") + request("GET", "/nowhere/at/all") + request("GET", "/metrics"))
        replies = [connection.reply() for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 404, 200], replies


def test_a_request_that_comes_byte_by_byte_is_served(bridge):
    with RawConnection(bridge.port) as connection:
        for octet in request("POST", "/auth_v2/client", "[]"):
            connection.send(bytes([octet]))
        reply = connection.reply()
    assert (reply.status, reply.code) == (400, "not_an_object"), reply


def test_an_address_may_hold_so_many_connections_and_no_more():
    limit = 12
    with Bridge(http__limits__connections_per_address=limit) as bridge:
        time.sleep(0.5)  # the harness's own connections are closed
        held = [RawConnection(bridge.port) for _ in range(limit)]
        for connection in held:
            connection.send(request("GET", "/healthz"))
            assert connection.reply().status == 200
        assert statuses(answers(bridge, head(GET, "Host: a"))) == [503]
        held.pop().close()
        status = settle(lambda: statuses(answers(bridge, head(GET, "Host: a", "Connection: close"))), lambda seen: seen == [200])
        assert status == [200]
        for connection in held:
            connection.send(request("GET", "/healthz"))
            assert connection.reply().status == 200
            connection.close()


# Time

SLOW = {
    "nothing at all": (b"", b"", None, IDLE_SECONDS),
    "nothing after a request": (request("GET", "/healthz"), b"", 200, IDLE_SECONDS),
    "a head that stops": (b"GET /healthz HT", b"", 408, REQUEST_SECONDS),
    "a head that drips": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"X-Drip: a\r\n", 408, REQUEST_SECONDS),
    "lines that end in LF": (b"GET /healthz HTTP/1.1\nHost: a\n\n", b"", 408, REQUEST_SECONDS),
    "a body that stops": (head(POST, "Host: a", "Content-Length: 100") + b"{", b"", 400, REQUEST_SECONDS),
}


def outlast(port, sent, drip, patience):
    """What the bridge answers to a client that then waits or drips, and after how many seconds it closes."""
    began = time.monotonic()
    with RawConnection(port, timeout=0.5) as connection:
        connection.send(sent)
        while time.monotonic() - began < patience:
            try:
                part = connection.socket.recv(65536)
                connection.buffer += part
                if not part:
                    break
            except TimeoutError:
                if drip and not connection.buffer:
                    connection.send(drip)
        return connection.buffer, time.monotonic() - began


@pytest.mark.patient
def test_a_slow_client_holds_its_connection_no_longer_than_the_limits(bridge):
    with ThreadPoolExecutor(len(SLOW)) as pool:
        found = {name: pool.submit(outlast, bridge.port, sent, drip, limit + 10) for name, (sent, drip, _, limit) in SLOW.items()}
    for name, (_, _, status, limit) in SLOW.items():
        answer, seconds = found[name].result()
        assert statuses(answer) == ([status] if status else []), f"{name}: {answer!r}"
        assert limit - 1 < seconds < limit + 6, f"{name}: ended after {seconds:.1f} s"


def test_a_reader_that_takes_nothing_is_dropped():
    with Bridge(http__limits__slow_reader_timeout="1s") as bridge, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(0.5)
        reader.connect(("127.0.0.1", bridge.port))
        began = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() - began < 15:
                try:
                    reader.send(request("GET", "/assets/viaduct.css") * 100)
                except TimeoutError:
                    pass  # the bridge reads no more requests until the answers to the first are read
        assert bridge.get("/healthz")[0] == 200


def test_the_tables_leave_no_memory_behind(bridge):
    def play():
        for sent, _ in BROKEN_HEADS.values():
            answers(bridge, sent)
        for fields, _ in AMBIGUOUS_FRAMINGS.values():
            answers(bridge, head(POST, "Host: a", *fields) + SMUGGLED)
        for parts in BROKEN_CHUNKS.values():
            answers(bridge, chunked(parts))

    for _ in range(3):
        play()
    before = Usage.at_rest(bridge)
    for _ in range(20):
        play()
    before.check_returned(bridge, MEMORY_KIBIBYTES)
