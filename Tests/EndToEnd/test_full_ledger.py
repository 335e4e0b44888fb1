"""A disk that is full for longer than anybody waits: what the ledger did not take is stored when there is room, without a restart."""

import contextlib
import os

import pytest

import media
from bridge import Bridge
from killer_machine import Disk, leave_mounts_of_others
from raw import settle
from rtm import Camera

pytestmark = pytest.mark.sturdy

RESERVE = "1MiB"
MORE_THAN_ANYBODY_WAITS = 30  # seconds: the tenth attempt of a commit comes after nine


def unstored(bridge):
    lines = bridge.get("/metrics")[2].decode().splitlines()
    return int(next(line for line in lines if line.startswith("viaduct_recordings_unstored ")).split()[1])


@contextlib.contextmanager
def keys(bridge):
    assert bridge.master_key
    yield {"authorization": f"Bearer {bridge.operator_token}"}


def test_a_recording_is_delivered_when_there_is_room_again(network, tmp_path):
    leave_mounts_of_others()
    disk, films = Disk(str(tmp_path / "disk")), tmp_path / "films"
    films.mkdir()
    bridge = Bridge(data=os.path.join(disk.path, "data"), recording__trigger="session", recording__destination=films,
                    recording__free_space_reserve=RESERVE)
    os.makedirs(bridge.data)
    bridge.log_path = str(tmp_path / "bridge.log")
    # The small disk is seen by this thread and its children alone: whatever makes a program ask for a key is done here.
    with bridge, keys(bridge) as headers, Camera(network, bridge, "full", *media.clip("VP8").tracks(), codec="VP8"):
        recordings = settle(lambda: bridge.get("/bridge/v1/recordings", headers=headers)[2], lambda body: b'"recording"' in body)
        assert b'"recording"' in recordings, recordings
        disk.fill()
        assert settle(lambda: unstored(bridge), lambda count: count == 1, timeout=MORE_THAN_ANYBODY_WAITS) == 1, bridge.log()[-2000:]
        assert not os.listdir(films)
        disk.free()
        assert settle(lambda: os.listdir(films), len, timeout=MORE_THAN_ANYBODY_WAITS), bridge.log()[-3000:]
        assert settle(lambda: unstored(bridge), lambda count: count == 0) == 0
    [file] = films.iterdir()
    assert media.decode_errors(str(file)) == ""
