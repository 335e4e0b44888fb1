"""Sound that did not come leaves silence in a recording, so that what follows stays beside its picture.

Chromium plays sound packet after packet, whatever their times say. How much sound it finds in a file is what its decoder says, and where a packet of the
clip comes among those before it is when it is heard.
"""

import base64
import time

import av
import pytest

import media
from bridge import Bridge
from raw import settle
from rtm import Camera

LOST_EACH = 10  # every tenth packet of sound
MUTED = range(100, 450)  # packets of sound that are not sent: seven seconds, more than the recorder's patience
SECONDS = 12

DECODE = """
(async (bytes) => {
  const data = Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0)).buffer;
  return (await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(data)).duration;
})
"""


class Lossy(media.EncodedTrack):
    """Sound of which some packets are never sent."""

    async def recv(self):
        packet = await super().recv()
        while self.is_lost(len(self.sent) - 1):
            packet = await super().recv()
        return packet

    @staticmethod
    def is_lost(number):
        return number in MUTED or number % LOST_EACH == LOST_EACH - 1


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def heard(path, clip):
    """(number in the clip, time in the file, what is played before it) of each packet of sound that was received; the silence is not."""
    played, row = 0, []
    with av.open(str(path)) as file:
        decoder = av.CodecContext.create("opus", "r")
        for packet in file.demux(file.streams.audio[0]):
            if packet.size == 0:
                continue
            if bytes(packet) not in media.SILENCE:
                row.append((clip.numbers_of_sound[bytes(packet)], float(packet.pts * packet.time_base), played))
            played += sum(frame.samples / frame.sample_rate for frame in decoder.decode(packet))
    return row


def test_sound_that_did_not_come_does_not_put_the_rest_before_its_picture(network, bridge, viewer_browser, tmp_path):
    clip = media.clip("VP8")
    pictures, sounds = clip.tracks()
    sounds = Lossy("audio", sounds.frames, sounds.step, sounds.clock_rate, sounds.clock)
    with Camera(network, bridge, "silence", pictures, sounds, codec="VP8"):
        status, recording = bridge.post("/bridge/v1/streams/silence/recordings", {"container": "webm"}, bridge.operator_token)
        assert status == 201, recording
        time.sleep(SECONDS)
        status, reply = bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
        assert status == 202, reply
        settle(lambda: bridge.recording(recording["id"])["state"], lambda state: state == "ready", 20)
    file = tmp_path / "file.webm"
    headers = {"authorization": f"Bearer {bridge.operator_token}"}
    file.write_bytes(bridge.get(f"/bridge/v1/recordings/{recording['id']}/file", headers=headers)[2])
    assert media.decode_errors(file) == ""
    row = heard(file, clip)
    numbers = [number for number, _, _ in row]
    assert numbers[-1] > MUTED.stop and numbers == [one for one in range(numbers[0], numbers[-1] + 1) if not Lossy.is_lost(one)], "sound is missing"
    early = [moment - played for _, moment, played in row]
    assert max(map(abs, early)) < 0.05, f"a player that counts samples plays sound up to {max(early)} s before its picture"
    film = media.Film(file, clip)
    assert film.repeated() == []
    with viewer_browser.open(f"{bridge.base}/") as page:
        page.wait_for("Boolean(document.body)", 10)
        decoded = page.evaluate(f"({DECODE})({base64.b64encode(file.read_bytes()).decode()!r})")
    assert decoded == pytest.approx(row[-1][1] + media.SOUND_PACKET, abs=0.1), "Chromium finds another length of sound in the file"
