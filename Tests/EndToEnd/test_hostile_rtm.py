"""RTM messages that are malformed, of somebody else, or too many: each gets its error, and honest sessions go on."""

import json

import pytest

from bridge import Bridge
from raw import TEXT, RawSocket, RTMSocket, Usage, check_goes_on, client_token, frame, new_session, offer, post

pytestmark = pytest.mark.sturdy

CLIENT = "hostile"
MEMORY_KIBIBYTES = 16 * 1024  # that may stay behind when the tables have been played over and over
KNOWN = "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host"
ANSWER = {"type": "answer", "sdp": "v=0\r\n"}
OFFER = {"type": "offer", "sdp": offer("chromium-156-publish")}


@pytest.fixture(scope="module")
def token(bridge):
    return client_token(bridge, CLIENT)


@pytest.fixture
def socket(bridge, token):
    with RTMSocket(bridge, CLIENT, token) as opened:
        yield opened


@pytest.fixture(autouse=True)
def goes_on(bridge):
    yield
    check_goes_on(bridge)


# Texts that are no message at all: the code, and the field that is named.
BROKEN_TEXTS = [
    *[(text, "malformed_json", None) for text in (
        "", "hello", "[1]", "null", "5", '"session_start"', "{", "{}{}", '{"type":"session_start",}', '{"type":"\\ud800"}', "\0",
        "[" * 100_000, '{"a":' * 40_000, "[" * 60_000 + "]" * 60_000)],
    ("{}", "missing_field", "type"), ('{"type":null}', "missing_field", "type"), ('{"type":5}', "invalid_field", "type"),
    ('{"type":["session_start"]}', "invalid_field", "type"), ('{"type":""}', "unknown_type", "type"),
    ('{"type":"Session_Start"}', "unknown_type", "type"), ('{"type":"session_terminated"}', "unknown_type", "type"),
    ('{"type":"recording_state"}', "unknown_type", "type"), ('{"type":"error"}', "unknown_type", "type"),
]

# Outer members that are wrong, in a message that could start the session otherwise.
BROKEN_ENVELOPES = [
    ({"client_id": 5}, "invalid_field", "client_id"), ({"client_id": ["hostile"]}, "invalid_field", "client_id"),
    ({"session_id": 5}, "invalid_field", "session_id"), ({"session_id": {}}, "invalid_field", "session_id"),
    ({"session_id": None}, "missing_field", "session_id"), ({"data": []}, "invalid_field", "data"),
    ({"data": "x"}, "invalid_field", "data"), ({"data": 0}, "invalid_field", "data"),
]

BAD_URLS = [
    "", "x", "/relative", "ftp://x", "file:///etc/passwd", "javascript:alert(1)", "gopher://a.example/", "https://", "https:///path",
    "https://user:pw@a.example/", "https://a.example:22/", "https://a.example:99999/", "https://a.example:/x", "https://a b.example/",
    "https://a.example/\n", "https://[::1/", "https://exämple.example/", "https://a..example/", "https://a.example/" + "a" * 3000,
]
BAD_CANDIDATES = [
    "text", 5, {}, {"candidate": "garbage"}, {"candidate": KNOWN + "\r\na=evil"}, {"candidate": KNOWN + " " + "a" * 1024},
    {"candidate": KNOWN.replace(" 9 ", " 99999 ")}, {"candidate": KNOWN, "sdpMLineIndex": -1}, {"candidate": KNOWN, "sdpMLineIndex": "0"},
    {"candidate": KNOWN, "sdpMid": 0},
]
BAD_DESCRIPTIONS = [
    (None, "missing_field", "data.sdp"), ("v=0", "invalid_field", "data.sdp"), ([], "invalid_field", "data.sdp"),
    ({}, "missing_field", "data.sdp.type"), ({"type": "offer"}, "missing_field", "data.sdp.sdp"),
    ({"type": "offer", "sdp": 5}, "invalid_field", "data.sdp.sdp"),
    ({"type": "offer", "sdp": "a" * (128 * 1024 + 1)}, "invalid_field", "data.sdp.sdp"), (ANSWER, "invalid_field", "data.sdp.type"),
    ({"type": "rollback"}, "invalid_field", "data.sdp.type"), ({"type": "pranswer", "sdp": "v=0"}, "invalid_field", "data.sdp.type"),
    ({"type": "offer", "sdp": ""}, "unacceptable_offer", "data.sdp"), ({"type": "offer", "sdp": "hello"}, "unacceptable_offer", "data.sdp"),
]

