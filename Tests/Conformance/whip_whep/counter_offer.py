"""Offers of the server: what a viewer hears whose own offer cannot be accepted, and what comes of its answer."""

import re
from urllib.parse import urljoin

import sdp
from report import MAY, MUST, SHOULD, scenario
from sdp import FINGERPRINT, Description, Offer
from suite import OFFER

SETUP = "4.2.2"
UNKNOWN = ("unknown-video",)  # a codec that nobody sends


def ask(side):
    """The reply to an offer that no server can accept."""
    return side.send("POST", side.url, Offer("recvonly", UNKNOWN).text, content_type=OFFER)


def makes_offers(reply, check):
    """False, with every check skipped, for a server that refuses instead: the choice is its own."""
    if reply.status == 406 and reply.type == OFFER:
        return True
    check.close("the server makes no offers", "skipped")
    return False


def answer(offer, **changes):
    """An answer that goes along with everything, by hand. `changes` replace attributes by their names; None leaves one out."""
    own = {"ice-ufrag": sdp.token(4), "ice-pwd": sdp.token(24), "fingerprint": f"sha-256 {FINGERPRINT}", "setup": "active", **changes}
    dropped = ("candidate", "end-of-candidates", "ssrc", "ssrc-group", "msid", "msid-semantic", "ice-lite")
    lines = []
    for line in offer.text.replace("\r\n", "\n").strip().split("\n"):
        name = line[2:].split(":")[0] if line.startswith("a=") else None
        if name in dropped:
            continue
        if name in own:
            lines += [f"a={name}:{own[name]}"] if own[name] is not None else []
        else:
            lines.append({"a=sendonly": "a=recvonly", "a=sendrecv": "a=recvonly"}.get(line, line))
    return "".join(line + "\r\n" for line in lines)


def is_valid(content_type):
    """Whether `valid-until`, where it is there, is a date (RFC 9110 section 5.6.7)."""
    found = re.search(r"valid-until=(\"[^\"]*\"|[^;]*)", content_type)
    return found is None or re.fullmatch(r'"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"', found.group(1)) is not None


@scenario("whep", [
    ("counter-offer", SETUP, MAY, "an offer that cannot be accepted is answered with 406 and an offer"),
    ("counter-location", SETUP, MUST, "Location names the session that will be"),
    ("counter-description", SETUP, MUST, "the offer is a session description"),
    ("counter-direction", "4.2.5", MUST, "its sections send"),
    ("counter-setup", "RFC 8842 section 5.2", MUST, "it leaves the DTLS role open"),
    ("counter-fingerprint", "RFC 8122 section 5", MUST, "it holds the fingerprint of a certificate"),
    ("counter-bundle", "4.5.1", MUST, "all live sections are in one BUNDLE group"),
    ("counter-rtcp-mux", "4.5.1", MUST, "RTCP is multiplexed in each live section"),
    ("counter-candidates", "4.4.2", MUST, "it has the server's candidates"),
    ("counter-stream", "4.5.2", MUST, "all sections name one MediaStream with msid"),
    ("counter-kinds", "4.5.2", MUST, "there is at most one track of a kind"),
    ("counter-valid-until", SETUP, MUST, "where Content-Type says how long it is valid, it says so with an HTTP-date"),
    ("counter-cors", "4.3", SHOULD, "a page may read Location"),
    ("counter-delete", "4.2", SHOULD, "a viewer may decline with DELETE"),
])
def counter_offer(side, check):
    reply = ask(side)
    if not makes_offers(reply, check):
        return
    check("counter-offer", True, reply)
    check("counter-location", bool(reply.get("location")), reply.fields)
    check("counter-valid-until", is_valid(reply.get("content-type")), reply.get("content-type"))
    check("counter-cors", "location" in reply.words("access-control-expose-headers"), reply.fields)
    offer = Description(reply.text)
    check("counter-description", offer.is_description, reply)
    live = offer.live
    check("counter-direction", live and all(one.direction in ("sendonly", "sendrecv") for one in live), reply.text)
    check("counter-setup", all(offer.values(one, "setup") == ["actpass"] for one in live), reply.text)
    check("counter-fingerprint", all(offer.values(one, "fingerprint") for one in live), reply.text)
    check("counter-bundle", {one.values("mid")[0] for one in live} <= set(offer.bundle), reply.text)
    check("counter-rtcp-mux", all(one.has("rtcp-mux") for one in live), reply.text)
    check("counter-candidates", any(one.values("candidate") for one in live), reply.text)
    streams = {(one.values("msid") or [""])[0].split(" ")[0] for one in live}
    check("counter-stream", len(streams) == 1 and streams != {""}, streams)
    kinds = [one.kind for one in live]
    check("counter-kinds", len(kinds) == len(set(kinds)), kinds)
    check("counter-delete", side.send("DELETE", urljoin(reply.url, reply.get("location"))).is_success, "refused")


@scenario("whep", [
    ("counter-answer-malformed", SETUP, MUST, "an answer that is no description is refused with 4XX"),
    ("counter-answer-empty", SETUP, MUST, "so is an empty one"),
    ("counter-answer-type", "4.2.4", MUST, "and one of another type"),
    ("counter-answer-direction", "4.2.5", MUST, "an answer that would send is refused with 4XX"),
    ("counter-answer-insecure", "RFC 8827 section 6.5", MUST, "an answer without a fingerprint is refused with 4XX"),
    ("counter-answer-no-ice", "RFC 8839 section 5.4", MUST, "an answer without ICE credentials is refused with 4XX"),
    ("counter-answer-no-5xx", "RFC 9110 section 15.6", MUST, "none of these is answered with 5XX"),
    ("counter-answer", SETUP, MUST, "an answer that fits is taken with 204, after refused ones too"),
    ("counter-answer-empty-reply", SETUP, MUST, "that reply has no content"),
    ("counter-answer-then-get", "4.1", MUST, "after it the session is there"),
    ("counter-answer-then-delete", "4.2", MUST, "and is ended by DELETE"),
])
def counter_answer(side, check):
    reply = ask(side)
    if not makes_offers(reply, check):
        return
    url, offer = urljoin(reply.url, reply.get("location")), Description(reply.text)

    def give(text, content_type=OFFER):
        return side.send("PATCH", url, text, content_type=content_type)

    replies = {
        "counter-answer-malformed": give("hello"), "counter-answer-empty": give(""),
        "counter-answer-type": give(answer(offer), "text/plain"),
        "counter-answer-direction": give(answer(offer).replace("a=recvonly", "a=sendrecv")),
        "counter-answer-insecure": give(answer(offer, fingerprint=None)),
        "counter-answer-no-ice": give(answer(offer, **{"ice-ufrag": None, "ice-pwd": None})),
    }
    for name, one in replies.items():
        check(name, one.is_refusal, one)
    check("counter-answer-no-5xx", all(one.status < 500 for one in replies.values()), replies)
    reply = give(answer(offer))
    check("counter-answer", reply.status == 204, reply)
    check("counter-answer-empty-reply", reply.body == b"", reply)
    check("counter-answer-then-get", side.send("GET", url).is_success, "gone")
    check("counter-answer-then-delete", side.send("DELETE", url).is_success, "refused")
