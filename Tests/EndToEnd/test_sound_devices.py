"""The microphone and the speaker of `viaduct camera`, on real PulseAudio and real ALSA."""

import json

import pytest

from bridge import free_port
from raw import settle
from sounds import MICROPHONE, RATE, SPEAKER, SoundSystem, samples_of, share
from test_camera import NAME, PATIENCE, ViaductCamera, place, share as share_of_file, sound_of, token_file, watching

pytestmark = pytest.mark.sturdy

PATTERN, AROUND = 440, 1000  # Hz: of a pattern without a microphone, and of what a microphone hears
WINDOW = 800  # samples of a tenth of a second, 8,000 a second


@pytest.fixture
def sounds(tmp_path):
    with SoundSystem(tmp_path / "sounds") as system:
        yield system


def heard_by(viewer, pitch):
    """What part of the newest piece that a viewer got is this tone."""
    frame = viewer.latest.get("audio")
    if frame is None:
        return 0
    channels = len(frame.layout.channels)
    assert (frame.sample_rate, frame.format.name) == (RATE, "s16"), frame
    return share(samples_of(bytes(frame.planes[0])[:2 * channels * frame.samples])[::channels], pitch)


def hears(viewer, pitch):
    part = settle(lambda: heard_by(viewer, pitch), lambda part: part > 0.8, PATIENCE)
    assert part > 0.8, part


def windows(samples, pitch, share):
    """For each tenth of a second, whether it is this tone."""
    return [share(samples[at:at + WINDOW], pitch) > 0.5 for at in range(0, len(samples) - WINDOW + 1, WINDOW)]


@pytest.mark.parametrize("microphone, speaker", [(f"pulse:{MICROPHONE}", f"pulse:{SPEAKER}"), ("alsa:ear", "alsa:mouth")], ids=["pulse", "alsa"])
def test_a_camera_hears_and_speaks(network, bridge, sounds, tmp_path, microphone, speaker):
    may_listen, voice_token = tmp_path / "listen", tmp_path / "voice"
    may_listen.write_text(bridge.token("voice", "watch"))
    voice_token.write_text(bridge.token("voice", "publish"))
    with token_file(tmp_path, bridge.token(NAME, "publish")) as token, sounds.playing(AROUND), \
            ViaductCamera("--name", "voice", "--to", place(bridge, "rtm"), "--token-file", str(voice_token)) as voice, \
            ViaductCamera("--to", place(bridge, "rtm"), "--token-file", token, "--microphone", microphone, "--speaker", speaker, "--talk", "voice",
                          "--talk-token-file", str(may_listen), environment=sounds.environment) as camera:
        with watching(network, bridge) as viewer:
            hears(viewer, AROUND)
            # And not the tone that the pattern has without a microphone.
            assert heard_by(viewer, PATTERN) < 0.1
            camera.wait_for("talked to")
            with sounds.heard() as heard:
                found = settle(lambda: windows(heard()[-5 * WINDOW:], PATTERN, share_at_8000), lambda found: len(found) == 5 and all(found), PATIENCE)
                assert len(found) == 5 and all(found), found
                begin = len(heard())
                samples = settle(lambda: heard()[begin:], lambda samples: len(samples) >= 30 * WINDOW, PATIENCE)
                found = windows(samples[:30 * WINDOW], PATTERN, share_at_8000)
            # Three seconds of the voice; what a busy machine brings too late is missing.
            assert len(found) == 30 and sum(found) >= 27, found
        for process in (voice, camera):
            status, text = process.end()
            assert status == 0, text
    if speaker.startswith("alsa"):
        assert (sounds.folder / "mouth.raw").stat().st_size > RATE


def share_at_8000(samples, pitch):
    return share(samples, pitch, 8000)


def order(bridge, **words):
    status, _, reply = bridge.request(
        "POST", f"/bridge/v1/cameras/{NAME}/orders", json.dumps(words).encode(), {"authorization": f"Bearer {bridge.operator_token}"})
    assert status < 300, reply


def test_a_microphone_that_is_taken_away_takes_no_picture_with_it(network, bridge, sounds, tmp_path):
    with token_file(tmp_path, bridge.token(NAME, "publish")) as token, \
            ViaductCamera("--to", place(bridge, "rtm"), "--token-file", token, "--microphone", f"pulse:{MICROPHONE}",
                          environment=sounds.environment) as camera:
        camera.wait_for("the microphone is heard")
        with watching(network, bridge) as viewer:
            with sounds.playing(AROUND):
                hears(viewer, AROUND)
                order(bridge, type="mute", kind="audio", muted=True)
                assert settle(lambda: heard_by(viewer, AROUND), lambda part: part < 0.1, PATIENCE) < 0.1
                order(bridge, type="mute", kind="audio", muted=False)
                hears(viewer, AROUND)
                sounds.kill()
            line = camera.wait_for("the microphone is not heard")
            assert f"The microphone of PulseAudio {MICROPHONE} cannot be used" in line and "pactl info" in line, line
            seen = viewer.frames["video"]
            assert settle(lambda: viewer.frames["video"], lambda count: count >= seen + 15, PATIENCE) >= seen + 15
            assert "microphone=away" in camera.wait_for("camera: health")
            sounds.start()
            with sounds.playing(AROUND):
                camera.wait_for("the microphone is heard")
                hears(viewer, AROUND)
        status, text = camera.end()
        # Nothing but the microphone was lost.
        assert status == 0 and "the source failed" not in text and text.count("camera: live") == 1, text


def test_what_is_recorded_offline_has_the_microphones_sound(sounds, tmp_path):
    folder = tmp_path / "offline"
    with sounds.playing(AROUND), ViaductCamera(
            "--to", f"ws://127.0.0.1:{free_port()}", "--microphone", f"pulse:{MICROPHONE}", "--offline-folder", str(folder),
            environment=sounds.environment) as camera:
        camera.wait_for("recording here while offline")
        film = settle(lambda: next(iter(folder.rglob("*.mkv")), None), lambda path: path and len(sound_of(path)) > 50 * WINDOW, PATIENCE)
        status, text = camera.end()
        assert status == 0, text
    found = windows(sound_of(film), AROUND, share_of_file)
    # It begins before the microphone was open.
    first = found.index(True)
    assert first < 30 and sum(found[first:]) >= 0.9 * len(found[first:]) and len(found) > 40, found
