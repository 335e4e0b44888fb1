#!/usr/bin/env python3
"""Captures offers of the browsers of this machine as fixtures: capture_browsers.py FOLDER. Addresses are replaced by ones for documentation."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "EndToEnd"))
import browsers  # noqa: E402

TRACKS = """
    const video = () => { const c = document.createElement('canvas'); c.getContext('2d').fillRect(0, 0, 9, 9); return c.captureStream(5).getVideoTracks()[0]; };
    const audio = () => new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
    const prefer = (transceiver, codec) => transceiver.setCodecPreferences(
        RTCRtpReceiver.getCapabilities('video').codecs.sort((a, b) => (b.mimeType === codec) - (a.mimeType === codec)));
    const layers = ['l', 'm', 'h'].map((rid, i) => ({rid, scaleResolutionDownBy: 4 >> i, maxBitrate: 300000 << (2 * i)}));
"""

OFFER = """(async () => {
    const pc = new RTCPeerConnection({bundlePolicy: %(bundle)r});
    %(tracks)s
    %(body)s
    await pc.setLocalDescription();
    if (pc.iceGatheringState !== 'complete') await new Promise(done => {
        pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done(); setTimeout(done, 3000); });
    const sdp = pc.localDescription.sdp;
    pc.close();
    return sdp;
})()"""

CHROMIUM = {
    "publish-layers": "pc.addTransceiver(audio(), {direction: 'sendonly'});"
        "prefer(pc.addTransceiver(video(), {direction: 'sendonly', sendEncodings: layers}), 'video/H264');",
    "publish-svc": "prefer(pc.addTransceiver(video(), {direction: 'sendonly', sendEncodings: [{scalabilityMode: 'L3T3_KEY'}]}), 'video/VP9');"
        "pc.addTransceiver(audio(), {direction: 'sendonly'});",
    "publish-av1": "prefer(pc.addTransceiver(video(), {direction: 'sendonly'}), 'video/AV1');",
    "publish-call": "pc.addTransceiver(audio()); pc.addTransceiver(video()); pc.addTransceiver('video', {direction: 'recvonly'});"
        "pc.createDataChannel('chat');",
    # What LiveKit's client makes of Chromium's offer: data channels, three layers, and Opus with DTX.
    "publish-livekit": "pc.createDataChannel('_lossy'); pc.createDataChannel('_reliable');"
        "pc.addTransceiver(audio(), {direction: 'sendonly'});"
        "layers.forEach((layer, i) => layer.rid = 'qhf'[i]); pc.addTransceiver(video(), {direction: 'sendonly', sendEncodings: layers});",
    "rooms-view": "pc.addTransceiver('audio', {direction: 'recvonly'});"
        "for (let i = 0; i < 3; i++) pc.addTransceiver('video', {direction: 'recvonly'}); pc.createDataChannel('events');",
    "max-compat-view": "pc.addTransceiver('video', {direction: 'recvonly'}); pc.addTransceiver('audio', {direction: 'recvonly'});",
}

FIREFOX = {
    "publish-layers": "pc.addTransceiver(audio(), {direction: 'sendonly'});"
        "pc.addTransceiver(video(), {direction: 'sendonly', sendEncodings: layers});",
    "rooms-view": CHROMIUM["rooms-view"],
}


def documentation_addresses(sdp):
    """Our addresses must not be in a fixture: IPv4 becomes 192.0.2.1, IPv6 2001:db8::1, host names of mDNS stay."""
    sdp = re.sub(r"(a=candidate:\S+ \d+ \S+ \d+ )(\d+\.){3}\d+", r"\g<1>192.0.2.1", sdp)
    sdp = re.sub(r"(a=candidate:\S+ \d+ \S+ \d+ )[0-9a-fA-F]*:[0-9a-fA-F:]+", r"\g<1>2001:db8::1", sdp)
    return re.sub(r"^c=IN IP4 \S+", "c=IN IP4 0.0.0.0", sdp, flags=re.MULTILINE)


def main():
    folder = pathlib.Path(sys.argv[1])
    for kind, version, scenarios in ((browsers.Chromium, "chromium-156", CHROMIUM), (browsers.Firefox, "firefox-153", FIREFOX)):
        with kind() as browser, browser.open("about:blank") as page:
            for name, body in scenarios.items():
                bundle = "max-compat" if name.startswith("max-compat") else "max-bundle"
                sdp = page.evaluate(OFFER % {"bundle": bundle, "tracks": TRACKS, "body": body})
                if name.endswith("livekit"):
                    sdp = sdp.replace("a=fmtp:111 minptime=10;useinbandfec=1", "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1")
                (folder / f"{version}-{name}.sdp").write_text(documentation_addresses(sdp).replace("\r\n", "\n"))
                print(version, name, len(sdp))


main()
