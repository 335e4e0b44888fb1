"""Events: told at least once, in the order of each session, with one id, whatever breaks; and replayed as they were sent."""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException

import pytest

from bridge import Bridge, free_port
from raw import offer
from receiver import Receiver, signature_is_right

pytestmark = pytest.mark.sturdy

SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
PREVIOUS = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
HOOK = "/events?key=hush-hush"
QUICK = "100ms,100ms,200ms,200ms,400ms,400ms,800ms,800ms,1s,1s,1s,1s,1s,1s,1s,1s"
FAILING = 0.3  # of the receiver's answers


class Moody(Receiver):
    """Answers some requests with 500, by chance, but with a seed."""

    def __init__(self, seed, failing):
        self.chance, self.failing = random.Random(seed), failing
        super().__init__()
        self.server.handle_error = lambda *_: None  # a bridge that is killed resets its connections

    def take(self, handler):
        with self.changed:
            self.plans.setdefault(handler.path, []).append(500 if self.chance.random() < self.failing else 200)
        super().take(handler)

    def events(self):
        """What was sent, in the order in which it came: (event, status)."""
        with self.changed:
            return [(json.loads(body), status) for _, _, body, status in self.webhooks]


class Sessions:
    """Publishing sessions over WHIP, without media: each is begun and ended through the API."""

    def __init__(self, bridge, token, sdp):
        self.bridge, self.token, self.sdp = bridge, token, sdp.encode()
        self.local = threading.local()
        self.begun = self.ended = 0
        self.lock = threading.Lock()

    def request(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.token}", **({"content-type": "application/sdp"} if body else {})}
        connection = getattr(self.local, "connection", None) or HTTPConnection("127.0.0.1", self.bridge.port, timeout=20)
        self.local.connection = None
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.read()
        self.local.connection = connection
        return reply.status, reply.headers.get("location")

    def live(self, name):
        """One session from its beginning to its end; False when the bridge went away meanwhile."""
        try:
            status, location = self.request("POST", f"/whip/{name}", self.sdp)
            if status != 201:
                return False
            with self.lock:
                self.begun += 1
            if self.request("DELETE", location.removeprefix(self.bridge.base))[0] == 200:
                with self.lock:
                    self.ended += 1
            return True
        except (OSError, HTTPException):
            return False


def replay(bridge, limit=1000, **query):
    """All events of the log, page by page."""
    found, after = [], "0"
    while True:
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        status, _, body = bridge.get(
            f"/bridge/v1/events?after={after}&limit={limit}{extra}", headers={"authorization": f"Bearer {bridge.operator_token}"})
        assert status == 200, body
        page = json.loads(body)
        found += page["events"]
        after = page["next"]
        if not page["more"]:
            return found


def operator(bridge, method, path):
    status, _, body = bridge.request(method, path, headers={"authorization": f"Bearer {bridge.operator_token}"})
    return status, json.loads(body)


def figure(bridge, name):
    text = bridge.get("/metrics")[2].decode()
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))


def wait_until(condition, timeout, what):
    end = time.monotonic() + timeout
    while not (seen := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what()}")
        time.sleep(0.05)
    return seen


def check_pairs(events):
    """Each session and stream of the log begins once and ends once, and its numbers have no hole."""
    sessions = {}
    for event in events:
        sessions.setdefault(event["session_id"], []).append(event)
    for session, told in sessions.items():
        assert [event["session_sequence"] for event in told] == list(range(1, len(told) + 1)), (session, told)
        for thing in ("session", "stream"):
            kinds = [event["type"] for event in told if event["type"].startswith(thing + ".")]
            assert kinds in ([], [f"{thing}.started", f"{thing}.ended"]), (session, kinds)
    return sessions


