"""WebSocket frames as nobody should send them: the close codes are the specified ones, and the bridge goes on."""

import struct

import pytest

from raw import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawConnection, RawSocket, Usage, check_goes_on, client_token, exchange, frame, request,
    upgrade)

pytestmark = pytest.mark.sturdy

LIMIT = 256 * 1024  # bytes of one message
MEMORY_KIBIBYTES = 16 * 1024  # that may stay behind when the tables have been played over and over
PATH = "/api/v2/io"


@pytest.fixture(scope="module")
def token(bridge):
    return client_token(bridge, "hostile")


@pytest.fixture(autouse=True)
def goes_on(bridge):
    yield
    check_goes_on(bridge)


def closing(code, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


# Bytes that end the socket, and the code that says why (RFC 6455; the contract's section 6.5).
BROKEN_FRAMES = {
    "an unmasked message": (frame(TEXT, "{}", masked=False), 1002),
    "an unmasked ping": (frame(PING, masked=False), 1002),
    **{f"opcode {opcode:x}": (frame(opcode, "a"), 1002) for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)},
    **{f"reserved bits {bits:03b}": (frame(TEXT, "{}", reserved=bits), 1002) for bits in range(1, 8)},
    "a ping in fragments": (frame(PING, "a", final=False), 1002),
    "a close in fragments": (frame(CLOSE, struct.pack(">H", 1000), final=False), 1002),
    "a ping of 126 bytes": (frame(PING, "a" * 126), 1002),
    "a close of 126 bytes": (closing(1000, b"a" * 124), 1002),
    "a continuation of nothing": (frame(CONTINUATION, "{}"), 1002),
    "a message inside of another": (frame(TEXT, "{", final=False) + frame(TEXT, "}"), 1002),
    "a binary message inside of a text": (frame(TEXT, "{", final=False) + frame(BINARY, "}"), 1002),
    "a length of 2 bytes for 5": (frame(TEXT, "hello", length=(126, struct.pack(">H", 5))), 1002),
    "a length of 8 bytes for 5": (frame(TEXT, "hello", length=(127, struct.pack(">Q", 5))), 1002),
    "a length with the highest bit": (frame(TEXT, "", length=(127, struct.pack(">Q", 1 << 63))), 1002),
    "a length of all ones": (frame(TEXT, "", length=(127, b"\xff" * 8)), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    **{f"close code {code}": (closing(code), 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535)},
    "a close reason that is not UTF-8": (closing(1000, b"\xff"), 1007),
    "a text that is not UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "a text with a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a text with an overlong NUL": (frame(TEXT, b"\xc0\x80"), 1007),
    "a text that ends within a character": (frame(TEXT, b"\xe2\x82"), 1007),
    "a character beyond Unicode": (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "fragments that are not UTF-8 together": (frame(TEXT, b"\xe2", final=False) + frame(CONTINUATION, b"\xe2"), 1007),
    "a binary message": (frame(BINARY, b"\x00\xff"), 1003),
    "an empty binary message": (frame(BINARY), 1003),
    "a message of one byte too many": (frame(TEXT, "", length=(127, struct.pack(">Q", LIMIT + 1))), 1009),
    "a binary message that is too large": (frame(BINARY, "", length=(127, struct.pack(">Q", LIMIT + 1))), 1009),
    "a message of 300 KiB": (frame(TEXT, "a" * 300 * 1024), 1009),
    "a message of nearly all bytes there are": (frame(TEXT, "", length=(127, struct.pack(">Q", (1 << 63) - 1))), 1009),
    "fragments that are too large together": (
        frame(TEXT, "a" * (LIMIT - 5), final=False) + frame(CONTINUATION, "b" * 6, final=False), 1009),
}


def close_code(bridge, token, sent):
    """What a new socket is closed with after these bytes; the connection must end as well."""
    with RawSocket(bridge, PATH, token) as socket:
        socket.send(sent)
        code = socket.close_code()
        socket.answer_close(code)
        assert socket.rest() == b"", "something came after the close frame"
        return code


@pytest.mark.parametrize("name", BROKEN_FRAMES)
def test_a_broken_frame_closes_the_socket_with_its_code(bridge, token, name):
    sent, code = BROKEN_FRAMES[name]
    assert close_code(bridge, token, sent) == code


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999])
def test_a_close_frame_is_echoed(bridge, token, code):
    assert close_code(bridge, token, closing(code, "até já".encode())) == code


def test_a_close_frame_without_code_is_echoed_without_code(bridge, token):
    assert close_code(bridge, token, frame(CLOSE)) == 1005


def test_nothing_is_heard_after_a_close_frame(bridge, token):
    assert close_code(bridge, token, closing(1000) + frame(TEXT, "hello") * 20) == 1000


