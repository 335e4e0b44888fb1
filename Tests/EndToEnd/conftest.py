"""Fixtures that the end-to-end tests share. A module that needs a bridge with other settings defines a `bridge` of its own."""

import os
import tempfile

import pytest

from bridge import Bridge
from browsers import Chromium, Firefox
from interop import matrix
from receiver import Receiver
from rtm import LoopThread


def pytest_configure(config):
    """One folder of clips for all processes of a run: workers begin together and would each encode the same ones."""
    if "CLIPS_FOLDER" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="viaduct-clips-")
        os.environ["CLIPS_FOLDER"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


@pytest.fixture(scope="module")
def receiver():
    """The user's side: takes uploads and webhooks."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def network():
    """Where the cameras by aiortc live."""
    with LoopThread() as network:
        yield network


@pytest.fixture(scope="session")
def camera_browser():
    """Chromium with its fake camera and microphone."""
    with Chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def viewer_browser():
    """A second Chromium: another process, another profile."""
    with Chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def firefox():
    with Firefox() as browser:
        yield browser


def pytest_terminal_summary(terminalreporter):
    """The interop matrix, when it was run."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, []) if report.when == "call"]
    lines = list(matrix(reports))
    if lines:
        terminalreporter.section("interop matrix")
        for line in lines:
            terminalreporter.write_line(line)
