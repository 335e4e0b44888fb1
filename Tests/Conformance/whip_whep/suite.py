"""What is tested: two endpoints with their tokens, and the peers that media needs."""

import asyncio
import inspect
import threading
from urllib.parse import urljoin

import sdp
import web
from report import Broken

OFFER, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"


class Session:
    """A session that the server has made. Ended with `close`."""

    def __init__(self, side, offer, reply):
        self.side, self.offer, self.reply = side, offer, reply
        self.url = urljoin(reply.url, reply.get("location") or "")
        self.tag = reply.get("etag")
        self.answer = sdp.Description(reply.text)

    def patch(self, body, if_match="", content_type=FRAGMENT, **fields):
        """`if_match`: the session's own tag unless it is given; None leaves it out."""
        condition = self.tag if if_match == "" else if_match
        return self.side.send("PATCH", self.url, body, content_type=content_type, if_match=condition, **fields)

    def close(self):
        return self.side.send("DELETE", self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Side:
    """One protocol of the server."""

    def __init__(self, name, url, token):
        self.name, self.url, self.token = name, url, token
        self.direction = "sendonly" if name == "whip" else "recvonly"
        self.answered = "recvonly" if name == "whip" else "sendonly"
        self._needs_token = None

    def send(self, method, url=None, body=None, token="", **fields):
        """With the side's token, another one, or None for none."""
        used = self.token if token == "" else token
        fields = {"authorization": f"Bearer {used}" if used else None, **fields}
        return web.send(method, url or self.url, body, **fields)

    def post(self, body, content_type=OFFER, **fields):
        reply = self.send("POST", self.url, body, content_type=content_type, **fields)
        self.forget(reply, fields.get("token", ""))
        return reply

    def forget(self, reply, token=""):
        """A session that a check made besides is ended again."""
        if reply.status in (201, 406) and reply.get("location") and not getattr(self, "keeps", False):
            self.send("DELETE", urljoin(reply.url, reply.get("location")), token=token)

    def open(self, offer=None, **fields):
        """A session, which must be made."""
        offer = offer or sdp.Offer(self.direction)
        reply = self.send("POST", self.url, offer.text, content_type=OFFER, **fields)
        if reply.status != 201:
            raise Broken(f"a valid offer is answered with {reply}")
        return Session(self, offer, reply)

    @property
    def needs_token(self):
        """Whether the endpoint is protected at all."""
        if self._needs_token is None:
            self._needs_token = bool(self.token) and self.post(sdp.Offer(self.direction).text, token=None).status == 401
        return self._needs_token


class Suite:
    def __init__(self, whip, whep, has_media):
        self.whip, self.whep, self.has_media = whip, whep, has_media
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.source = None

    def side(self, name):
        return self.whip if name == "whip" else self.whep

    def run(self, function, side, recorder):
        if inspect.iscoroutinefunction(function):
            return self.wait(function(side, recorder))
        return function(side, recorder)

    def wait(self, coroutine, timeout=60):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def publish(self):
        """Keeps a publisher on the stream, so that there is something to watch."""
        from peers import Peer

        async def begin():
            self.source = Peer.publisher(self.whip)  # on the loop that it will run on
            await self.source.connect()

        self.wait(begin())

    def close(self):
        if self.source is not None:
            self.wait(self.source.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
