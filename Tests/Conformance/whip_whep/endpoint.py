"""The endpoint: offers that become sessions, offers that do not, tokens, other methods, and pages of other origins."""

import concurrent.futures
from urllib.parse import urljoin, urlsplit

import sdp
import web
from report import MAY, MUST, SHOULD, scenario
from sdp import Description, Offer
from suite import OFFER

ORIGIN = "https://pages.example"


@scenario("whep", [
    ("unpublished-refused", "4.2", MAY, "while nobody publishes, a viewer is refused"),
    ("unpublished-409", "4.2", MUST, "a viewer who needs a live stream and finds none is answered with 409"),
    ("unpublished-retry-after", "4.2", MUST, "that reply says with Retry-After when to come back"),
])
def unpublished(side, check):
    reply = side.post(Offer("recvonly").text)
    if reply.status == 201:
        for name in ("unpublished-409", "unpublished-retry-after"):
            check.skip(name, "the server lets viewers wait")
    else:
        check("unpublished-409", reply.status == 409, reply)
        check("unpublished-retry-after", (reply.get("retry-after") or "").strip() != "", reply.fields)
    check("unpublished-refused", reply.status != 201, reply)


@scenario("whip whep", [
    ("post-created", "4.2", MUST, "a valid offer is answered with 201"),
    ("post-content-type", "4.2", MUST, "the answer is application/sdp"),
    ("post-location", "4.2", MUST, "Location names the session"),
    ("post-location-differs", "4.2", MUST, "each session has a URL of its own"),
    ("post-location-random", ("5", "5"), SHOULD, "the URL is hard to guess: at least 64 bits that change"),
    ("post-etag", ("4.3.1", "4.4.1"), MUST, "a server that restarts ICE names the ICE session with ETag; others may"),
    ("post-etag-strong", ("4.3.1", "4.4.1"), MUST, "that entity-tag is a strong one"),
    ("post-accept-patch", "RFC 5789 section 3.1", SHOULD, "Accept-Patch names the fragments that the session takes"),
    ("answer-description", "4.2", MUST, "the answer is a session description"),
    ("answer-crlf", "RFC 8866 section 5", SHOULD, "the answer's lines end with CRLF"),
    ("answer-sections", "RFC 9429 section 5.3.1", MUST, "the answer has the offer's sections in its order"),
    ("answer-mids", "RFC 9429 section 5.3.1", MUST, "the answer's mids are the offer's"),
    ("answer-direction", "4.2", MUST, "live sections have the direction of the protocol"),
    ("answer-bundle", ("4.4.1", "4.5.1"), MUST, "all live sections are in one BUNDLE group"),
    ("answer-rtcp-mux", ("4.4.1", "4.5.1"), MUST, "RTCP is multiplexed in each live section"),
    ("answer-formats", "RFC 3264 section 6.1", MUST, "the answer holds formats of the offer alone"),
    ("answer-setup", ("4.4.4", "RFC 8842 section 5.3"), MUST, "the answer chooses a DTLS role"),
    ("answer-fingerprint", "RFC 8122 section 5", MUST, "the answer holds the fingerprint of a certificate"),
    ("answer-fingerprint-digest", "RFC 8122 section 5", MUST, "its hash is not MD5, MD2 or SHA-1"),
    ("answer-ice-ufrag", "RFC 8839 section 5.4", MUST, "the user fragment has 4 to 256 ICE characters"),
    ("answer-ice-pwd", "RFC 8839 section 5.4", MUST, "the password has 22 to 256 ICE characters"),
    ("answer-ice-fresh", "RFC 8445 section 5.3", MUST, "each session has ICE credentials of its own"),
    ("answer-candidates", ("4.3.2", "4.4.2"), MUST, "the answer holds the server's candidates, since none follow"),
    ("answer-candidates-form", "RFC 8839 section 5.1", MUST, "each candidate is of the form that it must have"),
    ("answer-candidates-udp", ("4.3.2", "4.4.2"), SHOULD, "at least one candidate is UDP"),
    ("answer-origin", "RFC 8866 section 5.2", MUST, "the origin line has its six members"),
])
def creation(side, check):
    with side.open() as session, side.open(Offer(side.direction)) as other:
        reply = session.reply
        check("post-created", reply.status == 201, reply)
        check("post-content-type", reply.type == "application/sdp", reply.type)
        check("post-location", bool(reply.get("location")), reply.fields)
        check("post-location-differs", session.url != other.url, session.url)
        check("post-location-random", _changing_bits(session.url, other.url) >= 64, session.url)
        tag = reply.get("etag")
        check("post-etag", bool(tag), reply.fields)
        check("post-etag-strong", tag is None or (tag.startswith('"') and tag.endswith('"') and len(tag) > 2), tag)
        check("post-accept-patch", "application/trickle-ice-sdpfrag" in reply.words("accept-patch"), reply.fields)
        _check_answer(side, check, session)
        check("answer-ice-fresh", session.answer.values(session.answer.sections[0], "ice-pwd")
              != other.answer.values(other.answer.sections[0], "ice-pwd"), "the same password twice")


