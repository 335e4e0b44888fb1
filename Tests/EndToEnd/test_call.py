"""Calls in real browsers: people and cameras in one room, as their pages show them, also when things go wrong."""

import time

import media
from browsers import Chromium
from calls import PATIENCE, Room, own, sees
from rtm import Camera
from test_camera import ViaductCamera, token_file


def test_people_and_cameras_meet(network, bridge, camera_browser, viewer_browser, firefox, tmp_path):
    """Four browsers and two cameras, one whose agent comes by itself and one whose stream is on the bridge; one reloads, one is removed, two leave."""
    room = Room(bridge, "yard")
    # Debian's Firefox has no H.264.
    with token_file(tmp_path, bridge.token("gate", "publish")) as token, \
            ViaductCamera("--to", f"ws://127.0.0.1:{bridge.port}", "--token-file", token, "--codec", "vp8", "--stand-by"), \
            Camera(network, bridge, "pump", *media.clip("VP8").tracks(), codec="VP8"):
        room.post("cameras", {"camera": "gate", "display_name": "Gate", "send": ["audio", "video"]})
        room.post("cameras", {"stream": "pump", "display_name": "Pump", "send": ["video"]})
        cameras = (*own("Gate"), "Pump camera")
        with room.come(camera_browser, "host", "Ada") as ada, room.come(viewer_browser, "expert", "Ben") as ben, \
                room.come(firefox, "worker", "Cleo") as cleo:
            with Chromium() as third, room.come(third, "expert", "Dan") as dan:
                sees(ada, *cameras, *own("Ben"), *own("Cleo"), *own("Dan"))
                sees(ben, *cameras, *own("Ada"), *own("Cleo"), *own("Dan"))
                sees(cleo, *cameras, *own("Ada"), *own("Ben"), *own("Dan"))
                sees(dan, *cameras, *own("Ada"), *own("Ben"), *own("Cleo"))
                assert room.people() == ["Ada", "Ben", "Cleo", "Dan", "Gate", "Pump"]
                ada.screenshot(str(tmp_path / "call.png"))
                tiles = ada.evaluate("[...document.querySelectorAll('.tile')].map((tile) => tile.ariaLabel)")
                assert sorted(tiles) == ["Ada (you)", "Ben", "Cleo", "Dan", "Gate", "Pump"], tiles
                dan.click("leave")
                sees(ada, *cameras, *own("Ben"), *own("Cleo"))
                assert room.people() == ["Ada", "Ben", "Cleo", "Gate", "Pump"]

            # A page that is loaded anew comes back as somebody of the same link: nobody is there twice.
            ben.evaluate("location.reload()")
            ben.wait_for("window.viaduct?.state === 'lobby' && document.getElementById('lobby-camera').ariaPressed === 'true'", PATIENCE)
            ben.evaluate("document.getElementById('name').value = 'Ben'")
            ben.click("join")
            ben.wait_for("viaduct.state === 'inside'", PATIENCE)
            sees(ada, *cameras, *own("Ben"), *own("Cleo"))
            assert room.people() == ["Ada", "Ben", "Cleo", "Gate", "Pump"]

            # Who is removed stays out, also with the link.
            id_of = "[...viaduct.room.participants.values()].find(({ name }) => name === 'Cleo').id"
            ada.evaluate(f"viaduct.session.request('remove', {{ participant: {id_of} }})")
            cleo.wait_for("viaduct.state === 'over'", PATIENCE)
            sees(ada, *cameras, *own("Ben"))
            cleo.evaluate("location.reload()")
            cleo.wait_for("window.viaduct?.state === 'lobby' && document.getElementById('lobby-camera').ariaPressed === 'true'", PATIENCE)
            cleo.click("join")
            cleo.wait_for("viaduct.state === 'over' && viaduct.failure !== null", PATIENCE)
            assert cleo.evaluate("viaduct.failure.code") in ("forbidden", "removed"), cleo.evaluate("viaduct.failure")
            assert "link" in cleo.evaluate("document.getElementById('lobby-text').textContent").lower()

            ben.click("leave")
            sees(ada, *cameras)
            assert room.people() == ["Ada", "Gate", "Pump"]
    room.close()


