"""The transcripts of the contract, each played against a live bridge with real sockets, media and receivers."""

import asyncio
import json
import pathlib
import sys

import aiohttp
import pytest

from bridge import Bridge

CONFORMANCE = pathlib.Path(__file__).resolve().parents[1] / "Conformance"
sys.path.append(str(CONFORMANCE))
import play_transcripts  # noqa: E402

pytestmark = pytest.mark.sturdy

SECONDS = 120  # for the slowest of them


def header(file):
    return json.loads(file.read_text().splitlines()[0])


LIVE = [file for file in sorted(play_transcripts.TRANSCRIPTS.glob("*.jsonl")) if "live" in header(file)["players"]]
SLOW = [file for file in LIVE if header(file).get("slow")]


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as running:
        yield running


def play(bridge, file):
    asyncio.run(asyncio.wait_for(play_file(bridge, file), SECONDS))


async def play_file(bridge, file):
    async with aiohttp.ClientSession() as http:
        await play_transcripts.play(file, bridge, http)


def test_there_are_transcripts_for_a_live_bridge():
    assert len(LIVE) >= 22 and SLOW, LIVE


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem, marks=pytest.mark.patient if file in SLOW else ()) for file in LIVE])
def test_the_bridge_answers_as_the_transcript_says(bridge, file):
    play(bridge, file)
    assert bridge.process.poll() is None, f"the bridge ended with {bridge.process.returncode}:\n{bridge.log()[-4000:]}"
