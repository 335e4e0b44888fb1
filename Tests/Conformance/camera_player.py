"""Plays a transcript of a camera's agent on a running bridge: its sockets, and an operator who tells the camera something meanwhile."""

import asyncio
import json
import uuid

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from player import Mismatch, Variables, end
from rtm import PATIENCE


class CameraPlayer:
    """One transcript with one new camera; the operator's token may open its sockets, too."""

    def __init__(self, bridge, http):
        self.bridge, self.http = bridge, http
        self.camera = f"conformance-{uuid.uuid4().hex[:8]}"
        self.endpoint = f"ws{bridge.base.removeprefix('http')}/bridge/v1/cameras/{self.camera}/io?auth_token={bridge.operator_token}"
        self.variables = Variables({})
        self.sockets, self.orders = {}, []

    async def play(self, steps):
        try:
            for number, step in steps:
                try:
                    await self.step(step)
                except (Mismatch, KeyError, TimeoutError, OSError, ConnectionClosed) as problem:
                    raise Mismatch(f"line {number}: {problem!r}") from problem
        finally:
            for socket in self.sockets.values():
                await socket.close()
            for order in self.orders:
                order.cancel()
            await asyncio.gather(*self.orders, return_exceptions=True)

    async def step(self, step):
        if "on" in step:
            await self.socket_step(self.sockets[step["on"]], step)
        elif "connect" in step:
            self.sockets[step["connect"]] = await connect(self.endpoint)
        elif "after_s" in step:
            await asyncio.sleep(step["after_s"])
        elif "order" in step:
            self.orders.append(asyncio.create_task(self.order(step["order"])))
        elif "ordered" in step:
            self.variables.match(await asyncio.wait_for(self.orders.pop(0), PATIENCE), step["ordered"], "the order's outcome")
        else:
            raise Mismatch(f"no such step: {step}")

    async def socket_step(self, socket, step):
        if "send" in step:
            await socket.send(json.dumps(step["send"]))
        elif "text" in step:
            await socket.send(step["text"])
        elif "binary" in step:
            await socket.send(bytes.fromhex(step["binary"]))
        elif "expect" in step:
            self.variables.match(json.loads(await asyncio.wait_for(socket.recv(), PATIENCE)), step["expect"])
        else:
            await end(socket, step)

    async def order(self, order):
        """`done`, or the code of the refusal."""
        headers = {"authorization": f"Bearer {self.bridge.operator_token}"}
        url = f"{self.bridge.base}/bridge/v1/cameras/{self.camera}/orders"
        async with self.http.post(url, json=order, headers=headers) as response:
            return "done" if response.status == 204 else (await response.json())["code"]
