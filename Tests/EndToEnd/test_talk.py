"""Who stands by a camera hears the room that the camera is in: its mix without the camera's own sound, played by the camera's agent."""

import json
import re

import pytest

from calls import Room
from raw import settle
from rooms import RoomClient
from test_camera import ViaductCamera, share, sound_of, token_file
from test_room_composites import Tone

pytestmark = pytest.mark.sturdy

PATIENCE = 30
OWN, VOICE = 440, 1000  # Hz: of the camera's pattern, and of whoever speaks (whole waves in each packet)
SECOND = 8000  # samples that `sound_of` gives


def test_a_seat_that_receives_hears_the_room(network, bridge, tmp_path):
    room = Room(bridge, "works")
    spoken = tmp_path / "spoken.ogg"

    async def speak():
        helper = RoomClient(f"ws://127.0.0.1:{bridge.port}/bridge/v1/rooms/works/io", room.link("expert")["token"])
        await helper.open()
        await helper.join("Eve")
        await helper.publish(microphone=Tone(VOICE))
        return helper

    def heard():
        samples = sound_of(spoken)[-SECOND // 2:]
        return share(samples, VOICE) if len(samples) == SECOND // 2 else 0

    # A token that may publish the camera's stream is all that its agent has.
    with token_file(tmp_path, bridge.token("gate", "publish")) as token, \
            ViaductCamera("--to", f"ws://127.0.0.1:{bridge.port}", "--name", "gate", "--token-file", token, "--stand-by",
                          "--speaker", f"file:{spoken}") as camera:
        helper = network.run(speak())
        try:
            seat = room.post("cameras", {"camera": "gate", "display_name": "Gate", "receive": ["audio"]})
            part = settle(heard, lambda part: part > 0.5, PATIENCE)
            assert part > 0.5, (part, len(sound_of(spoken)), bridge.log()[-4000:])
            # The camera's own tone is in the room, and not in what is played beside it.
            assert share(sound_of(spoken)[-SECOND // 2:], OWN) < 0.05
            status, _, reply = bridge.request("DELETE", f"/bridge/v1/rooms/works/cameras/{seat['id']}",
                                              headers={"authorization": f"Bearer {bridge.operator_token}"})
            assert status == 204, reply

            # The mix ends with the seat, and the camera's token opens it no more.
            def streams():
                _, _, text = bridge.request("GET", "/bridge/v1/streams", headers={"authorization": f"Bearer {bridge.operator_token}"})
                return [one["id"] for one in json.loads(text)["streams"] if re.match("mix-|gate", one["id"])]

            assert settle(streams, lambda left: not left, PATIENCE) == []
        finally:
            network.run(helper.close())
        status, text = camera.end()
        assert status == 0, text
    room.close()
