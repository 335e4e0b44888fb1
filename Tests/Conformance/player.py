"""Plays a transcript of signaling/transcripts on a running bridge, with real sockets, real media (aiortc) and a receiver for uploads and webhooks."""

import asyncio
import base64
import json
import os
import pathlib
import re
import sys
import uuid

from aiohttp import web
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from rtm import PATIENCE, Unexpected, make_offer, publishing_peer, take_answer, wait_for_state  # noqa: E402

UNACCEPTABLE = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"  # no media section at all


class Mismatch(Exception):
    """The bridge did something else than the transcript says."""


class Variables:
    """The named values of a transcript: given ones, and those that an expectation has bound."""

    def __init__(self, values):
        self.values = values

    def fill(self, template):
        if isinstance(template, dict):
            return {key: self.fill(value) for key, value in template.items()}
        if isinstance(template, list):
            return [self.fill(value) for value in template]
        if not isinstance(template, str):
            return template
        return re.sub(r"\$\{([^}*=]+)\}", lambda match: str(self.values[match.group(1)]), template)

    def match(self, found, pattern, path="frame", exact=True):
        if pattern == "${*}":
            return
        if isinstance(pattern, str) and (bound := re.fullmatch(r"\$\{=([^}]+)\}", pattern)):
            self.values[bound.group(1)] = found
            return
        if isinstance(pattern, dict):
            if not isinstance(found, dict) or not pattern.keys() <= found.keys() or exact and pattern.keys() != found.keys():
                raise Mismatch(f"{path} is {found!r}, not {pattern!r}")
            for key, value in pattern.items():
                self.match(found[key], value, f"{path}.{key}", exact)
            return
        if isinstance(pattern, list) and isinstance(found, list) and len(pattern) == len(found):
            for number, (one, wanted) in enumerate(zip(found, pattern)):
                self.match(one, wanted, f"{path}[{number}]", exact)
            return
        expected = self.fill(pattern)
        if found != expected:
            raise Mismatch(f"{path} is {found!r}, not {expected!r}")


async def end(socket, step):
    """The end of a socket, which the step waits for or makes."""
    if "expect_close" in step:
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
        if socket.close_code != step["expect_close"]:
            raise Mismatch(f"the close code is {socket.close_code}, not {step['expect_close']}")
    elif step["close"] == 1006:
        socket.transport.abort()
    else:
        await socket.close(step["close"])


class Receiver:
    """The user's side: takes uploads and webhooks, and fails as it is told."""

    def __init__(self):
        self.script = []
        self.requests = asyncio.Queue()
        self.runner = None
        self.port = None

    async def start(self):
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{name}", self.handle)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self):
        await self.runner.cleanup()

    async def handle(self, request):
        body = await request.read()
        if request.match_info["name"] == "hook" and self.script:
            reply = self.script.pop(0)
            if reply == "refuse":
                request.transport.abort()
                raise asyncio.CancelledError
        else:
            reply = {"status": 200}
        await self.requests.put((request, body, reply["status"]))
        return web.Response(status=reply["status"], headers=reply.get("headers", {}))

    async def next(self, wanted, seconds):
        """The next request that fits; others are put back in their order."""
        passed = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    item = await self.requests.get()
                    if wanted(*item):
                        return item
                    passed.append(item)
        except TimeoutError:
            raise Mismatch("nothing fitting arrived at the receiver") from None
        finally:
            for item in passed:
                self.requests.put_nowait(item)