def _changing_bits(one, two):
    """How many bits of two URLs were chosen anew, counted by hexadecimal digits: four a digit."""
    one, two = (urlsplit(url).path.rsplit("/", 1)[-1] for url in (one, two))
    return 4 * len(one) if one != two and len(one) == len(two) else 4 * max(len(one), len(two)) if one != two else 0


def _check_answer(side, check, session):
    answer, offer = session.answer, Description(session.offer.text)
    check("answer-description", answer.is_description, answer.text[:100])
    check("answer-crlf", answer.text.count("\n") == answer.text.count("\r\n") and answer.text.endswith("\r\n"), "bare line feeds")
    check("answer-sections", [one.kind for one in answer.sections] == [one.kind for one in offer.sections], answer.text[:200])
    check("answer-mids", all(ours.values("mid") == theirs.values("mid") for ours, theirs in zip(answer.sections, offer.sections)
                             if ours.port), answer.text[:200])
    check("answer-direction", answer.live and all(one.direction == side.answered for one in answer.live),
          [one.direction for one in answer.sections])
    check("answer-bundle", all(one.values("mid")[:1] and one.values("mid")[0] in answer.bundle for one in answer.live), answer.bundle)
    check("answer-rtcp-mux", all(one.has("rtcp-mux") for one in answer.live), answer.text[:200])
    check("answer-formats", all(set(ours.formats) <= set(theirs.formats) for ours, theirs in zip(answer.sections, offer.sections)),
          [one.formats for one in answer.sections])
    first = answer.live[0]
    check("answer-setup", answer.values(first, "setup") in (["active"], ["passive"]), answer.values(first, "setup"))
    prints = answer.values(first, "fingerprint")
    check("answer-fingerprint", bool(prints), answer.text[:200])
    check("answer-fingerprint-digest", all(one.split()[0].lower() not in ("md2", "md5", "sha-1") for one in prints), prints)
    for name, least in (("ice-ufrag", 4), ("ice-pwd", 22)):
        values = answer.values(first, name)
        check(f"answer-{name}", len(values) == 1 and least <= len(values[0]) <= 256 and all(one in sdp.ICE + "+/" for one in values[0]), values)
    candidates = [one for section in answer.sections for one in section.values("candidate")]
    check("answer-candidates", bool(candidates), answer.text[-300:])
    check("answer-candidates-form", all(_is_candidate(one) for one in candidates), candidates)
    check("answer-candidates-udp", any(one.split()[2].lower() == "udp" for one in candidates), candidates)
    origin = next((line for line in answer.session if line.startswith("o=")), "")
    check("answer-origin", len(origin[2:].split()) == 6, origin)


def _is_candidate(text):
    words = text.split()
    return len(words) >= 8 and words[6] == "typ" and words[1].isdigit() and words[3].isdigit() and words[5].isdigit()


