"""Keys and tokens: what is forged, over, withdrawn or meant for something else opens nothing."""

import base64
import hashlib
import hmac
import json
import time
import urllib.parse

import pytest

import media
import rtm
from bridge import Bridge
from raw import RTMSocket, client_token, exchange, new_session, offer, post, request, settle, upgrade

pytestmark = pytest.mark.sturdy

CLIENT = "client-0"
STREAM = "front door/camera"
# The contract's vector: sound, but signed by a key that this bridge does not have.
FOREIGN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InQxIn0.eyJpc3MiOiJ2aWFkdWN0IiwiYXVkIjoic3RyZWFtcmVjIiwic3ViIjoiY2xpZW50LTAiLCJjbGllbn"
    "RfaWQiOiJjbGllbnQtMCIsInJvbGUiOiJjbGllbnQiLCJhcGlfaWQiOiJhY21lIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6InQtMSJ9"
    ".I-cEs4rizf6BS4D7-1abQQtHu4Xub2y2_NtLoEwt4n0")


@pytest.fixture(scope="module")
def token(bridge):
    return client_token(bridge, CLIENT)


def encode(value):
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forged(token, key=b"", algorithm=None, **changes):
    """The token with other claims or another algorithm, signed by a key that a forger could have."""
    header, claims, signature = token.split(".")
    fields = decode(header)
    if algorithm is not None:
        fields["alg"] = algorithm
    fields |= changes.pop("header", {})
    signed = f"{encode(fields)}.{encode({**decode(claims), **changes})}"
    if algorithm == "none":
        return f"{signed}."
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha256)
    return f"{signed}.{encode(hmac.new(key, signed.encode(), digest).digest())}" if key else f"{signed}.{signature}"