def test_a_ping_is_answered_also_between_the_fragments_of_a_message(bridge, token):
    payload = bytes(range(125))
    with RawSocket(bridge, PATH, token) as socket:
        socket.send(frame(TEXT, "hel", final=False) + frame(PING, payload))
        assert socket.next_frame() == (PONG, payload)
        socket.send(frame(CONTINUATION, "", final=False) + frame(PONG, b"unasked") + frame(CONTINUATION, "lo"))
        assert socket.next_message()["data"]["code"] == "malformed_json"


def test_a_message_of_exactly_the_limit_is_read(bridge, token):
    with RawSocket(bridge, PATH, token) as socket:
        socket.send(frame(TEXT, "é" * (LIMIT // 2)))
        assert socket.next_message()["data"]["code"] == "malformed_json"
        socket.send(frame(TEXT, "a" * (LIMIT - 1), final=False) + frame(CONTINUATION, "b"))
        assert socket.next_message()["data"]["code"] == "malformed_json"


def test_a_frame_that_comes_byte_by_byte_is_read(bridge, token):
    with RawSocket(bridge, PATH, token) as socket:
        for octet in frame(TEXT, "héllo"):
            socket.send(bytes([octet]))
        assert socket.next_message()["data"]["code"] == "malformed_json"


def test_frames_that_come_with_the_handshake_are_read(bridge, token):
    with RawConnection(bridge.port) as connection:
        connection.send(upgrade(f"{PATH}?auth_token={token}") + frame(PING, b"early"))
        assert connection.receive_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        assert connection.receive(7) == bytes([0x80 | PONG, 5]) + b"early"


# The opening handshake

HANDSHAKES = {
    "no version": ({"Sec_WebSocket_Version": ""}, 426),
    "an old version": ({"Sec_WebSocket_Version": "8"}, 426),
    "no key": ({"key": ""}, 400),
    "a short key": ({"key": "AAAA"}, 400),
    "a key that is not base64": ({"key": "!" * 22 + "=="}, 400),
    "a body": ({"Content_Length": "5"}, 400),
    "another protocol": ({"Upgrade": "h2c"}, 426),
    "no upgrade in Connection": ({"Connection": "keep-alive"}, 426),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_a_broken_handshake_gets_an_http_reply(bridge, token, name):
    fields, status = HANDSHAKES[name]
    reply = exchange(bridge, upgrade(f"{PATH}?auth_token={token}", **fields))
    assert reply.status == status, reply
    if status == 426:
        assert reply.headers["upgrade"].lower() == "websocket", reply


def test_a_request_without_upgrade_is_told_to_upgrade(bridge, token):
    for path in (PATH, "/bridge/v1/io"):
        reply = exchange(bridge, request("GET", f"{path}?auth_token={token}"))
        assert (reply.status, reply.headers["upgrade"]) == (426, "websocket"), reply


@pytest.mark.parametrize("path, status", [
    ("/api/v2/nowhere", 404), ("/api/v2/supervisor_io/x", 404), ("/bridge/v1/nowhere", 404), ("/nowhere", 404), ("/watch/demo", 200)])
def test_there_is_no_socket_elsewhere(bridge, token, path, status):
    reply = exchange(bridge, upgrade(f"{path}?auth_token={token}"))
    assert reply.status == status, reply  # a page stays a page: a server may ignore an upgrade (RFC 9110, 7.8)


def test_no_extension_and_no_subprotocol_is_selected(bridge, token):
    fields = {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits", "Sec_WebSocket_Protocol": "rtm, chat"}
    with RawConnection(bridge.port) as connection:
        connection.send(upgrade(f"{PATH}?auth_token={token}", key="dGhlIHNhbXBsZSBub25jZQ==", **fields))
        reply = connection.reply()
    assert reply.status == 101, reply
    assert reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", reply  # the example of RFC 6455, 1.3
    assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & set(reply.headers), reply


def test_a_connection_that_breaks_within_a_frame_leaves_nothing(bridge, token):
    before = Usage.at_rest(bridge)
    for part in range(1, 40):
        with RawSocket(bridge, PATH, token) as socket:
            socket.send(frame(TEXT, "a" * 200)[:part])
    before.check_returned(bridge, MEMORY_KIBIBYTES)


def test_the_tables_leave_no_memory_behind(bridge, token):
    def play():
        for sent, _ in BROKEN_FRAMES.values():
            close_code(bridge, token, sent)

    for _ in range(3):
        play()
    before = Usage.at_rest(bridge)
    for _ in range(15):
        play()
    before.check_returned(bridge, MEMORY_KIBIBYTES)