@scenario("whip whep", [
    ("offer-sendrecv", "4.2", MUST, "an offer may be sendrecv"),
    ("offer-sendrecv-direction", "4.2", MUST, "its answer still has one direction"),
    ("offer-active", ("4.4.4", "RFC 8842 section 5.2"), SHOULD, "an offer with setup:active is taken, or refused with 4XX"),
    ("offer-content-type-case", "RFC 9110 section 8.3.1", MUST, "the media type is read without regard to case"),
    ("offer-content-type-parameter", "RFC 9110 section 8.3.1", SHOULD, "a charset parameter does no harm"),
    ("offer-line-feeds", "RFC 8866 section 5", SHOULD, "lines that end with a bare line feed are read"),
    ("offer-accept-excludes", "RFC 9110 section 15.5.7", MAY, "a client that accepts no application/sdp is answered with 406"),
    ("offer-audio-alone", ("4.4.2", "4.5.2"), MUST, "an offer of audio alone is taken (from a viewer: or refused with 4XX)"),
    ("offer-video-alone", ("4.4.2", "4.5.2"), MUST, "an offer of video alone is taken (from a viewer: or refused with 4XX)"),
])
def variants(side, check):
    def is_taken(offer, **fields):
        reply = side.post(offer.text if isinstance(offer, Offer) else offer, **fields)
        return reply.status == 201, reply

    ok, reply = is_taken(Offer("sendrecv"))
    check("offer-sendrecv", ok, reply)
    if ok:
        check("offer-sendrecv-direction", all(one.direction == side.answered for one in Description(reply.text).live), reply.text[:200])
    ok, reply = is_taken(Offer(side.direction, setup="active"))
    check("offer-active", reply.is_refusal or ok and Description(reply.text).values(Description(reply.text).live[0], "setup") == ["passive"], reply)
    check("offer-content-type-case", *is_taken(Offer(side.direction), content_type="Application/SDP"))
    check("offer-content-type-parameter", *is_taken(Offer(side.direction), content_type="application/sdp; charset=utf-8"))
    check("offer-line-feeds", *is_taken(Offer(side.direction).text.replace("\r\n", "\n")))
    reply = side.post(Offer(side.direction).text, accept="text/html")
    check("offer-accept-excludes", reply.status == 406, reply)
    for kind in ("audio", "video"):
        ok, reply = is_taken(Offer(side.direction, (kind,)))
        check(f"offer-{kind}-alone", ok or side.name == "whep" and reply.is_refusal, reply)


BAD = {
    "type-json": ("4.2", "a body of another type", lambda side: (Offer(side.direction).text, {"content_type": "application/json"})),
    "type-missing": ("4.2", "a body without a type", lambda side: (Offer(side.direction).text, {"content_type": None})),
    "empty": ("4.2", "an empty body", lambda side: ("", {})),
    "garbage": ("4.2", "a body that is no SDP", lambda side: ("hello\r\n", {})),
    "binary": ("4.2", "a body of random bytes", lambda side: (bytes(range(256)) * 4, {})),
    "json-body": ("4.2", "JSON under the type of SDP", lambda side: ('{"type":"offer","sdp":"v=0"}', {})),
    "cut": ("4.2", "an offer without media sections", lambda side: (Offer(side.direction).text.split("m=")[0], {})),
    "line-broken": ("4.2", "an offer with a line that is none", lambda side: (Offer(side.direction).text + "nonsense\r\n", {})),
    "no-ice": ("4.2", "an offer without ICE credentials", lambda side: (Offer(side.direction, ice=False).text, {})),
    "no-fingerprint": ("4.2", "an offer without a fingerprint", lambda side: (Offer(side.direction, fingerprint=False).text, {})),
    "huge": ("RFC 9110 section 15.5.14", "a body of two megabytes", lambda side: ("v=0\r\n" + "a=x\r\n" * 400_000, {})),
}