def test_muting_chat_hands_and_drawing(network, bridge, camera_browser, viewer_browser):
    room = Room(bridge, "help")
    room.post("cameras", {"stream": "valve", "display_name": "Valve", "send": ["video"]})
    with room.come(camera_browser, "worker", "Wim") as worker, room.come(viewer_browser, "host", "Eve") as host:
        sees(host, *own("Wim"))
        with Camera(network, bridge, "valve", *media.clip("H264").tracks(), codec="H264"):
            sees(host, *own("Wim"), "Valve camera")
            sees(worker, *own("Eve"), "Valve camera")
        sees(host, *own("Wim"))
        worker.click("hand-key")
        host.wait_for("[...viaduct.room.participants.values()].some(({ name, hand }) => name === 'Wim' && hand !== null)", PATIENCE)
        worker.click("microphone-key")
        host.wait_for("[...viaduct.room.tracks.values()].some(({ kind, muted, participant }) => kind === 'microphone' && muted"
                      " && viaduct.room.participants.get(participant).name === 'Wim')", PATIENCE)
        worker.click("microphone-key")
        host.click("chat-key")
        host.evaluate("document.getElementById('chat-text').value = 'turn the valve'")
        host.evaluate("document.getElementById('chat-form').requestSubmit()")
        worker.wait_for("viaduct.room.chat.some(({ text, name }) => text === 'turn the valve' && name === 'Eve')", PATIENCE)
        worker.wait_for("document.getElementById('unread').textContent === '1'", PATIENCE)

        # The expert freezes the worker's picture and draws; the worker sees the same on it, and both go back to live.
        host.evaluate("[...document.querySelectorAll('.tile')].find((tile) => tile.ariaLabel === 'Wim').querySelector('[data-act=freeze]').click()")
        worker.wait_for("viaduct.room.boards.size === 1", PATIENCE)
        host.wait_for("viaduct.room.boards.size === 1", PATIENCE)
        host.wait_for("[...document.querySelectorAll('.tile')].some((tile) => tile.ariaLabel === 'Wim' && tile.querySelector('canvas').clientWidth > 0)",
                      PATIENCE)
        host.evaluate("""(() => {
            const canvas = [...document.querySelectorAll('.tile')].find((tile) => tile.ariaLabel === 'Wim').querySelector('canvas');
            const box = canvas.getBoundingClientRect();
            const at = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId: 1, clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, isPrimary: true }));
            canvas.setPointerCapture = () => {};
            document.querySelector('[data-tool=arrow]').click();
            at("pointerdown", 0.3, 0.4); at("pointermove", 0.5, 0.5); at("pointermove", 0.6, 0.5); at("pointerup", 0.6, 0.5);
        })()""")
        shape = worker.wait_for("[...viaduct.room.boards.values()][0].annotations[0]?.shape", PATIENCE)
        assert shape["type"] == "arrow", shape
        host.click("unfreeze")
        worker.wait_for("viaduct.room.boards.size === 0", PATIENCE)
        sees(host, *own("Wim"))


def test_somebody_is_let_in_and_somebody_is_not(bridge, camera_browser, viewer_browser):
    room = Room(bridge, "door", admission="knock")
    with room.come(camera_browser, "host", "Ada") as host, room.open(viewer_browser, "viewer", "Vic") as guest:
        guest.click("join")
        guest.wait_for("viaduct.state === 'knocking'", PATIENCE)
        host.wait_for("viaduct.room.knocks.size === 1", PATIENCE)
        host.click("people-key")
        host.wait_for("document.querySelector('#knocks button') !== null", PATIENCE)
        host.evaluate("document.querySelector('#knocks button').click()")
        guest.wait_for("viaduct.state === 'inside'", PATIENCE)
        sees(guest, *own("Ada"))
        with room.open(viewer_browser, "viewer", "Mallory") as other:
            other.click("join")
            other.wait_for("viaduct.state === 'knocking'", PATIENCE)
            host.wait_for("document.querySelectorAll('#knocks button').length === 2", PATIENCE)
            host.evaluate("document.querySelectorAll('#knocks button')[1].click()")
            other.wait_for("viaduct.state === 'over'", PATIENCE)
        assert room.people() == ["Ada", "Vic"]


def test_a_call_goes_on_when_the_socket_is_lost(bridge, camera_browser, viewer_browser):
    room = Room(bridge, "line")
    with room.come(camera_browser, "expert", "Ada") as ada, room.come(viewer_browser, "worker", "Wim") as wim:
        sees(ada, *own("Wim"))
        tracks = ada.evaluate("[...viaduct.room.tracks.keys()].join()")
        wim.evaluate("viaduct.session.loseSocket()")
        wim.wait_for("viaduct.session.returns === 1", PATIENCE)
        sees(ada, *own("Wim"))
        assert ada.evaluate("[...viaduct.room.tracks.keys()].join()") == tracks, "tracks died though their peers were up"
        time.sleep(0.5)
        assert room.people() == ["Ada", "Wim"]
