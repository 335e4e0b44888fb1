"""Nothing that was recorded is lost when a process is killed: the recorder, webrtcbin's child of a publisher, the bridge itself.

Each of them is killed 20 times at random moments. CRASH_SEED repeats a run; a failure names the seed.
"""

import glob
import os
import random
import re
import shutil
import signal
import time

import pytest

import media
from bridge import Bridge, kill_if_there
from rtm import PATIENCE, Camera, fall_silent

SEED = int(os.environ.get("CRASH_SEED", time.time()))
TOGETHER = 4  # recordings at a time, where one crash costs one recording
ROUNDS = 20 // TOGETHER
BRIDGE_KILLS = 20
LARGEST_LOSS = 1.0  # seconds of received media
CODECS = ["VP8", "H264"]


@pytest.fixture(scope="module")
def bridge():
    with Bridge(webhooks__schedule="300ms,1s,5s", uploads__schedule="300ms,1s,5s") as bridge:
        yield bridge


class Shooting:
    """One camera and its one recording, of which every sent frame is known."""

    def __init__(self, network, bridge, receiver, name, codec):
        self.bridge, self.receiver, self.codec = bridge, receiver, codec
        self.upload, self.hook, self.session_hook = f"/{name}", f"/{name}-hook", f"/{name}-session"
        self.pictures, self.sounds = media.clip(codec).tracks()
        self.camera = Camera(
            network, bridge, name, self.pictures, self.sounds, codec=codec, webhook_url=receiver.base + self.session_hook)
        self.recording = self.camera.record(upload_url=receiver.base + self.upload, webhook_url=receiver.base + self.hook)
        self.began = time.monotonic()
        self.received_until = None

    def stop(self):
        """Asks for the end of the recording; what is sent later does not belong to it."""
        self.received_until = self.received_until or time.monotonic()
        self.camera.stop_recording(self.recording)

    def check(self, tmp_path, patience=PATIENCE):
        """The file was delivered and told of, plays, and lacks no more than is allowed."""
        body = self.receiver.wait_for_upload(self.upload, patience)
        event = self.receiver.wait_for_webhook("upload_ready", self.hook, patience)
        told = self.receiver.accepted(self.hook)
        assert len({webhook_id for webhook_id, _ in told}) == 1, f"the recording's webhooks have several ids: {told}"
        assert event["rec_id"] == self.recording
        file = tmp_path / self.upload[1:]
        file.write_bytes(body)
        assert media.decode_errors(file) == ""
        film = media.Film(file, media.clip(self.codec))
        lost = film.missing(self.pictures.count_at(self.received_until), self.sounds.count_at(self.received_until))
        assert max(lost) <= LARGEST_LOSS, f"{lost[0]:.2f} s of pictures and {lost[1]:.2f} s of sound are missing; seed {SEED}"
        assert film.repeated() == [], f"pictures or sounds come again; seed {SEED}"
        assert film.pictures[0][0] <= self.pictures.count_at(self.began), f"the recording begins late; seed {SEED}"
        seconds = float(media.probe(file)[0]["duration"])
        ends = {"pictures": (film.pictures[0], film.pictures[-1]), "sounds": (film.sounds[0], film.sounds[-1])}
        told = f"the file is stretched: the first and last (number, time) are {ends}; seed {SEED}"
        assert seconds == pytest.approx((film.last - film.first + 1) / media.RATE, abs=0.3), told

    def files(self):
        """What the spool holds of the recording: its parts, and the finished file. A recorder that has only begun has an empty one."""
        found = glob.glob(f"{self.bridge.data}/**/{self.recording}/part-*", recursive=True)
        found += glob.glob(f"{self.bridge.data}/**/{self.recording}.*", recursive=True)
        return [path for path in found if os.path.getsize(path) > 0]

    @staticmethod
    def check_on_disk(files, tmp_path):
        """Each of the files plays as it lies there, also while it is written."""
        assert files, "the spool holds nothing of the recording"
        for path in files:
            copy = shutil.copyfile(path, tmp_path / "on-disk")
            assert media.Film(copy).pictures, f"{path} shows nothing after a crash; seed {SEED}"


def recorder_of(bridge, recording):
    return bridge.child_with_open(lambda name: f"/{recording}/part-" in name, f"a file of recording {recording}")


def publisher_of(bridge, answer):
    """The child that owns a UDP port of this answer."""
    ports = {int(port) for port in re.findall(r"^a=candidate:\S+ \d+ udp \d+ \S+ (\d+) typ host", answer, re.MULTILINE | re.IGNORECASE)}
    with open("/proc/net/udp") as table:
        rows = [line.split() for line in table][1:]
    sockets = {f"socket:[{row[9]}]" for row in rows if int(row[1].split(":")[1], 16) in ports}
    return bridge.child_with_open(lambda name: name in sockets, f"one of the ports {ports}")


def at_random_moments(chance, longest, shootings):
    """Each of them in turn, at a moment of its own within `longest` seconds from now."""
    start = time.monotonic()
    for moment, number in sorted((chance.uniform(0, longest), number) for number in range(len(shootings))):
        time.sleep(max(0, start + moment - time.monotonic()))
        yield shootings[number]