@scenario("whip whep", [
    *((f"bad-{name}", section, MUST, f"{text} is refused with 4XX") for name, (section, text, _) in BAD.items()),
    ("bad-type-415", "RFC 9110 section 15.5.16", SHOULD, "the wrong type is answered with 415"),
    ("bad-type-accept-post", "RFC 9110 section 15.5.16", MAY, "that reply names the right type in Accept-Post"),
    ("bad-problem", "4.1", MAY, "refusals carry a problem document (RFC 9457)"),
    ("bad-no-session", "4.2", MUST, "a refused offer makes no session, unless the server makes one of its own"),
    ("bad-no-5xx", "RFC 9110 section 15.6", MUST, "no broken offer is answered with 5XX"),
    ("bad-direction", "4.2", SHOULD, "an offer of the opposite direction is refused"),
    ("bad-inactive", "4.2", SHOULD, "an inactive offer is refused"),
    ("bad-digest", "RFC 8122 section 5", SHOULD, "a SHA-1 fingerprint alone is refused"),
    ("bad-unknown-codec", ("4.4.3", "4.2"), SHOULD, "an offer of nothing but unknown codecs is refused with 4XX"),
    ("bad-after", "4.2", MUST, "after all of these a valid offer is taken"),
])
def refusals(side, check):
    replies = []
    for name, (_, _, make) in BAD.items():
        body, fields = make(side)
        try:
            reply = side.post(body, **fields)
        except (BrokenPipeError, ConnectionResetError):
            # RFC 9110 section 15.5.14: a server may close the connection on a body that is too large.
            check(f"bad-{name}", name == "huge", "the connection was broken off")
            continue
        replies.append(reply)
        check(f"bad-{name}", reply.is_refusal, reply)
        if name == "type-json":
            check("bad-type-415", reply.status == 415, reply)
            check("bad-type-accept-post", OFFER in reply.words("accept-post"), reply.fields)
        if name == "garbage":
            check("bad-problem", reply.type == "application/problem+json", reply.type)
    opposite = "recvonly" if side.name == "whip" else "sendonly"
    for name, offer in {
        "bad-direction": Offer(opposite), "bad-inactive": Offer("inactive"), "bad-digest": Offer(side.direction, digest="sha-1"),
        "bad-unknown-codec": Offer(side.direction, ("unknown-video",)),
    }.items():
        replies.append(side.post(offer.text))
        check(name, replies[-1].is_refusal, replies[-1])
    refused = [reply for reply in replies if not reply.is_success and (reply.status, reply.type) != (406, OFFER)]
    check("bad-no-session", not any(reply.get("location") for reply in refused), refused)
    check("bad-no-5xx", all(reply.status < 500 for reply in replies), [reply for reply in replies if reply.status >= 500])
    with side.open() as session:
        check("bad-after", session.reply.status == 201, session.reply)


@scenario("whip", [
    ("tracks-two-videos", "4.4.2", MUST, "two tracks of a kind are refused with 4XX, or both are taken"),
    ("tracks-partial", "4.4.3", SHOULD, "an offer of which a section cannot be taken is refused as a whole"),
    ("tracks-partial-status", "4.4.3", SHOULD, "that refusal is 400 or 422 (406 before the RFC)"),
])
def tracks(side, check):
    reply = side.post(Offer("sendonly", ("audio", "video", "video")).text)
    taken = reply.status == 201 and len([one for one in Description(reply.text).live if one.kind == "video"]) == 2
    check("tracks-two-videos", taken or reply.is_refusal, reply)
    reply = side.post(Offer("sendonly", ("audio", "unknown-video")).text)
    check("tracks-partial", reply.is_refusal, reply)
    if reply.is_refusal:
        check("tracks-partial-status", reply.status in (400, 406, 422), reply)