class Player:
    """One transcript on one bridge."""

    def __init__(self, bridge, receiver, http):
        self.base, self.receiver, self.http = bridge.base, receiver, http
        target = f"http://127.0.0.1:{receiver.port}"
        client = f"conformance-{uuid.uuid4().hex[:8]}"
        self.variables = Variables(
            {
                "master_key": bridge.master_key,
                "client": client,
                "monitored": str(uuid.uuid4()),
                "webhook_url": f"{target}/hook",
                "upload_url": f"{target}/upload",
                "offer:bad": UNACCEPTABLE,
                "candidate:1": "candidate:1 1 udp 2122260223 127.0.0.1 9 typ host",
                "candidate:2": "candidate:2 1 udp 2122260222 127.0.0.1 9 typ host",
            }
        )
        self.sockets, self.peers, self.offered, self.answered = {}, {}, None, None

    async def play(self, steps):
        text = json.dumps(steps)
        for name in sorted(set(re.findall(r"\$\{offer:([A-Z])\}", text))):
            await self.make_offer(name)
        try:
            for number, step in steps:
                try:
                    await self.step(step)
                except (Mismatch, Unexpected, KeyError, TimeoutError, OSError, ConnectionClosed) as problem:
                    raise Mismatch(f"line {number}: {problem!r}") from problem
        finally:
            for socket in self.sockets.values():
                await socket.close()
            for peer in self.peers.values():
                await peer.close()

    async def make_offer(self, name):
        peer = publishing_peer(VideoStreamTrack(), AudioStreamTrack())
        self.peers[name] = peer
        self.variables.values[f"offer:{name}"] = await make_offer(peer)

    async def step(self, step):
        if "on" in step:
            await self.socket_step(self.sockets[step["on"]], step)
        elif "connect" in step:
            endpoint = self.variables.fill("${ws_endpoint}?auth_token=${token}")
            self.sockets[step["connect"]] = await connect(endpoint, max_size=1 << 20)
        elif "http" in step:
            await self.http_step(step["http"], step["reply"])
        elif "after_s" in step:
            await asyncio.sleep(step["after_s"])
        elif "media" in step:
            await self.media(step["media"])
        elif "webhook" in step:
            await self.webhook(step)
        elif "upload" in step:
            minimum = step["upload"]["minimum_bytes"]
            await self.receiver.next(
                lambda request, body, _: request.method == step["upload"]["method"] and len(body) >= minimum, PATIENCE
            )
        elif "receiver" in step:
            self.receiver.script = list(step["receiver"])
        elif not {"calls", "recording", "bridge_ends", "layers"} & step.keys():  # those are for players that have no bridge
            raise Mismatch(f"no such step: {step}")

    async def socket_step(self, socket, step):
        if "send" in step:
            message = step["send"]
            offer = re.fullmatch(r"\$\{offer:([A-Z])\}", (message.get("data") or {}).get("sdp", {}).get("sdp", ""))
            if offer and message["type"] != "sdp_update":
                self.offered = offer.group(1)
            await socket.send(json.dumps(self.variables.fill(message)))
        elif "text" in step:
            await socket.send(self.variables.fill(step["text"]))
        elif "binary" in step:
            await socket.send(bytes.fromhex(step["binary"]))
        elif "expect" in step:
            await self.expect(socket, step["expect"])
        else:
            await end(socket, step)

    async def expect(self, socket, pattern):
        async with asyncio.timeout(PATIENCE):
            frame = json.loads(await socket.recv())
            while frame["type"] == "candidate" and pattern["type"] != "candidate":  # relay candidates may come at any time
                frame = json.loads(await socket.recv())
        self.variables.match(frame, pattern)
        if frame["type"] == "sdp_update" and self.peers[self.offered].signalingState == "have-local-offer":
            self.answered = self.peers[self.offered]
            await take_answer(self.answered, frame["data"]["sdp"]["sdp"])

    async def media(self, state):
        if state == "closed":
            return await self.answered.close()
        await wait_for_state(self.answered, state)

    async def http_step(self, request, reply):
        headers = {}
        if "bearer" in request:
            headers["Authorization"] = "Bearer " + self.variables.fill(request["bearer"])
        if request.get("upgrade"):
            key = base64.b64encode(os.urandom(16)).decode()
            headers |= {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
        body = json.dumps(self.variables.fill(request["body"])) if "body" in request else None
        async with self.http.request(request["method"], self.base + request["path"], data=body, headers=headers) as response:
            if response.status != reply["status"]:
                raise Mismatch(f"the status is {response.status}, not {reply['status']}: {await response.text()}")
            for name, value in reply.get("headers", {}).items():
                if response.headers.get(name) != value:
                    raise Mismatch(f"{name} is {response.headers.get(name)!r}, not {value!r}")
            self.variables.match(await response.json(), reply["body"], "body")

    async def webhook(self, step):
        """The webhook of this step, after as many attempts as it says, each with the same id and bytes."""
        status = step["webhook"]["status"]
        is_wanted = lambda request, body, _: request.path == "/hook" and json.loads(body).get("status") == status
        seen = []
        for _ in range(step.get("attempts", 1)):
            seen.append(await self.receiver.next(is_wanted, step.get("within_s", PATIENCE)))
        self.variables.match(json.loads(seen[-1][1]), step["webhook"], "webhook", exact=False)
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
            if name not in seen[-1][0].headers:
                raise Mismatch(f"the webhook has no {name}")
        if len({(request.headers["webhook-id"], body) for request, body, _ in seen}) != 1:
            raise Mismatch("the attempts differ in id or body")
