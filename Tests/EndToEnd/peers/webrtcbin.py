#!/usr/bin/python3
"""A WHIP publisher and a WHEP viewer by GStreamer's webrtcbin, for the interop matrix. Debian's own Python runs it: GStreamer's bindings are there.

    webrtcbin.py publish --url U --token T --video VP8 --audio OPUS
    webrtcbin.py watch   --url U --token T --video VP8 --audio OPUS --folder FOLDER --frames 20

It prints one JSON object a line: {"state": "connected"} as soon as that is true, and at its end what came of it. A publisher goes on until its
standard input ends, a viewer until it has its frames or the time is over.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

SOUNDS = 25  # packets of sound that a viewer waits for, half a second
PICTURE = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=20/1"
TONE = "audiotestsrc is-live=true wave=sine ! audio/x-raw,rate={rate} ! audioconvert"


class Video:
    """How one codec is encoded and sent, offered, and taken from RTP to what Matroska holds."""

    clock_rate, media = 90_000, "video"

    def __init__(self, name, payload_type, send, take, **parameters):
        self.name, self.payload_type, self.parameters = name, payload_type, parameters
        self.send, self.take = f"{PICTURE} ! {send}", take

    @property
    def caps(self):
        parameters = "".join(f",{name}=(string){value}" for name, value in self.parameters.items())
        return (f"application/x-rtp,media={self.media},encoding-name={self.name},payload={self.payload_type},"
                f"clock-rate={self.clock_rate}{parameters}")


class Audio(Video):
    media = "audio"

    def __init__(self, name, payload_type, send, take, clock_rate, **parameters):
        super().__init__(name, payload_type, send, take, **parameters)
        self.send, self.clock_rate = f"{TONE.format(rate=clock_rate)} ! {send}", clock_rate


# A payloader that aggregates without delay and repeats parameter sets, as browsers do.
PARAMETER_SETS = "config-interval=-1 aggregate-mode=zero-latency"
CODECS = {codec.name: codec for codec in (
    Video("VP8", 96, "vp8enc deadline=1 keyframe-max-dist=20 ! rtpvp8pay picture-id-mode=15-bit", "rtpvp8depay"),
    Video("VP9", 98, "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=20 ! rtpvp9pay picture-id-mode=15-bit", "rtpvp9depay ! vp9parse"),
    Video("H264", 102, "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=20 ! video/x-h264,profile=constrained-baseline "
          f"! h264parse ! rtph264pay {PARAMETER_SETS}", "rtph264depay ! h264parse ! video/x-h264,stream-format=avc,alignment=au",
          **{"packetization-mode": 1, "profile-level-id": "42e01f"}),
    # Of an open GOP the payloader does not know the keyframes, and repeats nothing.
    Video("H265", 104, "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=20 option-string=open-gop=0:repeat-headers=1 "
          f"! h265parse ! rtph265pay {PARAMETER_SETS}",
          "rtph265depay ! h265parse ! video/x-h265,stream-format=hvc1,alignment=au"),
    Audio("OPUS", 111, "opusenc ! rtpopuspay", "rtpopusdepay ! opusparse", 48_000, **{"encoding-params": 2}),
    Audio("PCMU", 0, "mulawenc ! rtppcmupay min-ptime=20000000 max-ptime=20000000", "rtppcmudepay", 8_000),
    Audio("PCMA", 8, "alawenc ! rtppcmapay min-ptime=20000000 max-ptime=20000000", "rtppcmadepay", 8_000),
    Audio("MPEG4-GENERIC", 97, "voaacenc ! rtpmp4gpay", "rtpmp4gdepay ! aacparse", 44_100),
)}


class Failure(Exception):
    """What ends the program."""


class Peer:
    """One webrtcbin with its session at the endpoint."""

    def __init__(self, given):
        self.given, self.location, self.failure = given, None, None
        self.codecs = [CODECS[given.video], CODECS[given.audio]]
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.Pipeline.new()
        self.webrtc = Gst.ElementFactory.make("webrtcbin", "webrtc")
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.pipeline.add(self.webrtc)
        self.stay_on_loopback()
        self.webrtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.webrtc.connect("notify::connection-state", self.on_state)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def stay_on_loopback(self):
        # Both are kept: webrtcbin gives them without a reference, and would lose them with ours.
        self.ice = self.webrtc.get_property("ice-agent")
        self.agent = self.ice.get_property("agent")
        self.agent.set_property("upnp", False)  # a thread and eleven descriptors of its own
        self.agent.set_property("ice-tcp", False)
        self.ice.emit("add-local-ip-address", "127.0.0.1")

    # On the loop: what GStreamer's threads tell is taken there.

    def on_error(self, _, message):
        error, detail = message.parse_error()
        self.fail(f"{error.message} {detail}")

    def fail(self, reason):
        self.failure = self.failure or reason
        self.loop.quit()

    def offer(self):
        self.webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.take_offer))

    def take_offer(self, promise, *_):
        """On webrtcbin's thread: the offer goes away with the reply that holds it."""
        reply = promise.get_reply()
        self.webrtc.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathering(self, webrtc, _):
        if webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def on_state(self, webrtc, _):
        GLib.idle_add(self.tell, webrtc.get_property("connection-state"))

    def tell(self, state):
        if state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            print(json.dumps({"state": "connected"}), flush=True)
        elif state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            self.fail("the connection failed")

    def post(self):
        offer = self.webrtc.get_property("local-description").sdp.as_text()
        fields = {"content-type": "application/sdp", "authorization": f"Bearer {self.given.token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.given.url, offer.encode(), fields)) as reply:
                self.location, answer = urljoin(self.given.url, reply.headers["location"]), reply.read()
        except urllib.error.HTTPError as error:
            return self.fail(f"POST: {error.code} {error.read().decode()}")
        _, message = GstSdp.SDPMessage.new_from_text(answer.decode())
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.webrtc.emit("set-remote-description", description, Gst.Promise.new())

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        if self.location is not None:
            fields = {"authorization": f"Bearer {self.given.token}"}
            urllib.request.urlopen(urllib.request.Request(self.location, headers=fields, method="DELETE")).close()
        if self.failure is not None:
            raise Failure(self.failure)


class Publisher(Peer):
    def __init__(self, given):
        super().__init__(given)
        for codec in self.codecs:
            source = Gst.parse_bin_from_description(
                f"{codec.send} pt={codec.payload_type} ! capsfilter caps=application/x-rtp,media={codec.media},encoding-name={codec.name}", True)
            self.pipeline.add(source)
            source.link(self.webrtc)
        for transceiver in self.transceivers:
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        # By then the encoders have said what they make.
        self.webrtc.connect("on-negotiation-needed", lambda _: GLib.idle_add(self.offer))
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, self.on_input)

    @property
    def transceivers(self):
        return [self.webrtc.emit("get-transceiver", index) for index in range(len(self.codecs))]

    def on_input(self, source, _):
        if os.read(source.fileno(), 64):
            return True
        self.loop.quit()
        return False