@scenario("whip whep", [
    ("auth-missing", ("4.7.1", "4.8.1"), MUST, "where a token is needed, an offer without one is answered with 401"),
    ("auth-challenge", "RFC 9110 section 11.6.1", MUST, "a 401 has WWW-Authenticate"),
    ("auth-challenge-bearer", "RFC 6750 section 3", MUST, "it names the Bearer scheme"),
    ("auth-bad-token", "RFC 6750 section 3.1", SHOULD, "a token that is none is answered with 401"),
    ("auth-bad-token-error", "RFC 6750 section 3.1", SHOULD, "that challenge says invalid_token"),
    ("auth-malformed", "RFC 6750 section 3.1", SHOULD, "a Bearer field with two tokens is refused with 4XX"),
    ("auth-other-scheme", ("4.7.1", "4.8.1"), MUST, "another scheme opens nothing"),
    ("auth-scheme-case", "RFC 9110 section 11.1", MUST, "the scheme is read without regard to case"),
    ("auth-before-body", ("4.7.1", "4.8.1"), SHOULD, "who has no token does not learn whether the body is right"),
    ("auth-no-location", ("4.7.1", "4.8.1"), MUST, "a refusal names no session"),
    ("auth-patch", ("4.7.1", "4.8.1"), MUST, "a session is not changed without the token"),
    ("auth-delete", ("4.7.1", "4.8.1"), MUST, "a session is not ended without the token"),
    ("auth-delete-bad", ("4.7.1", "4.8.1"), MUST, "nor with a token that is none"),
    ("auth-goes-on", ("4.7.1", "4.8.1"), MUST, "after these the session is still there"),
])
def tokens(side, check):
    if not side.needs_token:
        return check.close("the endpoint needs no token", "skipped")
    good = Offer(side.direction).text
    reply = side.post(good, token=None)
    check("auth-missing", reply.status == 401, reply)
    check("auth-challenge", bool(reply.get("www-authenticate")), reply.fields)
    check("auth-challenge-bearer", (reply.get("www-authenticate") or "").lower().startswith("bearer"), reply.get("www-authenticate"))
    check("auth-no-location", reply.get("location") is None, reply.fields)
    reply = side.post(good, token="not.a.token")
    check("auth-bad-token", reply.status == 401, reply)
    check("auth-bad-token-error", "invalid_token" in (reply.get("www-authenticate") or ""), reply.get("www-authenticate"))
    reply = side.post(good, token=None, authorization=f"Bearer {side.token} {side.token}")
    check("auth-malformed", reply.is_refusal, reply)
    reply = side.post(good, token=None, authorization="Basic dXNlcjpwYXNzd29yZA==")
    check("auth-other-scheme", reply.status in (401, 403), reply)
    reply = side.send("POST", side.url, good, token=None, authorization=f"bEaReR {side.token}", content_type=OFFER)
    check("auth-scheme-case", reply.status == 201, reply)
    side.forget(reply)
    check("auth-before-body", side.post("hello", token=None).status == 401, "the body was judged first")
    with side.open() as session:
        check("auth-patch", side.send("PATCH", session.url, session.offer.fragment(end=True), token=None, if_match=session.tag,
                                      content_type="application/trickle-ice-sdpfrag").status in (401, 403), "taken")
        check("auth-delete", side.send("DELETE", session.url, token=None).status in (401, 403), "taken")
        check("auth-delete-bad", side.send("DELETE", session.url, token="not.a.token").status in (401, 403), "taken")
        check("auth-goes-on", session.patch(session.offer.fragment(end=True)).status == 204, "the session is gone")


