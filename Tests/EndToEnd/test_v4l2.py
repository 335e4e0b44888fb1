"""A V4L2 camera, its light, and that it is unplugged and comes back. The device is a fake (v4l2_fake.c): it shows that the program and GStreamer's source
go together, and nothing about drivers."""

import os
import shutil
import stat
import subprocess

import pytest

from bridge import BINARY, ENVIRONMENT, Bridge
from raw import settle
from test_camera import NAME, PATIENCE, ViaductCamera, middle, place, token_file, watching

pytestmark = pytest.mark.sturdy

TORCH, OFF = "2", "0"  # linux/v4l2-controls.h


class FakeDevice:
    """A node that the program takes for a camera when it is started as `program`."""

    def __init__(self, folder):
        self.node, self.gone, self.light = folder / "video7", folder / "gone", folder / "light"
        os.mknod(self.node, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        library = folder / "v4l2_fake.so"
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "v4l2_fake.c")
        compiled = subprocess.run(["clang", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library, source], capture_output=True, text=True)
        assert compiled.returncode == 0, compiled.stderr
        variables = {"LD_PRELOAD": str(library), "FAKE_CAMERA_GONE": str(self.gone), "FAKE_CAMERA_LIGHT": str(self.light)}
        self.environment = {**ENVIRONMENT, **variables}
        # Its children see little of its environment, so they are started by a script, which the program finds beside itself.
        self.program = folder / "viaduct"
        shutil.copy(BINARY, self.program)
        script = folder / "viaduct-pipeline"
        exports = "".join(f"export {name}='{value}'\n" for name, value in variables.items())
        script.write_text(f"#!/bin/sh\n{exports}exec '{BINARY}-pipeline' \"$@\"\n")
        script.chmod(0o700)

    def told(self):
        """What its light was told last."""
        return self.light.read_text().strip() if self.light.exists() else None


def sees_red(viewer):
    before = viewer.frames["video"]
    assert settle(lambda: viewer.frames["video"] - before, lambda count: count >= 15, PATIENCE) >= 15
    y, u, v = middle(viewer.latest["video"])
    assert 60 < y < 110 and 70 < u < 110 and v > 210, (y, u, v)


def test_a_camera_is_seen_lights_up_and_comes_back_when_it_is_plugged_in_again(network, tmp_path):
    device = FakeDevice(tmp_path)
    with Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        options = ["--to", place(bridge, "rtm"), "--token-file", token, "--source", f"v4l2:{device.node}"]
        with ViaductCamera(*options, environment=device.environment, program=device.program) as camera:
            with watching(network, bridge) as viewer:
                sees_red(viewer)
                for on, told in ((True, TORCH), (False, OFF)):
                    headers = {"authorization": f"Bearer {bridge.operator_token}", "content-type": "application/json"}
                    status, _, body = bridge.request("POST", f"/bridge/v1/cameras/{NAME}/orders", {"type": "torch", "on": on}, headers)
                    assert (status, device.told()) == (204, told), body
                device.gone.touch()
                camera.wait_for("the source failed and is started again")
                device.gone.unlink()
                sees_red(viewer)
            assert camera.end()[0] == 0
