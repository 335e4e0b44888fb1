"""Destinations and webhook receivers that are down, slow, unwilling or hostile: what the bridge does; nothing is lost, nothing leaked."""

import json
import time

import pytest

import media
from bridge import Bridge
from receiver import Receiver, signature_is_right
from rtm import Camera

pytestmark = pytest.mark.sturdy

SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
WAITS = ["300ms", "300ms", "300ms"]
ATTEMPTS = len(WAITS) + 1
PATIENCE_OF_BRIDGE = 1  # seconds for a reply
METADATA = "http://169.254.169.254/latest/meta-data/"
SIGNATURE = "?signature=hush-hush"  # what makes a presigned URL a secret


def schedule(waits):
    return ",".join(waits)


@pytest.fixture(scope="module")
def bridge():
    with Bridge(
        webhooks__secret=SECRET, webhooks__schedule=schedule(WAITS), webhooks__timeout=f"{PATIENCE_OF_BRIDGE}s",
        uploads__schedule=schedule(WAITS), uploads__stall_timeout=f"{PATIENCE_OF_BRIDGE}s", uploads__connect_timeout="1s",
    ) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def camera(network, bridge):
    with Camera(network, bridge, "camera", *media.clip("VP8").tracks(), codec="VP8") as camera:
        yield camera


def record(camera, upload_url, webhook_url):
    """A short recording, up to the moment at which its delivery begins."""
    recording = camera.record(upload_url=upload_url, webhook_url=webhook_url)
    time.sleep(0.3)
    camera.stop_recording(recording)
    return recording