FORGERIES = {
    "the vector of another bridge": lambda token: FOREIGN,
    "other claims under the old signature": lambda token: forged(token, client_id="admin", sub="admin"),
    "a later end under the old signature": lambda token: forged(token, exp=4102444800),
    "the role of the operator": lambda token: forged(token, role="admin", aud="bridge"),
    "no algorithm": lambda token: forged(token, algorithm="none"),
    "no algorithm, but the old signature": lambda token: forged(token, header={"alg": "none"}),
    "an algorithm of another case": lambda token: forged(token, algorithm="NONE"),
    "another hash": lambda token: forged(token, key=b"secret", algorithm="HS512"),
    "a public key's algorithm": lambda token: forged(token, header={"alg": "RS256"}),
    "a forger's key": lambda token: forged(token, key=b"viaduct"),
    "an empty key": lambda token: token.rpartition(".")[0] + "." + encode(
        hmac.new(b"", token.rpartition(".")[0].encode(), hashlib.sha256).digest()),
    "an unknown key's name": lambda token: forged(token, header={"kid": "sk_0000000000000000"}),
    "a key's name that is a path": lambda token: forged(token, key=b"", header={"kid": "../../../dev/null"}),
    "a key's name that is SQL": lambda token: forged(token, key=b"x", header={"kid": "' OR '1'='1"}),
    "an extension that must be understood": lambda token: forged(token, header={"crit": ["exp"]}),
    "a key of its own": lambda token: forged(token, key=b"k", header={"jwk": {"kty": "oct", "k": "aw"}, "jku": "http://127.0.0.1:1/"}),
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "two segments": lambda token: token.rpartition(".")[0],
    "four segments": lambda token: token + "." + token.rpartition(".")[2],
    "half of it": lambda token: token[: len(token) // 2],
    "one letter less": lambda token: token[:-1],
    "one letter more": lambda token: token + "A",
    "a stray bit at the end": lambda token: token[:-1] + chr(ord(token[-1]) + 1),
    "padding": lambda token: token + "=",
    "the same twice": lambda token: token + token,
    "dots": lambda token: "..",
    "a word": lambda token: "xxx",
    "5000 letters": lambda token: "a" * 5000,
    "claims that are no JSON": lambda token: ".".join([token.split(".")[0], encode(b"{"), token.split(".")[2]]),
    "deep claims": lambda token: ".".join([token.split(".")[0], encode(b"[" * 1000), token.split(".")[2]]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_or_damaged_token_is_invalid_everywhere(bridge, token, name):
    bad = FORGERIES[name](token)
    assert bad != token
    body = json.dumps({"client_id": CLIENT})
    quoted = urllib.parse.quote(bad)
    for sent in (
        request("POST", "/api/v2/session", body, Authorization=f"Bearer {bad}"), upgrade(f"/api/v2/io?auth_token={quoted}"),
        upgrade("/api/v2/io", Authorization=f"Bearer {bad}"),
    ):
        reply = exchange(bridge, sent)
        assert (reply.status, reply.code) == (401, "token_invalid"), reply
        assert reply.headers["www-authenticate"] == 'Bearer realm="streamrec", error="invalid_token"', reply
    for sent in (
        request("POST", "/bridge/v1/sessions", json.dumps({"stream": STREAM}), Authorization=f"Bearer {bad}"),
        request("GET", "/bridge/v1/recordings", Authorization=f"Bearer {bad}"), upgrade(f"/bridge/v1/io?auth_token={quoted}"),
    ):
        reply = exchange(bridge, sent)
        assert (reply.status, reply.code) == (401, "token_invalid"), reply


@pytest.mark.parametrize("field", [None, "", "Basic YTpi", "Token abc", "bearer", "Bearer", "Bearer a b", "Bearer \u00e4", "Bearer a,b"])
def test_a_bearer_field_that_holds_no_token_is_told_apart(bridge, field):
    fields = {} if field is None else {"Authorization": field}
    reply = exchange(bridge, request("POST", "/api/v2/session", "{}", **fields))
    is_bearer = (field or "").lower().startswith("bearer")
    assert (reply.status, reply.code) == (401, "token_invalid" if is_bearer else "token_missing"), reply
    challenge = reply.headers["www-authenticate"]
    assert challenge == 'Bearer realm="streamrec"' + (', error="invalid_token"' if is_bearer else ""), reply


def test_the_token_is_checked_before_the_body(bridge):
    assert post(bridge, "/api/v2/session", "{").code == "token_missing"


def test_the_name_of_the_scheme_may_be_written_in_any_case(bridge, token):
    reply = exchange(bridge, request("POST", "/api/v2/session", json.dumps({"client_id": CLIENT}), Authorization=f"bEARER {token}"))
    assert reply.status == 201, reply


def test_rest_takes_no_token_from_the_query(bridge, token):
    reply = post(bridge, f"/api/v2/session?auth_token={token}", {"client_id": CLIENT})
    assert (reply.status, reply.code) == (401, "token_missing"), reply


def test_a_socket_takes_two_tokens_only_if_they_are_the_same(bridge, token):
    same = exchange(bridge, upgrade(f"/api/v2/io?auth_token={token}", Authorization=f"Bearer {token}"))
    assert same.status == 101, same
    other = client_token(bridge, CLIENT)
    reply = exchange(bridge, upgrade(f"/api/v2/io?auth_token={token}", Authorization=f"Bearer {other}"))
    assert (reply.status, reply.code) == (401, "token_invalid"), reply
    missing = exchange(bridge, upgrade("/api/v2/io"))
    assert (missing.status, missing.code) == (401, "token_missing"), missing


def test_where_it_is_set_a_token_opens_one_socket_only():
    with Bridge(streamrec__single_use_socket="true") as bridge:
        token = client_token(bridge, CLIENT)
        assert exchange(bridge, upgrade(f"/api/v2/io?auth_token={token}", key="short")).status == 400  # opens nothing and burns nothing
        assert exchange(bridge, upgrade(f"/api/v2/io?auth_token={token}")).status == 101
        reply = exchange(bridge, upgrade(f"/api/v2/io?auth_token={token}"))
        assert (reply.status, reply.code) == (401, "token_revoked"), reply
        assert exchange(bridge, upgrade(f"/api/v2/io?auth_token={client_token(bridge, CLIENT)}")).status == 101


@pytest.mark.parametrize("body, status, code", [
    ({"client_id": "client-1"}, 403, "client_mismatch"), ({"client_id": "CLIENT-0"}, 403, "client_mismatch"),
    ({}, 400, "missing_field"), ({"client_id": 0}, 400, "invalid_field"), ([], 400, "not_an_object"), ("", 400, "malformed_json"),
])
def test_a_session_is_for_the_client_of_the_token(bridge, token, body, status, code):
    reply = post(bridge, "/api/v2/session", body, token)
    assert (reply.status, reply.code) == (status, code), reply


# Roles

def check_wrong_role_of_the_dialect(bridge, other):
    for reply in (
        post(bridge, "/api/v2/session", {"client_id": CLIENT}, other), exchange(bridge, upgrade(f"/api/v2/io?auth_token={other}")),
    ):
        assert (reply.status, reply.code) == (403, "wrong_role"), reply


@pytest.mark.parametrize("role", ["supervisor", "stats"])
def test_other_roles_of_the_dialect_publish_nothing(bridge, role):
    body = {"master_key": bridge.master_key, "client_id": CLIENT, "client_to_monitor": "client-1"}
    minted = post(bridge, f"/auth_v2/{role}", body)
    assert minted.status == 201, minted
    other = minted.json["auth_token"]
    check_wrong_role_of_the_dialect(bridge, other)


@pytest.mark.parametrize("allow", ["watch", "publish", "admin"])
def test_native_tokens_are_not_for_the_dialect(bridge, allow):
    native = bridge.operator_token if allow == "admin" else bridge.token(CLIENT, allow)
    check_wrong_role_of_the_dialect(bridge, native)


def test_tokens_of_the_dialect_are_not_for_the_native_api(bridge, token):
    for sent in (
        request("POST", "/bridge/v1/sessions", json.dumps({"stream": CLIENT}), Authorization=f"Bearer {token}"),
        request("GET", "/bridge/v1/recordings", Authorization=f"Bearer {token}"), upgrade(f"/bridge/v1/io?auth_token={token}"),
    ):
        reply = exchange(bridge, sent)
        assert (reply.status, reply.code) == (403, "wrong_role"), reply


@pytest.mark.parametrize("allow, direction, stream, status, code", [
    ("watch", "watch", STREAM, 201, None), ("publish", "publish", STREAM, 201, None),
    ("watch", "publish", STREAM, 403, "wrong_role"), ("publish", "watch", STREAM, 403, "wrong_role"),
    ("watch", "watch", "another", 403, "forbidden"), ("publish", "publish", "another", 403, "forbidden"),
    ("watch", "watch", STREAM.upper(), 403, "forbidden"), ("watch", "watch", "", 400, "invalid_field"),
    ("watch", "both", STREAM, 400, "invalid_field"), ("watch", "watch", 5, 400, "invalid_field"),
])
def test_a_native_token_opens_its_stream_in_its_direction(bridge, allow, direction, stream, status, code):
    reply = post(bridge, "/bridge/v1/sessions", {"stream": stream, "direction": direction}, bridge.token(STREAM, allow))
    assert (reply.status, reply.code if status != 201 else None) == (status, code), reply
    if status != 201:
        assert reply.headers["content-type"] == "application/problem+json", reply


def test_without_a_token_nothing_private_is_seen(bridge):
    for sent in (
        request("POST", "/bridge/v1/sessions", json.dumps({"stream": STREAM})), request("GET", "/bridge/v1/streams"),
        request("GET", "/bridge/v1/streams/any"), request("GET", "/bridge/v1/recordings"),
        request("POST", "/bridge/v1/watch-links", json.dumps({"stream": STREAM})), upgrade("/bridge/v1/io"),
    ):
        reply = exchange(bridge, sent)
        assert (reply.status, reply.code) == (401, "token_missing"), reply


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/bridge/v1/recordings", ""), ("GET", "/bridge/v1/recordings/x", ""), ("GET", "/bridge/v1/recordings/x/file", ""),
    ("POST", "/bridge/v1/recordings/x/stop", ""), ("POST", "/bridge/v1/streams/x/recordings", "{}"),
    ("POST", "/bridge/v1/watch-links", '{"stream":"x"}'),
])
def test_what_belongs_to_the_operator_needs_the_operators_token(bridge, method, path, body):
    for allow in ("watch", "publish"):
        reply = exchange(bridge, request(method, path, body, Authorization=f"Bearer {bridge.token('x', allow)}"))
        assert (reply.status, reply.code) == (403, "wrong_role"), reply


# Time

def test_an_expired_token_is_told_apart_from_an_invalid_one(bridge):
    expiring = bridge.token(STREAM, "watch", ttl="1s")
    sent = request("POST", "/bridge/v1/sessions", json.dumps({"stream": STREAM}), Authorization=f"Bearer {expiring}")
    assert exchange(bridge, sent).status == 201
    # Tokens live five seconds longer than they say, for clocks that differ.
    reply = settle(lambda: exchange(bridge, sent), lambda reply: reply.status != 201, timeout=9)
    assert (reply.status, reply.code) == (401, "token_expired"), reply
    socket = exchange(bridge, upgrade(f"/bridge/v1/io?auth_token={expiring}"))
    assert (socket.status, socket.code) == (401, "token_expired"), socket


def test_a_watch_link_carries_a_grant_that_says_when_it_ends(bridge):
    before = time.time()
    status, link = bridge.post("/bridge/v1/watch-links", {"stream": STREAM, "ttl_s": 60}, bridge.operator_token)
    assert status == 201, link
    page, _, grant = link["url"].partition("#token=")
    assert page == f"{bridge.base}/watch/front%20door%2Fcamera" and grant == link["auth_token"], link
    claims = decode(grant.split(".")[1])
    assert (claims["role"], claims["stream"]) == ("watch", STREAM), claims
    assert 59 <= claims["exp"] - before <= 62, claims
    assert bridge.get(page.removeprefix(bridge.base))[0] == 200
    assert post(bridge, "/bridge/v1/sessions", {"stream": STREAM}, grant).status == 201
    for ttl in (0, 59, 604801, "60", 60.5):
        refused = post(bridge, "/bridge/v1/watch-links", {"stream": STREAM, "ttl_s": ttl}, bridge.operator_token)
        assert (refused.status, refused.code) == (400, "invalid_field"), refused


# Accounts

@pytest.fixture(scope="module")
def other_key(bridge):
    return json.loads(bridge.command("keys", "create", "--dialect", "eyeson", "--name", "other", "--json"))


def test_a_session_of_another_account_is_not_found_even_for_a_client_of_the_same_name(bridge, token, other_key):
    session = new_session(bridge, CLIENT, token)
    stranger = client_token(bridge, CLIENT, key=other_key["key"])
    with RTMSocket(bridge, CLIENT, stranger, session=session) as socket:
        socket.tell("session_start", {"sdp": {"type": "offer", "sdp": offer("obs-31-whip")}})
        assert socket.next_message()["data"]["code"] == "session_not_found"
        assert socket.close_code() == 4404


def test_a_live_stream_cannot_be_taken_over_by_another_account(bridge, network, other_key):
    clip, seen = media.Clip("VP8", 20), "/bridge/v1/streams/shared-name"
    with rtm.Camera(network, bridge, "shared-name", *clip.tracks(), codec=clip.codec) as camera:
        owner = {"authorization": f"Bearer {bridge.operator_token}"}
        settle(lambda: bridge.get(seen, headers=owner)[0], lambda status: status == 200)
        since = json.loads(bridge.get(seen, headers=owner)[2])["since"]
        with RTMSocket(bridge, "shared-name", client_token(bridge, "shared-name", key=other_key["key"])) as thief:
            message = thief.start(offer("aiortc-publish"))
            assert message["type"] == "error" and message["data"]["code"] == "unacceptable_offer", message
        status, _, body = bridge.get(seen, headers=owner)
        assert status == 200 and json.loads(body)["since"] == since, body
        for allow, name, wanted in [("watch", "shared-name", 200), ("watch", "another", 404)]:
            headers = {"authorization": f"Bearer {bridge.token(name, allow)}"}
            assert bridge.get(seen, headers=headers)[0] == wanted
            listed = json.loads(bridge.get("/bridge/v1/streams", headers=headers)[2])["streams"]
            assert [stream["id"] for stream in listed] == (["shared-name"] if wanted == 200 else [])
        assert camera.leave() == "CLIENT_STOP"


def test_a_revoked_key_opens_nothing_and_its_account_may_have_two(bridge):
    made = [json.loads(bridge.command("keys", "create", "--name", "rotating", "--json")) for _ in range(2)]
    for one in made:
        assert post(bridge, "/auth_v2/client", {"master_key": one["key"], "client_id": CLIENT}).status == 201
    with pytest.raises(AssertionError, match="live keys"):
        bridge.command("keys", "create", "--name", "rotating", "--json")
    bridge.command("keys", "revoke", made[0]["id"])
    reply = post(bridge, "/auth_v2/client", {"master_key": made[0]["key"], "client_id": CLIENT})
    assert (reply.status, reply.code) == (401, "invalid_master_key"), reply
    assert post(bridge, "/auth_v2/client", {"master_key": made[1]["key"], "client_id": CLIENT}).status == 201
    listed = bridge.command("keys", "list")
    assert made[0]["id"] in listed and made[0]["key"] not in listed, listed
    bridge.command("keys", "create", "--name", "rotating", "--json")


# Public streams

def test_a_public_stream_is_watched_without_a_token_but_not_published():
    with Bridge(streams__public="true") as bridge:
        reply = post(bridge, "/bridge/v1/sessions", {"stream": "anything"})
        assert reply.status == 201, reply
        assert {"auth_token", "session_id", "ws_endpoint", "client_id", "stream", "ice_credentials"} == set(reply.json), reply
        assert exchange(bridge, upgrade(f"/bridge/v1/io?auth_token={reply.json['auth_token']}")).status == 101
        refused = post(bridge, "/bridge/v1/sessions", {"stream": "anything", "direction": "publish"})
        assert (refused.status, refused.code) == (401, "token_missing"), refused
        viewer = reply.json["auth_token"]
        published = post(bridge, "/bridge/v1/sessions", {"stream": "anything", "direction": "publish"}, viewer)
        assert (published.status, published.code) == (403, "wrong_role"), published
        assert post(bridge, "/bridge/v1/sessions", {"stream": "another"}, viewer).code == "forbidden"
        assert exchange(bridge, request("GET", "/bridge/v1/streams")).json == {"streams": []}
        assert exchange(bridge, request("GET", "/bridge/v1/recordings")).code == "token_missing"