# `data` that is wrong or comes too early: the message, its data, the code and the field.
BROKEN_DATA = [
    ("session_start", None, "missing_field", "data.sdp"), ("session_start", {}, "missing_field", "data.sdp"),
    *[("session_start", {"sdp": sdp}, code, field) for sdp, code, field in BAD_DESCRIPTIONS],
    ("session_start", {"sdp": OFFER, "version": 5}, "invalid_field", "data.version"),
    ("session_start", {"sdp": OFFER, "webhook_url": 5}, "invalid_field", "data.webhook_url"),
    *[("session_start", {"sdp": OFFER, "webhook_url": url}, "invalid_url", "data.webhook_url") for url in BAD_URLS],
    ("sdp_update", {"sdp": OFFER}, "not_started", None), ("sdp_update", {"sdp": ANSWER}, "not_started", None),
    ("sdp_update", {}, "missing_field", "data.sdp"), ("sdp_update", {"sdp": {"type": "x", "sdp": ""}}, "invalid_field", "data.sdp.type"),
    ("candidate", {}, "missing_field", "data.candidate"),
    *[("candidate", {"candidate": candidate}, "invalid_field", "data.candidate") for candidate in BAD_CANDIDATES],
    ("recording_start", {}, "not_started", None),
    *[("recording_start", {"stream": stream}, "invalid_field", "data.stream") for stream in (3, -1, 0.5, "0")],
    ("recording_start", {"upload_url": 5}, "invalid_field", "data.upload_url"),
    ("recording_start", {"upload_url": "file:///tmp/x"}, "invalid_url", "data.upload_url"),
    ("recording_start", {"webhook_url": "ftp://x"}, "invalid_url", "data.webhook_url"),
    ("recording_stop", {"rec_id": 5}, "invalid_field", "data.rec_id"), ("recording_stop", {}, "no_recording", None),
    ("supervisor_join_session", {"sdp": OFFER}, "missing_field", "data.session_id_to_monitor"),
    ("supervisor_join_session", {"sdp": OFFER, "session_id_to_monitor": "x"}, "wrong_role", "type"),
]


def check_error(message, code, field, kind, session=None):
    assert message["type"] == "error" and set(message) == {"type", "client_id", "session_id", "data"}, message
    data = message["data"]
    assert set(data) == {"code", "msg", "in_reply_to", "field"} and isinstance(data["msg"], str), message
    assert (data["code"], data["field"], data["in_reply_to"]) == (code, field, kind), message
    assert message["client_id"] == CLIENT, message
    if session is not None:
        assert message["session_id"] == session, message


def start(socket):
    message = socket.start(OFFER["sdp"])
    assert message["type"] == "sdp_update", message


@pytest.mark.parametrize("text, code, field", BROKEN_TEXTS, ids=range(len(BROKEN_TEXTS)))
def test_a_text_that_is_no_message_is_refused(bridge, token, text, code, field):
    with RawSocket(bridge, "/api/v2/io", token) as socket:
        socket.send(frame(TEXT, text))
        kind = json.loads(text)["type"] if code == "unknown_type" else None
        check_error(socket.next_message(), code, field, kind, session="")


@pytest.mark.parametrize("members, code, field", BROKEN_ENVELOPES, ids=range(len(BROKEN_ENVELOPES)))
def test_an_envelope_with_wrong_members_is_refused(socket, members, code, field):
    socket.tell("session_start", **{"data": {"sdp": OFFER}, **members})
    check_error(socket.next_message(), code, field, "session_start")
    start(socket)


@pytest.mark.parametrize("kind, data, code, field", BROKEN_DATA, ids=range(len(BROKEN_DATA)))
def test_data_that_is_wrong_is_refused_and_the_session_stays_new(socket, kind, data, code, field):
    socket.tell(kind, data)
    check_error(socket.next_message(), code, field, kind)
    socket.tell("sdp_update", {"sdp": ANSWER})
    check_error(socket.next_message(), "not_started", None, "sdp_update")


def test_a_long_unknown_type_does_not_make_a_long_reply(socket):
    socket.tell("x" * 100_000)
    check_error(socket.next_message(), "unknown_type", "type", "x" * 64)


def test_a_session_that_was_never_started_can_be_stopped(socket):
    assert socket.stop() == "CLIENT_STOP"


def test_envelope_members_that_are_missing_are_filled_in(socket):
    socket.say({"type": "session_start", "session_id": socket.session, "data": {"sdp": OFFER}, "unknown": {"deep": [1]}})
    answer = socket.next_message("candidate")
    assert (answer["type"], answer["client_id"], answer["session_id"]) == ("sdp_update", CLIENT, socket.session), answer
    socket.say({"type": "session_stop"})
    assert socket.next_message("candidate")["data"]["termination_cause"] == "CLIENT_STOP"