def wait_for_log(bridge, *words, since=0, timeout=10):
    """A line of the bridge's log, from the character `since` on, with all these words."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for line in bridge.log()[since:].splitlines():
            if all(word in line for word in words):
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line of the log says {words}:\n{bridge.log()[since:][-3000:]}")


def check_failure(bridge, receiver, recording, hook, status):
    """The operator and the webhook say what happened, and the file is still there and plays as long as it should."""
    row = bridge.recording(recording)
    assert (row["state"], row["upload_status_code"]) == ("failed", status), row
    event = receiver.wait_for_webhook("upload_failed", hook)
    assert (event["rec_id"], event["upload_status_code"]) == (recording, status)
    headers = {"authorization": f"Bearer {bridge.operator_token}"}
    found, _, body = bridge.get(f"/bridge/v1/recordings/{recording}/file", headers=headers)
    assert found == 200 and len(body) == row["size_bytes"] > 0, "a recording that could not be delivered is not kept"
    return row, event


UPLOADS = {
    # what the destination does: its answers, attempts, the recording's end, the last status
    "accepts": ([201], 1, "uploaded", 201),
    "is overloaded for a while": ([500, 503, 429], 4, "uploaded", 200),
    "is slow to wake": ([408], 2, "uploaded", 200),
    "breaks the connection": (["reset"], 2, "uploaded", 200),
    "hangs": ([("hang", 2 * PATIENCE_OF_BRIDGE)], 2, "uploaded", 200),
    "never works": ([502] * ATTEMPTS, ATTEMPTS, "upload_failed", 502),
    "forbids": ([403], 1, "upload_failed", 403),
    "is not there": ([404], 1, "upload_failed", 404),
    "redirects so that PUT would become GET": ([("redirect", "/elsewhere", 302)], 1, "upload_failed", 302),
    "redirects to the metadata service": ([("redirect", METADATA)] * ATTEMPTS, ATTEMPTS, "upload_failed", 0),
}


@pytest.mark.parametrize("behaviour", UPLOADS)
def test_a_destination(bridge, camera, receiver, behaviour):
    answers, attempts, state, status = UPLOADS[behaviour]
    upload, hook = f"/{behaviour.replace(' ', '-')}{SIGNATURE}", f"/{behaviour.replace(' ', '-')}-hook"
    receiver.behave(upload, *answers)
    recording = record(camera, receiver.base + upload, receiver.base + hook)
    camera.expect("recording_state", rec_id=recording, state=state)
    made = receiver.attempts(upload)
    assert [one.method for one in made] == ["PUT"] * attempts
    assert not any({"content-type", "transfer-encoding"} & one.headers.keys() for one in made), "a presigned URL may not cover this header"
    assert receiver.attempts("/elsewhere") == []
    if state == "uploaded":
        row = bridge.recording(recording)
        assert (row["state"], row["upload_status_code"]) == ("delivered", status), row
        assert receiver.wait_for_webhook("upload_ready", hook)["recording_file_size_bytes"] == len(receiver.uploads[upload])
        assert all(one.body == receiver.uploads[upload] for one in made)
    else:
        row, event = check_failure(bridge, receiver, recording, hook, status)
        expected = "link-local" if status == 0 else f"destination replied {status}"
        assert expected in row["failure"]["detail"] and expected in event["msg"], (row, event)
    assert "hush" not in bridge.log(), "the log holds a destination's secret"


@pytest.mark.parametrize("steps", [1, 3])
def test_an_upload_follows_redirects_that_keep_its_body(camera, receiver, steps):
    for step in range(steps):
        receiver.behave(f"/{steps}-steps/{step}", ("redirect", f"/{steps}-steps/{step + 1}", 307 + step % 2))
    recording = record(camera, f"{receiver.base}/{steps}-steps/0", f"{receiver.base}/{steps}-steps-hook")
    camera.expect("recording_state", rec_id=recording, state="uploaded")
    assert receiver.uploads.keys() >= {f"/{steps}-steps/{steps}"}


def test_an_upload_follows_no_fourth_redirect(bridge, camera, receiver):
    for step in range(4):
        receiver.behave(f"/too-far/{step}", ("redirect", f"/too-far/{step + 1}"))
    recording = record(camera, f"{receiver.base}/too-far/0", f"{receiver.base}/too-far-hook")
    camera.expect("recording_state", rec_id=recording, state="upload_failed")
    check_failure(bridge, receiver, recording, "/too-far-hook", 307)
    assert receiver.attempts("/too-far/4") == []


def test_a_destination_that_is_down_gets_it_when_it_is_back(bridge, camera, receiver):
    with Receiver() as late:
        late.stop()
        recording = record(camera, f"{late.base}/late", f"{receiver.base}/late-hook")
        wait_for_log(bridge, "delivery failed and will be tried again", recording, "no connection")
        late.start()
        camera.expect("recording_state", rec_id=recording, state="uploaded")
        assert len(late.uploads["/late"]) == bridge.recording(recording)["size_bytes"]
    receiver.wait_for_webhook("upload_ready", "/late-hook")


def test_a_destination_that_stays_down_is_given_up(bridge, camera, receiver):
    with Receiver() as gone:
        gone.stop()
        recording = record(camera, f"{gone.base}/gone", f"{receiver.base}/gone-hook")
        camera.expect("recording_state", rec_id=recording, state="upload_failed")
        check_failure(bridge, receiver, recording, "/gone-hook", 0)
        gone.start()


@pytest.mark.parametrize("address, reason", [
    ("169.254.169.254", "link-local"), ("[::ffff:169.254.169.254]", "link-local"), ("[fd00:ec2::254]", "metadata"),
    ("0.0.0.0", "unspecified"), ("100.64.0.1", "carrier-grade NAT"),
])
def test_a_forbidden_address_is_not_even_connected_to(bridge, camera, receiver, address, reason):
    """Also where private addresses are allowed. The webhook to such an address is given up, and tells nobody else."""
    url, before = f"http://{address}/secret", len(bridge.log())
    recording = record(camera, url, url)
    camera.expect("recording_state", rec_id=recording, state="upload_failed")
    row = bridge.recording(recording)
    assert row["upload_status_code"] == 0 and reason in row["failure"]["detail"], row
    wait_for_log(bridge, "delivery given up", f"attempt={ATTEMPTS}", "delivery=msg_", reason, since=before)
    assert "/secret" not in bridge.log()[before:], "the log holds a destination's path"


def test_without_leave_nothing_on_this_machine_is_reached(network):
    """The address rules as they are by default."""
    with Receiver() as victim, Bridge(webhooks__allow_private="false", uploads__schedule="", webhooks__schedule="") as bridge:
        with Camera(network, bridge, "ssrf", *media.clip("VP8").tracks(), codec="VP8") as camera:
            camera.send("recording_start", upload_url=f"{victim.base}/plain")
            refusal = camera.expect("error")
            assert (refusal["code"], refusal["field"]) == ("invalid_url", "data.upload_url")
            for host in ("127.0.0.1", "localhost", "[::1]"):
                url, before = f"https://{host}:{victim.port}/", len(bridge.log())
                recording = record(camera, url, url)
                camera.expect("recording_state", rec_id=recording, state="upload_failed")
                assert "loopback" in bridge.recording(recording)["failure"]["detail"]
                wait_for_log(bridge, "delivery given up", "delivery=msg_", "loopback", since=before)
        assert victim.connections == 0, "the bridge connected to this machine"


WEBHOOKS = {
    # what the receiver does: its answers, and the attempts that are made
    "accepts": ([204], 1),
    "fails once": ([500], 2),
    "forbids and denies": ([403, 404], 3),
    "breaks the connection": (["reset"], 2),
    "hangs": ([("hang", 2 * PATIENCE_OF_BRIDGE)], 2),
    "asks for patience": ([("wait", 2)], 2),
    "redirects to the metadata service": ([("redirect", METADATA, 302), ("redirect", METADATA, 307)], 3),
    "redirects within": ([("redirect", "/elsewhere", 301), ("redirect", "/elsewhere", 308)], 3),
    "is gone for good": ([410], 1),
    "never works": ([500] * ATTEMPTS, ATTEMPTS),
}


@pytest.mark.parametrize("behaviour", WEBHOOKS)
def test_a_webhook_receiver(bridge, camera, receiver, behaviour):
    answers, attempts = WEBHOOKS[behaviour]
    hook, upload = f"/webhook-{behaviour.replace(' ', '-')}", f"/upload-{behaviour.replace(' ', '-')}"
    receiver.behave(hook, *answers)
    recording = record(camera, receiver.base + upload, receiver.base + hook)
    camera.expect("recording_state", rec_id=recording, state="uploaded")
    made = receiver.wait_for_attempts(hook, attempts)
    time.sleep(0.6)  # longer than any wait of the schedule: no further attempt comes
    assert len(receiver.attempts(hook)) == attempts
    assert receiver.attempts("/elsewhere") == []
    assert len({(one.headers["webhook-id"], one.body) for one in made}) == 1, "the attempts differ in id or body"
    assert json.loads(made[0].body)["rec_id"] == recording
    assert all(signature_is_right(SECRET, one.headers, one.body) for one in made)
    given = [int(one.headers["webhook-timestamp"]) for one in made]
    assert all(abs(one.time - stamp) < 2 for one, stamp in zip(made, given)), "a timestamp is not its attempt's"
    if ("wait", 2) in answers:
        assert made[1].time - made[0].time >= 2, "Retry-After was not heeded"
    if len(answers) == attempts and behaviour != "accepts":
        wait_for_log(bridge, "delivery given up", made[0].headers["webhook-id"])


def test_a_webhook_receiver_that_is_down_hears_of_it_when_it_is_back(bridge, camera, receiver):
    with Receiver() as late:
        late.stop()
        recording = record(camera, f"{receiver.base}/for-late", f"{late.base}/hook")
        camera.expect("recording_state", rec_id=recording, state="uploaded")
        wait_for_log(bridge, "delivery failed and will be tried again", "no connection", late.base, "msg_")
        late.start()
        assert late.wait_for_webhook("upload_ready", "/hook")["rec_id"] == recording


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_schedule_survives_a_restart(network, receiver, end):
    """One attempt before, the next after the restart, when it is due: for the upload, then for its webhook."""
    upload, hook = f"/{end}-upload", f"/{end}-hook"
    receiver.behave(upload, 500)
    receiver.behave(hook, 500)
    with Bridge(uploads__schedule="3s", webhooks__schedule="3s") as bridge:
        with Camera(network, bridge, end, *media.clip("VP8").tracks(), codec="VP8") as camera:
            recording = record(camera, receiver.base + upload, receiver.base + hook)
            for path in (upload, hook):
                receiver.wait_for_attempts(path, 1)
                time.sleep(0.3)  # the outcome is stored
                getattr(bridge, end)()
                bridge.start()
                first, second = receiver.wait_for_attempts(path, 2)[:2]
                assert 2.7 <= second.time - first.time <= 5, f"{path}: the second attempt came {second.time - first.time} s after the first"
                assert first.body == second.body
        assert receiver.wait_for_webhook("upload_ready", hook)["rec_id"] == recording
        assert bridge.recording(recording)["state"] == "delivered"
        assert len({one.headers["webhook-id"] for one in receiver.attempts(hook)}) == 1
