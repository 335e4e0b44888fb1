"""REST calls with bodies and fields that are not the documented ones, or that come too often: the error is the specified one."""

import json

import pytest

from bridge import Bridge
from raw import RawConnection, Usage, answers, check_goes_on, client_token, exchange, head, post, request, statuses

pytestmark = pytest.mark.sturdy

KIBIBYTE = 1024
POST = "POST /auth_v2/client HTTP/1.1"
MEMORY_KIBIBYTES = 16 * KIBIBYTE  # that may stay behind when the table has been played over and over


@pytest.fixture(autouse=True)
def goes_on(bridge):
    yield
    check_goes_on(bridge)


BODIES = [
    ("{", 400, "malformed_json"), ("", 400, "malformed_json"), ("nothing", 400, "malformed_json"), ("{}{}", 400, "malformed_json"),
    ('{"a":}', 400, "malformed_json"), ("{'master_key':1}", 400, "malformed_json"), ('{"a":"\\ud800"}', 400, "malformed_json"),
    ('{"a":"\x01"}', 400, "malformed_json"), (b'{"a":"\xff\xfe"}', 400, "malformed_json"), ("\0", 400, "malformed_json"),
    ("[" * 30000, 400, "malformed_json"), ("[" * 30000 + "]" * 30000, 400, "malformed_json"), ('{"a":' * 10000, 400, "malformed_json"),
    ('{"a":01}', 400, "malformed_json"), ('{"a":1e}', 400, "malformed_json"), ('{"a":NaN}', 400, "malformed_json"),
    ("[]", 400, "not_an_object"), ("null", 400, "not_an_object"), ("5", 400, "not_an_object"), ('"{}"', 400, "not_an_object"),
    ("{}", 400, "missing_field"), ('{"master_key":null}', 400, "missing_field"), ('{"master_key":5}', 400, "invalid_field"),
    ('{"master_key":""}', 400, "invalid_field"), ('{"master_key":"' + "k" * 513 + '"}', 400, "invalid_field"),
    ('{"master_key":{"$ne":""}}', 400, "invalid_field"), ("\ufeff{}", 400, "missing_field"),
]

CLIENT_FIELDS = [
    ({}, "missing_field", "client_id"), ({"client_id": None}, "missing_field", "client_id"),
    *[({"client_id": value}, "invalid_field", "client_id") for value in (5, "", [], "c" * 129, "\u00fc" * 65, "a\0b", "a\nb", "a\x7fb")],
    *[({"client_id": "c", "token_ttl_s": value}, "invalid_field", "token_ttl_s") for value in (0, -1, 59, 604801, 10**9, 60.5, 1e300)],
    *[({"client_id": "c", "token_ttl_s": value}, "invalid_field", "token_ttl_s") for value in ("60", True, [], {})],
]


