"""Plays a transcript of a room on a running bridge: its people come by links of their own, with peers by aiortc."""

import asyncio
import json
import re
import uuid

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import VideoStreamTrack
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from player import UNACCEPTABLE, Mismatch, Variables, end
from rtm import PATIENCE, Unexpected, make_offer, publishing_peer, take_answer, wait_for_state

NOBODY = "nobody"  # a link that the bridge never made


class RoomPlayer:
    """One transcript in one new room."""

    def __init__(self, bridge, header, http):
        self.bridge, self.header, self.http = bridge, header, http
        self.room = f"conformance-{uuid.uuid4().hex[:8]}"
        self.endpoint = f"ws{bridge.base.removeprefix('http')}/bridge/v1/rooms/{self.room}/io"
        self.tokens = {NOBODY: "nobody's"}
        self.variables = Variables({"offer:bad": UNACCEPTABLE})
        self.sockets, self.peers = {}, []
        self.publishers, self.offers = {}, {}  # by the name of an offer; the newest offer to each socket
        self.described = None  # the peer that was described last

    async def play(self, steps):
        try:
            await self.post("rooms", {"id": self.room, "admission": self.header.get("admission", "open")})
            for person, role in self.header["links"].items():
                link = await self.post(f"rooms/{self.room}/links", {"role": role, "identity": person})
                self.tokens[person] = link["token"]
            for number, step in steps:
                try:
                    await self.step(step)
                except (Mismatch, Unexpected, KeyError, TimeoutError, OSError, ConnectionClosed) as problem:
                    raise Mismatch(f"line {number}: {problem!r}") from problem
        finally:
            for socket in self.sockets.values():
                await socket.close()
            for peer in self.peers:
                await peer.close()
            await self.call("DELETE", f"rooms/{self.room}")

    async def call(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.bridge.operator_token}"}
        async with self.http.request(method, f"{self.bridge.base}/bridge/v1/{path}", json=body, headers=headers) as response:
            return response.status, await response.text()

    async def post(self, path, body):
        status, text = await self.call("POST", path, body)
        if status != 201:
            raise Mismatch(f"{path} was answered with {status}: {text}")
        return json.loads(text)

    async def step(self, step):
        if "on" in step:
            await self.socket_step(step["on"], step)
        elif "connect" in step:
            self.sockets[step["connect"]] = await connect(f"{self.endpoint}?auth_token={self.tokens[step['link']]}", max_size=1 << 20)
        elif "after_s" in step:
            await asyncio.sleep(step["after_s"])
        elif "media" in step:
            await wait_for_state(self.described, step["media"])
        else:
            raise Mismatch(f"no such step: {step}")

    async def socket_step(self, name, step):
        socket = self.sockets[name]
        if "send" in step:
            await self.describe(name, json.dumps(step["send"]))
            await socket.send(json.dumps(self.variables.fill(step["send"])))
        elif "text" in step:
            await socket.send(step["text"])
        elif "binary" in step:
            await socket.send(bytes.fromhex(step["binary"]))
        elif "expect" in step:
            await self.expect(name, step["expect"])
        else:
            await end(socket, step)

    async def describe(self, name, message):
        """Makes the descriptions that a message is about to send."""
        if offer := re.search(r"\$\{(offer:[A-Z])\}", message):
            self.described = self.publishers[name] = publishing_peer(VideoStreamTrack())
            self.peers.append(self.described)
            self.variables.values[offer.group(1)] = await make_offer(self.described)
        if answer := re.search(r"\$\{(answer:[A-Z])\}", message):
            self.variables.values[answer.group(1)] = await self.answer(name)

    async def answer(self, name):
        """To the newest offer; where there was none, something that is one by its form."""
        if name not in self.offers:
            return UNACCEPTABLE
        self.described = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peers.append(self.described)
        await self.described.setRemoteDescription(RTCSessionDescription(self.offers[name], "offer"))
        await self.described.setLocalDescription(await self.described.createAnswer())
        return self.described.localDescription.sdp

    async def expect(self, name, pattern):
        async with asyncio.timeout(PATIENCE):
            frame = json.loads(await self.sockets[name].recv())
        self.variables.match(frame, pattern)
        if frame["type"] != "sdp_update":
            return
        if frame["data"]["peer"] == "publish":
            return await take_answer(self.publishers[name], frame["data"]["sdp"]["sdp"])
        self.offers[name] = frame["data"]["sdp"]["sdp"]