@pytest.fixture(scope="module")
def bridge_of_children():
    """Whose publishers each have a process."""
    with Bridge(webrtc__inbound="webrtcbin", webhooks__schedule="300ms,1s,5s", uploads__schedule="300ms,1s,5s") as bridge:
        yield bridge


@pytest.fixture
def shoot(network, bridge, receiver):
    """Begins recordings; their cameras go away after the test."""
    begun = []

    def begin(name, codec, bridge=bridge):
        shooting = Shooting(network, bridge, receiver, name, codec)
        begun.append(shooting)
        return shooting

    yield begin
    for shooting in begun:
        shooting.camera.close()


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_recorder_is_killed(bridge, shoot, tmp_path, turn):
    chance = random.Random(f"recorder {SEED} {turn}")
    shootings = [shoot(f"recorder-{turn}-{number}", CODECS[number % 2]) for number in range(TOGETHER)]
    for shooting in at_random_moments(chance, 3, shootings):
        files = shooting.files()
        os.kill(recorder_of(bridge, shooting.recording), signal.SIGKILL)
        shooting.check_on_disk(files, tmp_path)
    time.sleep(1.5)
    for shooting in shootings:
        shooting.stop()
    for shooting in shootings:
        shooting.check(tmp_path)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_a_publishing_child_is_killed(network, bridge_of_children, receiver, shoot, tmp_path, turn):
    """The session ends, and its client is told; the recording is finished at once (contract section 6.4, rule 7) and delivered."""
    chance = random.Random(f"publisher {SEED} {turn}")
    bridge = bridge_of_children
    shootings = [shoot(f"publisher-{turn}-{number}", CODECS[number % 2], bridge) for number in range(TOGETHER)]
    for shooting in at_random_moments(chance, 3, shootings):
        publisher = publisher_of(bridge, shooting.camera.client.answer)
        os.kill(publisher, signal.SIGKILL)
        shooting.received_until = time.monotonic()
    for shooting in shootings:
        shooting.camera.expect("recording_state", rec_id=shooting.recording, state="finalizing")
        assert shooting.camera.expect("session_terminated")["termination_cause"] == "INTERNAL_ERROR"
        assert shooting.camera.wait_closed() == 1011  # an internal fault
        shooting.check(tmp_path)
        ended = receiver.wait_for_webhook("session_finished", shooting.session_hook)
        assert ended["termination_cause"] == "INTERNAL_ERROR"
    again = shootings[0].camera.client.client_id
    with Camera(network, bridge, again, *media.clip("VP8").tracks(), codec="VP8") as camera:
        assert camera.leave() == "CLIENT_STOP"


@pytest.mark.patient
def test_cameras_fall_silent(network, receiver, shoot, tmp_path):
    """As if they were switched off: after 30 s without consent (RFC 7675) the sessions end, and the files are whole."""
    chance = random.Random(f"camera {SEED}")
    shootings = [shoot(f"camera-{number}", CODECS[number % 2]) for number in range(TOGETHER)]
    for shooting in at_random_moments(chance, 3, shootings):
        network.run(fall_silent(shooting.camera.client.peer))
        shooting.received_until = time.monotonic()
    for shooting in shootings:
        shooting.camera.expect("recording_state", patience=40, rec_id=shooting.recording, state="finalizing")
        assert shooting.camera.expect("session_terminated")["termination_cause"] == "CONN_TIMEOUT"
        assert time.monotonic() - shooting.received_until > 25
        shooting.check(tmp_path)
        assert receiver.wait_for_webhook("session_finished", shooting.session_hook)["termination_cause"] == "CONN_TIMEOUT"


@pytest.mark.parametrize("turn", range(BRIDGE_KILLS))
def test_the_bridge_is_killed(bridge, receiver, shoot, tmp_path, turn):
    """At any time from the first frame until after the delivery, and in half of the cases together with all its children."""
    chance = random.Random(f"bridge {SEED} {turn}")
    shootings = [shoot(f"bridge-{turn}-{codec}", codec) for codec in CODECS]
    for shooting in shootings:
        receiver.behave(shooting.upload, ("hang", 0.2))
        receiver.behave(shooting.hook, 500)
    moment = time.monotonic() + chance.uniform(0, 3)
    stop_at = time.monotonic() + 1.5
    if stop_at < moment:
        time.sleep(max(0, stop_at - time.monotonic()))
        for shooting in shootings:
            shooting.stop()
    time.sleep(max(0, moment - time.monotonic()))
    victims = bridge.children if chance.random() < 0.5 else []
    bridge.kill()
    died = time.monotonic()
    for pid in victims:
        kill_if_there(pid)
    for shooting in shootings:
        shooting.received_until = shooting.received_until or died
        shooting.check_on_disk(shooting.files(), tmp_path)
    bridge.start()
    for shooting in shootings:
        shooting.check(tmp_path)
        assert bridge.recording(shooting.recording)["state"] == "delivered"
        ended = receiver.wait_for_webhook("session_finished", shooting.session_hook)
        assert ended["termination_cause"] == "INTERNAL_ERROR"
