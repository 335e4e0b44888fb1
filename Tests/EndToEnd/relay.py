"""A bad line: carries IP packets between two TUN devices, and loses, delays, reorders and repeats them as it is told.

    relay.py NEAR FAR SEED    the two are descriptors of TUN devices without packet information

Each line of the standard input is an object: `set` changes members of a `Condition` in the direction `to` (near or far; both when it is not
there), `count` has the packets of both directions printed. The relay ends with its input. The same seed loses the same packets of the same
traffic. It is a process of its own, so that what a test does meanwhile delays nothing.
"""

import heapq
import itertools
import json
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass, field

PACKET_LIMIT = 65536
IPV4, UDP = 4, 17


@dataclass
class Condition:
    """What a direction does to its packets. Times are seconds, the others but `rate` and `queue` are probabilities."""

    loss: float = 0
    delay: float = 0
    jitter: float = 0  # at most so much more delay; packets stay in order
    reorder: float = 0  # so many packets come `held` late, behind others
    held: float = 0.02
    duplicate: float = 0
    rate: float = 0  # bits a second; 0: no limit
    queue: int = 40_000  # bytes that wait for a limited rate; what does not fit is lost
    dead: str = None  # UDP from and to this address is lost
    # The far end's address and a mask for its UDP ports as the near end sees them: a NAT's mapping, [address, mask].
    mapping: list = None


@dataclass(order=True)
class Due:
    moment: float
    number: int
    packet: bytes = field(compare=False)


class Direction:
    """One way through the relay."""

    def __init__(self, source, sink, seed):
        self.source, self.sink = source, sink
        self.random = random.Random(seed)
        self.condition = Condition()
        self.waiting, self.numbers = [], itertools.count()
        self.line_free_at = self.in_order_after = 0.0
        self.counts = {"taken": 0, "lost": 0, "overflowed": 0, "reordered": 0, "duplicated": 0, "delivered": 0, "delivered_bytes": 0}

    def take(self, packet, now):
        """A packet of the source's; what it becomes waits for its moment."""
        condition, chance = self.condition, self.random.random
        self.counts["taken"] += 1
        if chance() < condition.loss or self._is_dead(packet):
            self.counts["lost"] += 1
            return
        leaves = self._transmit(len(packet), now)
        if leaves is None:
            self.counts["overflowed"] += 1
            return
        moment = leaves + condition.delay + condition.jitter * chance()
        if chance() < condition.reorder:
            self.counts["reordered"] += 1
            moment += condition.held
        else:
            moment = self.in_order_after = max(self.in_order_after, moment)
        self._wait(moment, packet)
        if chance() < condition.duplicate:
            self.counts["duplicated"] += 1
            self._wait(moment, packet)

    def _is_dead(self, packet):
        dead = self.condition.dead
        if dead is None or packet[0] >> 4 != IPV4 or packet[9] != UDP:
            return False
        return bytes(map(int, dead.split("."))) in (packet[12:16], packet[16:20])

    def _transmit(self, size, now):
        """When the line has taken the packet; None when the queue before it is full."""
        rate = self.condition.rate
        if not rate:
            return now
        start = max(now, self.line_free_at)
        if (start - now) * rate / 8 + size > self.condition.queue:
            return None
        self.line_free_at = start + size * 8 / rate
        return self.line_free_at

    def _wait(self, moment, packet):
        heapq.heappush(self.waiting, Due(moment, next(self.numbers), packet))

    def deliver(self, now):
        """Hands over what is due; returns when the next packet is, or None."""
        while self.waiting and self.waiting[0].moment <= now:
            packet = heapq.heappop(self.waiting).packet
            self.counts["delivered"] += 1
            self.counts["delivered_bytes"] += len(packet)
            try:
                os.write(self.sink, packet)
            except OSError:
                pass  # the device is down, or the packet is none to the kernel: lost
        return self.waiting[0].moment if self.waiting else None