class Viewer(Peer):
    def __init__(self, given):
        super().__init__(given)
        self.counts = {"video": 0, "audio": 0}
        for codec in self.codecs:
            self.webrtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(codec.caps))
        self.webrtc.connect("pad-added", self.on_pad)
        GLib.timeout_add_seconds(given.patience, self.loop.quit)
        GLib.idle_add(self.offer)

    def on_pad(self, _, pad):
        """On a thread of GStreamer's, which may build the chain behind its own pad."""
        caps = pad.get_current_caps().get_structure(0)
        media, name = caps.get_string("media"), caps.get_string("encoding-name")
        file = os.path.join(self.given.folder, f"{media}.mkv")
        chain = Gst.parse_bin_from_description(f"{CODECS[name].take} ! matroskamux name=muxer streamable=true ! filesink location={file}", True)
        inlet = next(iter(chain.get_by_name("muxer").sinkpads))
        inlet.add_probe(Gst.PadProbeType.BUFFER, self.count, media)
        self.pipeline.add(chain)
        chain.sync_state_with_parent()
        pad.link(chain.get_static_pad("sink"))

    def count(self, _, __, media):
        self.counts[media] += 1
        if self.counts["video"] >= self.given.frames and self.counts["audio"] >= SOUNDS:
            GLib.idle_add(self.loop.quit)
        return Gst.PadProbeReturn.OK

    def run(self):
        super().run()
        print(json.dumps({"frames": self.counts["video"], "sounds": self.counts["audio"], "missing": 0, "skipped": 0}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["publish", "watch"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--video", default="VP8")
    parser.add_argument("--audio", default="OPUS")
    parser.add_argument("--folder", default=".")
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--patience", type=int, default=15)
    given = parser.parse_args()
    Gst.init(None)
    try:
        {"publish": Publisher, "watch": Viewer}[given.command](given).run()
    except Failure as failure:
        sys.exit(f"webrtcbin: {failure}")


if __name__ == "__main__":
    main()