@scenario("whip whep", [
    ("method-get", "4.1", MUST, "GET of the endpoint is answered with 2XX"),
    ("method-get-empty", "4.1", MUST, "and has no content"),
    ("method-head", "RFC 9110 section 9.3.2", MUST, "HEAD is answered as GET is"),
    ("method-put", "RFC 9110 section 15.5.6", SHOULD, "PUT of the endpoint is answered with 405"),
    ("method-delete", "RFC 9110 section 15.5.6", SHOULD, "DELETE of the endpoint is answered with 405"),
    ("method-patch", "RFC 9110 section 15.5.6", SHOULD, "PATCH of the endpoint is answered with 405"),
    ("method-allow", "RFC 9110 section 10.2.1", MUST, "a 405 names the methods in Allow"),
    ("method-unknown", "RFC 9110 section 9.1", SHOULD, "a method that nobody knows is answered with 405 or 501"),
    ("session-get", "4.1", MUST, "GET of a session is answered with 2XX"),
    ("session-get-empty", "4.1", MUST, "and has no content"),
    ("session-head", "RFC 9110 section 9.3.2", MUST, "HEAD of a session is answered as GET is"),
    ("session-put", "RFC 9110 section 15.5.6", SHOULD, "PUT of a session is answered with 405"),
    ("session-post", "RFC 9110 section 15.5.6", SHOULD, "POST to a session is answered with 405"),
    ("session-unknown-delete", "RFC 9110 section 15.5.5", MUST, "DELETE of a session that never was is answered with 4XX"),
    ("session-unknown-patch", "RFC 9110 section 15.5.5", MUST, "PATCH of a session that never was is answered with 4XX"),
])
def methods(side, check):
    reply = side.send("GET")
    check("method-get", reply.is_success, reply)
    check("method-get-empty", reply.is_success and not reply.body, reply)
    check("method-head", side.send("HEAD").status == reply.status, "another status")
    replies = []
    for method in ("PUT", "DELETE", "PATCH"):
        replies.append(side.send(method, body=None if method == "DELETE" else "x", content_type="text/plain"))
        check(f"method-{method.lower()}", replies[-1].status == 405, replies[-1])
    check("method-allow", all(one.get("allow") is not None for one in replies if one.status == 405), [one.fields for one in replies])
    check("method-unknown", side.send("BREW").status in (400, 405, 501), "taken")
    with side.open() as session:
        reply = side.send("GET", session.url)
        check("session-get", reply.is_success, reply)
        check("session-get-empty", reply.is_success and not reply.body, reply)
        check("session-head", side.send("HEAD", session.url).status == reply.status, "another status")
        for method in ("PUT", "POST"):
            refused = side.send(method, session.url, "x", content_type="text/plain")
            check(f"session-{method.lower()}", refused.status == 405, refused)
        unknown = urljoin(session.url, session.url.rsplit("/", 1)[-1][::-1] + "x")
        check("session-unknown-delete", side.send("DELETE", unknown).is_refusal, "taken")
        reply = side.send("PATCH", unknown, session.offer.fragment(end=True), content_type="application/trickle-ice-sdpfrag", if_match="*")
        check("session-unknown-patch", reply.is_refusal, reply)