class Mapping:
    """A NAT of the far end: other addresses and ports for its UDP, others again when the mapping changes."""

    def __init__(self):
        self.inner = {}  # addresses of the far end by those that the near end sees

    def outbound(self, packet, mapping):
        """A packet to the near end, from the mapping's address."""
        if not self._is_mapped(packet, mapping):
            return packet
        outer = bytes(map(int, mapping[0].split(".")))
        self.inner[outer] = packet[12:16]
        return _rewritten(packet, 12, outer, 0, mapping[1])

    def inbound(self, packet, mapping):
        """A packet to the far end; None when it is to a mapping that is no more."""
        if not self._is_mapped(packet, mapping) or packet[16:20] not in self.inner:
            return packet
        if packet[16:20] != bytes(map(int, mapping[0].split("."))):
            return None
        return _rewritten(packet, 16, self.inner[packet[16:20]], 2, mapping[1])

    @staticmethod
    def _is_mapped(packet, mapping):
        return mapping is not None and len(packet) >= 28 and packet[0] >> 4 == IPV4 and packet[9] == UDP


def _rewritten(packet, address_at, address, port_at, mask):
    """A UDP packet with another address and port in one of its two places; both checksums follow (RFC 1624 section 3)."""
    packet, udp = bytearray(packet), (packet[0] & 0x0F) * 4
    before = bytes(packet[address_at:address_at + 4])
    packet[address_at:address_at + 4] = address
    _adjust(packet, 10, before, address)
    [port] = struct.unpack_from(">H", packet, udp + port_at)
    struct.pack_into(">H", packet, udp + port_at, port ^ mask)
    if packet[udp + 6:udp + 8] != b"\0\0":  # none was made
        _adjust(packet, udp + 6, before + struct.pack(">H", port), address + struct.pack(">H", port ^ mask))
    return bytes(packet)


def _adjust(packet, at, before, after):
    [total] = struct.unpack_from(">H", packet, at)
    total = ~total & 0xFFFF
    for old, new in zip(struct.iter_unpack(">H", before), struct.iter_unpack(">H", after)):
        total += (~old[0] & 0xFFFF) + new[0]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into(">H", packet, at, ~total & 0xFFFF)


class Relay:
    def __init__(self, near, far, seed):
        self.to_far, self.to_near = Direction(near, far, seed), Direction(far, near, seed + 1)
        self.mapping = Mapping()
        self.orders = b""

    def run(self):
        """Until the input ends."""
        files = [0, self.to_far.source, self.to_near.source]
        for file in files:
            os.set_blocking(file, False)
        wake = None
        while True:
            timeout = None if wake is None else max(0, wake - time.monotonic())
            readable, _, _ = select.select(files, [], [], timeout)
            if 0 in readable and not self._obey():
                return
            for direction in (self.to_far, self.to_near):
                if direction.source in readable:
                    self._drain(direction)
            moments = [direction.deliver(time.monotonic()) for direction in (self.to_far, self.to_near)]
            wake = min((moment for moment in moments if moment is not None), default=None)

    def _drain(self, direction):
        while True:
            try:
                packet = os.read(direction.source, PACKET_LIMIT)
            except BlockingIOError:
                return
            mapped = self._mapped(packet, direction)
            if mapped is not None:
                direction.take(mapped, time.monotonic())

    def _mapped(self, packet, direction):
        mapping = self.to_near.condition.mapping
        return self.mapping.outbound(packet, mapping) if direction is self.to_near else self.mapping.inbound(packet, mapping)

    def _obey(self):
        """False at the end of the input."""
        part = os.read(0, PACKET_LIMIT)
        *orders, self.orders = (self.orders + part).split(b"\n")
        for order in map(json.loads, orders):
            for name in ("far", "near"):
                if order.get("to", name) == name:
                    vars(getattr(self, f"to_{name}").condition).update(order.get("set", {}))
            # Each order is answered, so that it holds when the one who gave it goes on.
            print(json.dumps({"far": self.to_far.counts, "near": self.to_near.counts}), flush=True)
        return part != b""


if __name__ == "__main__":
    Relay(*map(int, sys.argv[1:])).run()