def test_the_end_of_candidates_has_two_forms_and_no_answer(socket):
    for candidate in (None, "", {"candidate": ""}, {"candidate": KNOWN, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": None}):
        socket.tell("candidate", {"candidate": candidate})
    socket.tell("recording_stop")
    check_error(socket.next_message(), "no_recording", None, "recording_stop")


def test_the_sixty_fifth_candidate_before_the_offer_is_dropped(socket):
    for _ in range(65):
        socket.tell("candidate", {"candidate": {"candidate": KNOWN, "sdpMid": "0", "sdpMLineIndex": 0}})
    check_error(socket.next_message(), "too_many_candidates", None, "candidate")
    start(socket)
    assert socket.stop() == "CLIENT_STOP"


def test_ten_bad_messages_close_the_socket_and_unknown_types_do_not_count(socket):
    for _ in range(9):
        socket.send(frame(TEXT, "hello"))
        check_error(socket.next_message(), "malformed_json", None, None)
        socket.tell("unheard_of")
        check_error(socket.next_message(), "unknown_type", "type", "unheard_of")
    socket.send(frame(TEXT, "hello"))
    check_error(socket.next_message(), "malformed_json", None, None)
    assert socket.close_code() == 4400


def test_more_messages_than_the_burst_are_dropped_with_an_error(socket):
    socket.send(b"".join(frame(TEXT, '{"type":"unheard_of"}') for _ in range(120)))
    codes = [socket.next_message()["data"]["code"] for _ in range(120)]
    assert codes[:100] == ["unknown_type"] * 100, codes
    assert set(codes[100:]) <= {"unknown_type", "rate_limited"} and codes.count("rate_limited") >= 10, codes


def test_a_flood_of_messages_closes_the_socket(socket):
    for _ in range(4):  # read in between: who reads nothing is closed for that
        socket.send(b"".join(frame(TEXT, '{"type":"unheard_of"}') for _ in range(100)))
        assert {socket.next_message()["data"]["code"] for _ in range(100)} <= {"unknown_type", "rate_limited"}
    socket.send(b"".join(frame(TEXT, '{"type":"unheard_of"}') for _ in range(200)))
    assert socket.close_code("error") == 4429


def test_of_the_sessions_that_a_client_does_not_start_the_newest_three_are_kept(bridge, token):
    sessions = [new_session(bridge, CLIENT, token) for _ in range(4)]
    with RTMSocket(bridge, CLIENT, token, sessions[0]) as oldest:
        oldest.tell("session_start", {"sdp": OFFER})
        check_error(oldest.next_message(), "session_not_found", "session_id", "session_start")
        assert oldest.close_code() == 4404
    with RTMSocket(bridge, CLIENT, token, sessions[1]) as kept:
        start(kept)


def test_a_newer_session_of_a_client_replaces_the_running_one(bridge, token):
    with RTMSocket(bridge, CLIENT, token) as first, RTMSocket(bridge, CLIENT, token) as second:
        start(first)
        start(second)
        ended = first.next_message("candidate")
        assert (ended["type"], ended["data"].get("termination_cause")) == ("session_terminated", "REPLACED"), ended
        assert first.close_code("candidate") == 4409
        assert second.stop() == "CLIENT_STOP"


def test_an_account_runs_so_many_sessions_and_no_more():
    with Bridge(streamrec__sessions_per_account=1) as bridge:
        first, second = client_token(bridge, "first"), client_token(bridge, "second")
        with RTMSocket(bridge, "first", first) as running:
            start(running)
            reply = post(bridge, "/api/v2/session", {"client_id": "second"}, second)
            assert (reply.status, reply.code) == (429, "session_limit") and int(reply.headers["retry-after"]) >= 1, reply
            assert running.stop() == "CLIENT_STOP"
        assert new_session(bridge, "second", second)


# What belongs to others

def test_a_message_of_another_client_closes_the_socket(socket):
    socket.tell("session_start", {"sdp": OFFER}, client_id="somebody-else")
    check_error(socket.next_message(), "client_mismatch", "client_id", "session_start")
    assert socket.close_code() == 4403


@pytest.mark.parametrize("session", ["00000000-0000-4000-8000-000000000000", "", "x", "../..", "a" * 10_000])
def test_a_message_for_an_unknown_session_closes_the_socket(socket, session):
    socket.tell("session_start", {"sdp": OFFER}, session_id=session)
    check_error(socket.next_message(), "session_not_found", "session_id", "session_start")
    assert socket.close_code() == 4404


def test_a_bound_socket_cannot_turn_to_another_session(bridge, token, socket):
    other = new_session(bridge, CLIENT, token)
    start(socket)
    socket.tell("session_stop", session_id=other)
    check_error(socket.next_message("candidate"), "session_mismatch", "session_id", "session_stop")
    assert socket.close_code("candidate") == 4403


def test_the_session_of_another_client_is_not_found_and_goes_on(bridge, socket):
    start(socket)
    thief = client_token(bridge, "thief")
    with RTMSocket(bridge, "thief", thief, session=socket.session) as stranger:
        stranger.tell("session_stop")
        message = stranger.next_message()
        assert (message["data"]["code"], message["client_id"]) == ("session_not_found", "thief"), message
        assert stranger.close_code() == 4404
    assert socket.stop() == "CLIENT_STOP"


def test_the_tables_leave_no_memory_behind(bridge, token):
    def play():
        for text, _, _ in BROKEN_TEXTS:
            with RawSocket(bridge, "/api/v2/io", token) as socket:
                socket.send(frame(TEXT, text))
                socket.next_message()
        with RTMSocket(bridge, CLIENT, token) as socket:
            session = socket.session
        for kind, data, _, _ in BROKEN_DATA:
            with RTMSocket(bridge, CLIENT, token, session) as socket:
                socket.tell(kind, data)
                socket.next_message()

    for _ in range(3):
        play()
    before = Usage.at_rest(bridge)
    for _ in range(10):
        play()
    before.check_returned(bridge, MEMORY_KIBIBYTES)
