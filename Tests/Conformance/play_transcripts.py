"""Plays signaling/transcripts against a running bridge, with real sockets, real media (aiortc) and a receiver for uploads and webhooks.

    python play_transcripts.py --base http://127.0.0.1:8080 --master-key KEY [--operator-token TOKEN] [--slow] [NAME ...]

The bridge must allow private webhook and upload addresses. Rooms are made, and cameras told, with the operator's token (`viaduct token --allow admin`);
without it their transcripts are left out. The exit code is the number of transcripts that failed.
"""

import argparse
import asyncio
import json
import pathlib
import sys

import aiohttp

from camera_player import CameraPlayer
from player import Mismatch, Player, Receiver
from room_player import RoomPlayer

TRANSCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "signaling" / "transcripts"


def load(file):
    numbered = [(number, json.loads(line)) for number, line in enumerate(file.read_text().splitlines(), 1) if line]
    return numbered[0][1], numbered[1:]


async def play(file, bridge, http):
    """Plays one transcript; raises `Mismatch`."""
    header, steps = load(file)
    if header.get("path") == "room":
        return await RoomPlayer(bridge, header, http).play(steps)
    if header.get("path") == "camera":
        return await CameraPlayer(bridge, http).play(steps)
    receiver = Receiver()
    await receiver.start()
    try:
        await Player(bridge, receiver, http).play(steps)
    finally:
        await receiver.stop()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True, help="origin of the bridge, for instance http://127.0.0.1:8080")
    parser.add_argument("--master-key", required=True, help="master key of the Eyeson dialect")
    parser.add_argument("--operator-token", help="token that rooms are made and cameras are told with")
    parser.add_argument("--slow", action="store_true", help="play those that wait for half a minute and more, too")
    parser.add_argument("names", nargs="*", help="transcripts to play; all by default")
    bridge = parser.parse_args()
    bridge.base = bridge.base.rstrip("/")
    failures = played = 0
    async with aiohttp.ClientSession() as http:
        for file in sorted(TRANSCRIPTS.glob("*.jsonl")):
            header, _ = load(file)
            is_wanted = file.stem in bridge.names if bridge.names else bridge.slow or not header.get("slow")
            if "live" not in header["players"] or not is_wanted or header.get("path") in ("room", "camera") and not bridge.operator_token:
                continue
            try:
                played += 1
                await play(file, bridge, http)
                print(f"passed  {file.stem}")
            except Mismatch as problem:
                failures += 1
                print(f"FAILED  {file.stem}: {problem}")
    if played == 0:
        sys.exit("no transcript was played")
    sys.exit(failures)


if __name__ == "__main__":
    asyncio.run(main())