@pytest.mark.parametrize("body, status, code", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_not_the_documented_one_is_refused(bridge, body, status, code):
    reply = post(bridge, "/auth_v2/client", body)
    assert (reply.status, reply.code) == (status, code), f"{body[:100]!r}: {reply}"
    assert set(reply.json) <= {"error", "msg", "field", "request_id"}, reply


@pytest.mark.parametrize("fields, code, field", CLIENT_FIELDS, ids=range(len(CLIENT_FIELDS)))
def test_a_field_that_is_not_the_documented_one_is_named(bridge, fields, code, field):
    reply = post(bridge, "/auth_v2/client", {"master_key": bridge.master_key, **fields})
    assert (reply.status, reply.json["error"], reply.json.get("field")) == (400, code, field), reply


CONTENT_TYPES = ["application/x-www-form-urlencoded", "text/plain", "image/png", "", "application/json; charset=x"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_the_content_type_of_a_body_does_not_matter(bridge, content_type):
    body = json.dumps({"master_key": bridge.master_key, "client_id": "c", "token_ttl_s": 60.0, "unknown": [1]})
    reply = exchange(bridge, request("POST", "/auth_v2/client/", body, Content_Type=content_type))
    assert reply.status == 201 and set(reply.json) == {"auth_token"}, reply
    assert reply.headers["cache-control"] == "no-store", reply


def test_of_two_members_of_one_name_the_last_counts(bridge):
    reply = post(bridge, "/auth_v2/client", f'{{"master_key":"wrong","client_id":"c","master_key":"{bridge.master_key}"}}')
    assert reply.status == 201, reply


@pytest.mark.parametrize("size", [64 * KIBIBYTE + 1, KIBIBYTE * KIBIBYTE + 1])
@pytest.mark.parametrize("path", ["/auth_v2/client", "/api/v2/session", "/bridge/v1/sessions"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(bridge, path, size):
    is_native = path.startswith("/bridge")
    token = bridge.token("any", "watch") if is_native else client_token(bridge, "c")
    fields = ["Host: a", f"Authorization: Bearer {token}", f"Content-Length: {size}"]
    if is_native:  # only the Eyeson contract says that the connection ends
        fields.append("Connection: close")
    answer = answers(bridge, head(f"POST {path} HTTP/1.1", *fields) + b" " * size)
    assert statuses(answer) == [413] and b'"body_too_large"' in answer, answer[:600]
    assert b"\r\nconnection: close\r\n" in answer.lower(), answer[:600]


def test_a_body_of_chunks_that_is_too_large_is_refused(bridge):
    part = f"{64 * KIBIBYTE:x}\r\n{' ' * 64 * KIBIBYTE}\r\n".encode()
    answer = answers(bridge, head(POST, "Host: a", "Transfer-Encoding: chunked") + part + part + b"0\r\n\r\n")
    assert statuses(answer) == [413] and b'"body_too_large"' in answer, answer[:600]


def test_a_client_that_waits_for_100_hears_at_once_that_its_body_is_too_large(bridge):
    fields = ["Host: a", "Expect: 100-continue", f"Content-Length: {10**12}"]
    with RawConnection(bridge.port) as connection:
        connection.send(head(POST, *fields))
        reply = connection.reply()
    assert (reply.status, reply.code) == (413, "body_too_large"), reply


def test_a_client_that_waits_for_100_gets_it(bridge):
    with RawConnection(bridge.port) as connection:
        connection.send(head(POST, "Host: a", "Expect: 100-continue", "Content-Length: 2"))
        interim = connection.reply()
        connection.send(b"{}")
        reply = connection.reply()
    assert (interim.status, reply.status, reply.code) == (100, 400, "missing_field"), reply


def test_wrong_keys_are_counted_by_address_and_then_not_even_tried():
    with Bridge() as bridge:
        wrong = {"master_key": "vk_wrong", "client_id": "c"}
        body = json.dumps(wrong)
        codes = [exchange(bridge, request("POST", "/auth_v2/client", body)).code for _ in range(10)]
        assert codes == ["invalid_master_key"] * 10
        right = json.dumps({"master_key": bridge.master_key, "client_id": "c"})
        for body in (json.dumps(wrong), right):
            reply = exchange(bridge, request("POST", "/auth_v2/client", body))
            assert (reply.status, reply.code) == (429, "rate_limited"), reply
            assert 1 <= int(reply.headers["retry-after"]) <= 60, reply


def test_a_key_that_is_used_too_often_has_to_wait(bridge):
    key = json.loads(bridge.command("keys", "create", "--name", "hasty", "--json"))["key"]
    body = json.dumps({"master_key": key, "client_id": "c"})
    with RawConnection(bridge.port) as connection:
        connection.send(request("POST", "/auth_v2/client", body) * 80)
        replies = [connection.reply() for _ in range(80)]
    assert [reply.status for reply in replies[:40]] == [201] * 40, replies[:40]
    late = [reply for reply in replies if reply.status != 201]
    assert late, "80 calls at once were all taken, although 40 at once and 20 a second are allowed"
    assert {(reply.status, reply.code, reply.headers["retry-after"]) for reply in late} == {(429, "rate_limited", "1")}, late


def test_pages_of_other_origins_may_call_the_api_but_not_the_key_paths(bridge):
    reply = exchange(bridge, request("OPTIONS", "/api/v2/session", Origin="https://a.example", Access_Control_Request_Method="POST"))
    assert reply.status == 204 and reply.headers["access-control-allow-origin"] == "*", reply
    assert reply.headers["access-control-allow-methods"] == "GET, POST, DELETE, OPTIONS", reply
    assert reply.headers["access-control-allow-headers"] == "authorization, content-type", reply
    assert reply.headers["access-control-max-age"] == "600", reply
    refused = post(bridge, "/api/v2/session", "{}")
    assert (refused.status, refused.headers.get("access-control-allow-origin")) == (401, "*"), refused
    closed = exchange(bridge, request("OPTIONS", "/auth_v2/client", Origin="https://a.example"))
    assert closed.status == 405 and "access-control-allow-origin" not in closed.headers, closed


def test_the_table_leaves_no_memory_behind(bridge):
    def play():
        for body, _, _ in BODIES:
            post(bridge, "/auth_v2/client", body)

    for _ in range(3):
        play()
    before = Usage.at_rest(bridge)
    for _ in range(20):
        play()
    before.check_returned(bridge, MEMORY_KIBIBYTES)
