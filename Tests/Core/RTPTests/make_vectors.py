#!/usr/bin/env python3
"""Writes AiortcVectors.swift: packets that aiortc packs, for tests that compare ours with them byte for byte.

    make_vectors.py >AiortcVectors.swift

Needs aiortc (the version is written into the file).
"""
import random

import aiortc
from aiortc import rtp

SENDER, MEDIA = 0x01020304, 0xA0B0C0D0


def report_block(random_source):
    return rtp.RtcpReceiverInfo(
        ssrc=random_source.getrandbits(32),
        fraction_lost=random_source.getrandbits(8),
        packets_lost=random_source.randint(-0x800000, 0x7FFFFF),
        highest_sequence=random_source.getrandbits(32),
        jitter=random_source.getrandbits(32),
        lsr=random_source.getrandbits(32),
        dlsr=random_source.getrandbits(32),
    )


def sender_report(random_source):
    info = rtp.RtcpSenderInfo(
        ntp_timestamp=random_source.getrandbits(64),
        rtp_timestamp=random_source.getrandbits(32),
        packet_count=random_source.getrandbits(32),
        octet_count=random_source.getrandbits(32),
    )
    return rtp.RtcpSrPacket(ssrc=SENDER, sender_info=info, reports=[report_block(random_source)])


def sdes(cname):
    return rtp.RtcpSdesPacket(chunks=[rtp.RtcpSourceInfo(ssrc=SENDER, items=[(1, cname.encode())])])


def nack(lost):
    return rtp.RtcpRtpfbPacket(fmt=rtp.RTCP_RTPFB_NACK, ssrc=SENDER, media_ssrc=MEDIA, lost=lost)


def remb(bitrate, sources):
    fci = rtp.pack_remb_fci(bitrate, sources)
    return rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_APP, ssrc=SENDER, media_ssrc=0, fci=fci)


def swift(value):
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    if isinstance(value, list):
        return "[" + ", ".join(swift(item) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(swift(item) for item in value) + ")"
    return str(value)


def main():
    source = random.Random(3)
    # aiortc cannot pack a list that wraps.
    lost_lists = [[7], [1, 17, 18, 40, 1000], list(range(100, 140))]
    lost_lists += [sorted(source.sample(range(20000), 60)) for _ in range(3)]
    bitrates = [0, 1, 0x3FFFF, 0x40000, 1_500_000, 12_345_678, 8_123_456_789]
    extensions = [
        [(1, b"\x85"), (3, b"\x12\x34"), (4, b"0")],
        [(2, b"\xab\xcd\xef"), (10, b"high"), (14, bytes(16))],
        [(20, b"\x12\x34"), (1, b""), (200, bytes(range(17)))],
    ]
    reports = [sender_report(source) for _ in range(4)]
    constants = {
        "nacks: [([UInt16], String)]": [(lost, bytes(nack(lost))) for lost in lost_lists],
        "estimates: [(UInt64, String)]": [(rate, bytes(remb(rate, [MEDIA]))) for rate in bitrates],
        "estimateOfTwoSources": bytes(remb(1_000_000, [MEDIA, SENDER])),
        "names: [(Int, String)]": [(length, bytes(sdes("n" * length))) for length in (1, 2, 3, 4, 5, 255)],
        "pictureLoss": bytes(rtp.RtcpPsfbPacket(fmt=rtp.RTCP_PSFB_PLI, ssrc=SENDER, media_ssrc=MEDIA)),
        "goodbye": bytes(rtp.RtcpByePacket(sources=[SENDER])),
        "receiverReport": bytes(
            rtp.RtcpRrPacket(ssrc=SENDER, reports=[report_block(random.Random(5)), report_block(random.Random(6))])
        ),
        "senderReports": [bytes(report) for report in reports],
        "extensions: [([(UInt8, String)], UInt16, String)]": [
            (elements, *rtp.pack_header_extensions(elements)) for elements in extensions
        ],
    }
    print("// Written by make_vectors.py with aiortc " + aiortc.__version__ + "; hexadecimal bytes.")
    print("enum AiortcVectors {")
    for name, value in constants.items():
        print(f"    // swift-format-ignore\n    static let {name} = {swift(value)}")
    print("}")


main()