def check_delivered(sent, log):
    """What arrived is the log: every event at least once, with the same document, and each session's in its order."""
    first_success, documents = {}, {}
    for place, (event, status) in enumerate(sent):
        assert documents.setdefault(event["id"], event) == event, f"another document under one id: {event} and {documents[event['id']]}"
        if status == 200:
            first_success.setdefault(event["id"], place)
    assert documents == {event["id"]: event for event in log}, "what was sent is not what is replayed"
    missing = [event for event in log if event["id"] not in first_success]
    assert not missing, f"{len(missing)} events never arrived, for instance {missing[:3]}"
    last, delivered = {}, {}
    for event, status in sent:
        session, number = event["session_id"], event["session_sequence"]
        before = last.get(session, 0)
        # A repeat of the newest is the price of at least once; anything else out of its turn is a fault.
        assert number in (before, before + 1), f"{event} came after number {before} of its session"
        if number > before:
            assert before in (0, delivered.get(session)), f"{event} was sent before number {before} of its session had arrived"
        last[session] = number
        if status == 200:
            delivered[session] = number


def outlive(sessions, kills, seed):
    """So many sessions through a bridge that is killed so often, to a receiver that fails; and what both sides know afterwards."""
    with Moody(seed, FAILING) as receiver:
        bridge = Bridge(
            webhooks__url=receiver.base + HOOK, webhooks__secret=SECRET, webhooks__event_schedule=QUICK, webhooks__breaker_pause="200ms",
            webhooks__parallel_per_host=8, log__level="warning", streamrec__sessions_per_account=100_000)
        with bridge:
            run = Sessions(bridge, bridge.operator_token, offer("chromium-156-publish"))
            deaths = sorted(random.Random(seed).sample(range(sessions // 20, sessions), kills))
            with ThreadPoolExecutor(4) as pool:
                done = 0
                while done < sessions:
                    goal = deaths.pop(0) if deaths else sessions
                    waiting = [pool.submit(run.live, f"camera-{number}") for number in range(done, goal)]
                    if goal < sessions:
                        # In the middle of the last ones: some have begun, some have not ended, some webhooks are under way.
                        for future in waiting[:-3]:
                            future.result()
                        bridge.kill()
                        for future in waiting[-3:]:
                            future.result()
                        bridge.start()
                    else:
                        for future in waiting:
                            future.result()
                    done = goal
            wait_until(lambda: figure(bridge, "viaduct_outbox_pending_events") == 0, 60,
                       lambda: f"{figure(bridge, 'viaduct_outbox_pending_events'):.0f} webhooks are pending")
            assert figure(bridge, "viaduct_outbox_dead_letters") == 0
            return run, receiver.events(), replay(bridge)


def check_outlived(sessions, kills, seed):
    run, sent, log = outlive(sessions, kills, seed)
    told = check_pairs(log)
    check_delivered(sent, log)
    # Of those whose beginning was answered none is missing; of the others some were cut off between their row and their answer.
    assert run.begun <= len(told) <= sessions, f"{run.begun} sessions begun, {len(told)} told"
    assert run.begun >= sessions - 8 * kills, f"only {run.begun} of {sessions} sessions were begun"
    closed = sum(event["data"].get("cause") == "INTERNAL_ERROR" for event in log if event["type"] == "session.ended")
    assert closed <= 8 * kills, f"{closed} sessions were cut off by {kills} deaths"
    failed = sum(status == 500 for _, status in sent)
    print(f"{len(told)} sessions, {len(log)} events, {len(sent)} requests of which {failed} failed, {closed} cut off, {kills} kills")
    assert 0.2 < failed / len(sent) < 0.4, "the receiver was to fail"


def test_no_event_is_lost_or_out_of_order_whatever_breaks():
    check_outlived(sessions=1000, kills=20, seed=4)


@pytest.mark.soak
def test_ten_thousand_sessions_outlive_twenty_kills():
    check_outlived(sessions=10_000, kills=20, seed=10)


def told(session, *kinds):
    return [{"id": f"evt_{session}{number}", "session_id": session, "session_sequence": number, "type": kind, "data": {}}
            for number, kind in enumerate(kinds, 1)]


LOG = [*told("a", "session.started", "stream.started", "stream.ended", "session.ended"), *told("b", "session.started", "session.ended")]
SENT = [(LOG[0], 500), (LOG[4], 200), (LOG[0], 200), (LOG[1], 200), (LOG[1], 200), (LOG[5], 200), (LOG[2], 200), (LOG[3], 200)]


def test_the_checks_take_what_is_right():
    check_pairs(LOG)
    check_delivered(SENT, LOG)


@pytest.mark.parametrize("sent", [
    SENT[:-1], [*SENT[:-1], (LOG[3], 500)], [SENT[1], *SENT[3:]], [*SENT[:6], SENT[7], SENT[6]], [*SENT, SENT[2]],
    [SENT[0], *SENT[3:], SENT[1], SENT[2]], [*SENT, ({**LOG[3], "data": {"cause": "other"}}, 200)], [*SENT, ({**LOG[3], "id": "evt_x"}, 200)],
])
def test_the_checks_see_what_was_lost_or_out_of_order(sent):
    with pytest.raises(AssertionError):
        check_delivered(sent, LOG)


@pytest.mark.parametrize("log", [LOG[:-1], LOG[1:], [LOG[1], LOG[0], *LOG[2:]], [*LOG[:2], *LOG[3:]], [*LOG, *told("b", "session.started")]])
def test_the_checks_see_what_has_no_pair(log):
    with pytest.raises(AssertionError):
        check_pairs(log)


def test_an_event_is_signed_logged_and_sent_again():
    with Receiver() as receiver, Bridge(
        webhooks__url=receiver.base + HOOK, webhooks__secret=SECRET, webhooks__previous_secret=PREVIOUS, webhooks__event_schedule="100ms",
    ) as bridge:
        receiver.behave(HOOK, 200, 500, 500)
        run = Sessions(bridge, bridge.operator_token, offer("chromium-156-publish"))
        assert run.live("camera") and run.ended == 1
        receiver.wait_for_attempts(HOOK, 3)
        wait_until(lambda: figure(bridge, "viaduct_outbox_dead_letters") == 1, 10, lambda: "nothing was given up")
        began, ended = replay(bridge)
        assert (began["type"], ended["type"]) == ("session.started", "session.ended") and ended["data"]["cause"] == "CLIENT_STOP"
        requests = receiver.attempts(HOOK)
        assert [json.loads(one.body) for one in requests] == [began, ended, ended]
        for one in requests:
            assert len(one.headers["webhook-signature"].split(" ")) == 2
            for secret in (SECRET, PREVIOUS):
                assert signature_is_right(secret, one.headers, one.body)
        status, page = operator(bridge, "GET", "/bridge/v1/deliveries?state=dead")
        assert status == 200 and [one["event_id"] for one in page["deliveries"]] == [ended["id"]], page
        dead = page["deliveries"][0]["id"]
        assert requests[-1].headers["webhook-id"] == dead
        status, shown = operator(bridge, "GET", f"/bridge/v1/deliveries/{dead}")
        assert [line["status"] for line in shown["attempt_log"]] == [500, 500] and json.loads(shown["body"]) == ended
        assert "hush-hush" not in json.dumps(shown) and "v1," not in json.dumps(shown)
        status, revived = operator(bridge, "POST", f"/bridge/v1/deliveries/{dead}/redeliver")
        assert (status, revived["state"]) == (202, "pending")
        again = receiver.wait_for_attempts(HOOK, 4)[3]
        assert again.headers["webhook-id"] == dead and again.body == requests[-1].body
        wait_until(lambda: operator(bridge, "GET", f"/bridge/v1/deliveries/{dead}")[1]["state"] == "delivered", 10, lambda: shown)
        assert "hush-hush" not in bridge.log()


def test_a_url_that_can_never_be_reached_stops_the_start():
    bridge = Bridge(webhooks__url="https://user:pass@hooks.example/", port=free_port())
    try:
        with pytest.raises(AssertionError, match="user name or password"):
            bridge.start(timeout=10)
    finally:
        bridge.close()
