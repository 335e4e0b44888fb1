"""Runs the WHIP and WHEP conformance program against bridges of its own, one of each engine: no check may fail, and of those that only should hold
none may warn but for what the engine cannot do."""

import json
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "EndToEnd"))

from bridge import Bridge  # noqa: E402

# What an engine cannot do: webrtcbin needs another offer for another ICE session, so that a restart is answered with 422.
KNOWN = {"edge": set(), "webrtcbin": {"whip-restart", "whep-restart"}}


@pytest.fixture(scope="module", params=KNOWN)
def engine(request):
    return request.param


@pytest.fixture(scope="module")
def report(tmp_path_factory, engine):
    path = tmp_path_factory.mktemp("whip") / "report.json"
    relay = {"turn__stun_urls": "stun:127.0.0.1:3478", "turn__urls": "turn:127.0.0.1:3478?transport=udp", "turn__secret": "a secret of tests"}
    with Bridge(webrtc__inbound=engine, **relay) as bridge:
        stream = "front%20door"
        done = subprocess.run(
            [sys.executable, str(HERE / "whip_whep"), "--whip", f"{bridge.base}/whip/{stream}", "--whep", f"{bridge.base}/whep/{stream}",
             "--token", bridge.operator_token, "--json", str(path), "--quiet"], capture_output=True, text=True, timeout=240)
        print(done.stdout, done.stderr)
        assert path.exists(), done.stdout + done.stderr
        return {**json.loads(path.read_text()), "status": done.returncode, "text": done.stdout}


def test_every_must_is_kept(report):
    failed = [(check["name"], check["detail"]) for check in report["checks"] if check["outcome"] == "failed"]
    assert not failed and report["status"] == 0, report["text"]


def test_every_should_is_kept_but_the_known(report, engine):
    warned = {check["name"]: check["detail"] for check in report["checks"] if check["outcome"] == "warned"}
    assert set(warned) <= KNOWN[engine], warned


def test_enough_was_asked(report):
    counts = report["counts"]
    assert counts["passed"] >= 340, counts
    # A server either restarts ICE or refuses to: each has checks of its own. webrtcbin makes no offers to viewers either.
    skipped = [check["name"] for check in report["checks"] if check["outcome"] == "skipped"]
    assert all("-restart-" in name or "-counter-" in name for name in skipped), skipped


def test_a_server_that_is_not_there_is_said_so():
    done = subprocess.run(
        [sys.executable, str(HERE / "whip_whep"), "--whip", "http://127.0.0.1:9/whip/x"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "cannot be reached" in done.stderr
