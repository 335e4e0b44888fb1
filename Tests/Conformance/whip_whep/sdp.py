"""Offers as text, good ones and broken ones, and a reader for answers."""

import random
import string

ICE = string.ascii_letters + string.digits
FINGERPRINT = ":".join(["AB"] * 32)
FORMATS = {
    "audio": ("111", ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"]),
    "video": ("96 97", [
        "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"]),
    "unknown-video": ("120", ["a=rtpmap:120 X-NOBODY/90000"]),
}


def token(length):
    return "".join(random.choices(ICE, k=length))


class Offer:
    """An offer of a browser's kind. `sections` name the formats of each section in order."""

    def __init__(self, direction, sections=("audio", "video"), setup="actpass", digest="sha-256", ice=True, fingerprint=True, bundle=True):
        self.ufrag, self.password = token(4), token(24)
        mids = [str(index) for index in range(len(sections))]
        lines = ["v=0", f"o=- {random.getrandbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        lines += [f"a=group:BUNDLE {' '.join(mids)}"] if bundle else []
        lines += ["a=extmap-allow-mixed", "a=msid-semantic: WMS"]
        value = FINGERPRINT if digest == "sha-256" else ":".join(["AB"] * 20)
        for mid, name in zip(mids, sections):
            formats, attributes = FORMATS[name]
            lines += [f"m={name.removeprefix('unknown-')} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0"]
            lines += [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}", "a=ice-options:trickle"] if ice else []
            lines += [f"a=fingerprint:{digest} {value}"] if fingerprint else []
            lines += [f"a=setup:{setup}", f"a=mid:{mid}", "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", f"a={direction}"]
            lines += [f"a=msid:stream track-{mid}"] if "send" in direction else []
            lines += ["a=rtcp-mux", "a=rtcp-mux-only", "a=rtcp-rsize", *attributes]
        self.text = "".join(line + "\r\n" for line in lines)

    def fragment(self, *candidates, ufrag=None, password=None, mid="0", end=False):
        """A fragment of its ICE session, or of another one (RFC 8840 section 9)."""
        lines = [f"a=ice-ufrag:{ufrag or self.ufrag}", f"a=ice-pwd:{password or self.password}"]
        if candidates or end:
            lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 111", f"a=mid:{mid}", *(f"a={one}" for one in candidates)]
            lines += ["a=end-of-candidates"] if end else []
        return "".join(line + "\r\n" for line in lines)


def candidate(port=50000, address="127.0.0.1", transport="udp", priority=2122260223, foundation="1"):
    extra = " tcptype active" if transport == "tcp" else ""
    return f"candidate:{foundation} 1 {transport} {priority} {address} {port} typ host{extra} generation 0"


class Section:
    def __init__(self, line):
        words = line[2:].split()
        self.kind, self.port, self.transport, self.formats = words[0], int(words[1].split("/")[0]), words[2], words[3:]
        self.lines = []

    def values(self, name):
        return [line[len(name) + 3:] for line in self.lines if line.startswith(f"a={name}:")]

    def has(self, name):
        return f"a={name}" in self.lines

    @property
    def direction(self):
        return next((one for one in ("sendrecv", "sendonly", "recvonly", "inactive") if self.has(one)), "sendrecv")

    @property
    def is_live(self):
        return (self.port != 0 or self.has("bundle-only")) and self.direction != "inactive"


class Description:
    """A session description as its lines."""

    def __init__(self, text):
        self.text, self.session, self.sections = text, [], []
        for line in text.replace("\r\n", "\n").split("\n"):
            if line.startswith("m="):
                self.sections.append(Section(line))
            elif line:
                (self.sections[-1].lines if self.sections else self.session).append(line)

    @property
    def is_description(self):
        return bool(self.session) and self.session[0] == "v=0" and any(line.startswith("o=") for line in self.session) and bool(self.sections)

    @property
    def live(self):
        return [section for section in self.sections if section.is_live]

    def values(self, section, name):
        """A section's values, or the session's where it has none."""
        return section.values(name) or [line[len(name) + 3:] for line in self.session if line.startswith(f"a={name}:")]

    @property
    def bundle(self):
        groups = [line.split()[1:] for line in self.session if line.startswith("a=group:BUNDLE")]
        return groups[0] if groups else []