@scenario("whip whep", [
    ("options", "4.2", MUST, "OPTIONS is answered with 2XX"),
    ("options-accept-post", "4.2", SHOULD, "Accept-Post names application/sdp"),
    ("options-without-token", ("4.7.1", "4.8.1"), MUST, "a preflight needs no token, since browsers send none with it"),
    ("preflight-origin", "Fetch section 3.2.3", MUST, "a preflight is answered with Access-Control-Allow-Origin"),
    ("preflight-method", "Fetch section 3.2.3", MUST, "it allows POST"),
    ("preflight-authorization", "Fetch section 3.2.3", MUST, "it allows Authorization by its name"),
    ("preflight-content-type", "Fetch section 3.2.3", MUST, "it allows Content-Type"),
    ("preflight-ice-servers", ("4.6", "4.7"), SHOULD, "it does not tell ICE servers"),
    ("preflight-session", "Fetch section 3.2.3", MUST, "a preflight of a session allows PATCH and DELETE"),
    ("preflight-if-match", "Fetch section 3.2.3", MUST, "and If-Match"),
    ("cors-created", "Fetch section 3.2.3", MUST, "a 201 is open to the page's origin"),
    ("cors-expose-location", "Fetch section 3.2.3", MUST, "it lets the page read Location"),
    ("cors-expose-etag", "Fetch section 3.2.3", MUST, "and ETag"),
    ("cors-expose-link", "Fetch section 3.2.3", MUST, "and Link"),
    ("cors-refusal", "Fetch section 3.2.3", SHOULD, "a refusal is open to the page's origin too"),
    ("cors-patch", "Fetch section 3.2.3", MUST, "so is the reply to a PATCH"),
])
def origins(side, check):
    asked = {"origin": ORIGIN, "access_control_request_method": "POST", "access_control_request_headers": "authorization,content-type"}
    reply = side.send("OPTIONS", token=None)
    check("options", reply.is_success, reply)
    check("options-accept-post", "application/sdp" in reply.words("accept-post"), reply.fields)
    reply = side.send("OPTIONS", token=None, **asked)
    check("options-without-token", reply.is_success, reply)
    check("preflight-origin", _is_open(reply), reply.fields)
    check("preflight-method", "post" in reply.words("access-control-allow-methods"), reply.fields)
    check("preflight-authorization", "authorization" in reply.words("access-control-allow-headers"), reply.fields)
    check("preflight-content-type", reply.words("access-control-allow-headers") & {"content-type", "*"}, reply.fields)
    check("preflight-ice-servers", not any(one.get("rel") == "ice-server" for _, one in web.links(reply)), reply.get("link"))
    offer = Offer(side.direction)
    with side.open(offer, origin=ORIGIN) as session:
        reply = side.send("OPTIONS", session.url, token=None, **{**asked, "access_control_request_method": "PATCH"})
        check("preflight-session", reply.is_success and {"patch", "delete"} <= reply.words("access-control-allow-methods"), reply.fields)
        check("preflight-if-match", reply.words("access-control-allow-headers") & {"if-match", "*"}, reply.fields)
        check("cors-created", _is_open(session.reply), session.reply.fields)
        for name in ("location", "etag", "link"):
            exposed = session.reply.words("access-control-expose-headers")
            check(f"cors-expose-{name}", exposed & {name, "*"}, exposed)
        check("cors-patch", _is_open(session.patch(offer.fragment(end=True), origin=ORIGIN)), "closed")
    check("cors-refusal", _is_open(side.post("hello", origin=ORIGIN)), "closed")


def _is_open(reply):
    return reply.get("access-control-allow-origin") in ("*", ORIGIN)


@scenario("whip whep", [
    ("ice-servers-scheme", ("4.6", "4.7"), MUST, "ICE servers, where they are told, are stun, stuns, turn or turns URIs"),
    ("ice-servers-credentials", ("4.6", "4.7"), MUST, "a TURN server comes with user name and credential"),
    ("ice-servers-type", ("4.6", "4.7"), MUST, "its credential type is password, said or not"),
])
def ice_servers(side, check):
    with side.open() as session:
        servers = [(uri, one) for uri, one in web.links(session.reply) if one.get("rel") == "ice-server"]
    if not servers:
        return check.close("the server tells none", "skipped")
    check("ice-servers-scheme", all(uri.split(":")[0] in ("stun", "stuns", "turn", "turns") for uri, _ in servers), servers)
    relays = [one for uri, one in servers if uri.startswith("turn")]
    if not relays:
        return check.close("there is no TURN server among them", "skipped")
    check("ice-servers-credentials", all(one.get("username") and one.get("credential") for one in relays), "missing")
    check("ice-servers-type", all(one.get("credential-type", "password") == "password" for one in relays), relays)


@scenario("whip whep", [
    ("parallel", "RFC 9110 section 15.6.4", MUST, "eight offers at once are each taken, or refused with a status that says why"),
    ("parallel-distinct", "4.2", MUST, "those that are taken have URLs of their own"),
    ("parallel-retry-after", "RFC 9110 section 10.2.3", SHOULD, "a 429 or 503 says with Retry-After when to come back"),
])
def parallel(side, check):
    def post(_):
        return side.send("POST", side.url, Offer(side.direction).text, content_type=OFFER)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(post, range(8)))
    check("parallel", all(reply.status in (201, 409, 429, 503) for reply in replies), replies)
    places = [reply.get("location") for reply in replies if reply.status == 201]
    check("parallel-distinct", len(set(places)) == len(places), places)
    check("parallel-retry-after", all(reply.get("retry-after") for reply in replies if reply.status in (429, 503)), replies)
    for reply in replies:
        side.forget(reply)
