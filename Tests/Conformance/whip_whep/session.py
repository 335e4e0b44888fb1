"""Sessions that are there: candidates, ICE restarts, entity-tags and the end."""

import concurrent.futures

import sdp
from report import MAY, MUST, SHOULD, scenario
from sdp import Description, Offer, candidate
from suite import FRAGMENT

PATCH, TRICKLE, RESTART = ("4.3.1", "4.4.1"), ("4.3.2", "4.4.2"), ("4.3.3", "4.4.3")


def takes_candidates(session, check):
    """False, with every check skipped, for a server that has no trickle ICE: that is its right (501 or 422)."""
    reply = session.patch(session.offer.fragment(candidate()))
    if reply.status not in (405, 422, 501):
        return True
    check.close(f"the server has no trickle ICE ({reply.status})", "skipped")
    return False


@scenario("whip whep", [
    ("trickle", TRICKLE, MUST, "candidates are answered with 204"),
    ("trickle-empty", TRICKLE, MUST, "that reply has no body"),
    ("trickle-no-etag", TRICKLE, MUST, "and no ETag"),
    ("trickle-several", TRICKLE, MUST, "several candidates come in one request"),
    ("trickle-end", TRICKLE, MUST, "the end of candidates is taken alone"),
    ("trickle-tcp", TRICKLE, MUST, "a candidate of a transport that is not supported is passed over in silence"),
    ("trickle-name", TRICKLE, MUST, "so is one whose address cannot be resolved (mDNS)"),
    ("trickle-ipv6", TRICKLE, MUST, "IPv6 candidates are taken or passed over"),
    ("trickle-extension", "RFC 8839 section 5.1", MUST, "extensions of a candidate that nobody knows do no harm"),
    ("trickle-attribute", "RFC 8840 section 9.2", MUST, "attributes that nobody knows are passed over"),
    ("trickle-repeated", TRICKLE, MUST, "the same candidate twice does no harm"),
    ("trickle-type-parameter", "RFC 9110 section 8.3.1", SHOULD, "a parameter of the media type does no harm"),
    ("trickle-overlapping", PATCH, MUST, "overlapping requests are each answered"),
])
def trickle(side, check):
    with side.open() as session:
        if not takes_candidates(session, check):
            return
        offer = session.offer
        reply = session.patch(offer.fragment(candidate(50001)))
        check("trickle", reply.status == 204, reply)
        check("trickle-empty", not reply.body, reply)
        check("trickle-no-etag", reply.get("etag") is None, reply.fields)
        for name, fragment in {
            "trickle-several": offer.fragment(*(candidate(50010 + one, foundation=str(one)) for one in range(4))),
            "trickle-tcp": offer.fragment(candidate(9, transport="tcp")),
            "trickle-name": offer.fragment(candidate(50020, "3e0b65d7-20b2-4f9b-9c0e-6f6c05a1b5e3.local")),
            "trickle-ipv6": offer.fragment(candidate(50021, "2001:db8::1")),
            "trickle-extension": offer.fragment(candidate(50022) + " ufrag abcd network-id 1 network-cost 50 future thing"),
            "trickle-attribute": "a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\na=future:1\r\n" + offer.fragment(candidate(50023)),
            "trickle-repeated": offer.fragment(candidate(50001), candidate(50001)),
            "trickle-end": offer.fragment(end=True),
        }.items():
            reply = session.patch(fragment)
            check(name, reply.status == 204, reply)
        reply = session.patch(offer.fragment(candidate(50030)), content_type=FRAGMENT + "; charset=utf-8")
        check("trickle-type-parameter", reply.status == 204, reply)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda port: session.patch(offer.fragment(candidate(port))), range(50040, 50044)))
        check("trickle-overlapping", all(reply.status == 204 for reply in replies), replies)


@scenario("whip whep", [
    ("condition-missing", PATCH, MUST, "a PATCH without If-Match is answered with 428"),
    ("condition-stale", PATCH, MUST, "a PATCH with another entity-tag is answered with 412"),
    ("condition-weak", "RFC 9110 section 13.1.1", MUST, "a weak tag does not match"),
    ("condition-list", "RFC 9110 section 13.1.1", MUST, "a list that holds the tag matches"),
    ("condition-malformed", "RFC 9110 section 13.1.1", MUST, "a condition that is none is refused with 4XX"),
    ("condition-problem", "4.1", MAY, "these refusals carry a problem document"),
    ("condition-goes-on", PATCH, MUST, "after refusals the session goes on"),
])
def conditions(side, check):
    with side.open() as session:
        if session.tag is None:
            return check.close("the server names no ICE session", "skipped")
        if not takes_candidates(session, check):
            return
        fragment = session.offer.fragment(candidate())
        reply = session.patch(fragment, if_match=None)
        check("condition-missing", reply.status == 428, reply)
        check("condition-problem", reply.type == "application/problem+json", reply.type)
        reply = session.patch(fragment, if_match='"another-ice-session"')
        check("condition-stale", reply.status == 412, reply)
        reply = session.patch(fragment, if_match=f"W/{session.tag}")
        check("condition-weak", reply.status == 412, reply)
        reply = session.patch(fragment, if_match=f'"another", {session.tag}')
        check("condition-list", reply.status == 204, reply)
        reply = session.patch(fragment, if_match=session.tag.strip('"'))
        check("condition-malformed", reply.is_refusal, reply)
        reply = session.patch(fragment)
        check("condition-goes-on", reply.status == 204, reply)


@scenario("whip whep", [
    ("fragment-type", PATCH, MUST, "a fragment of another type is refused with 4XX"),
    ("fragment-type-415", "RFC 5789 section 2.2", SHOULD, "with 415"),
    ("fragment-type-accept-patch", "RFC 5789 section 2.2", SHOULD, "and with Accept-Patch"),
    ("fragment-empty", PATCH, MUST, "an empty fragment is refused with 4XX"),
    ("fragment-garbage", PATCH, MUST, "a fragment that is none is refused with 4XX"),
    ("fragment-candidate", PATCH, MUST, "a candidate that is none is refused with 4XX"),
    ("fragment-credentials", PATCH, MUST, "a user fragment without its password is refused with 4XX"),
    ("fragment-short-password", "RFC 8839 section 5.4", MUST, "a password that is too short is refused with 4XX"),
    ("fragment-huge", "RFC 9110 section 15.5.14", MUST, "a fragment of a megabyte is refused with 4XX"),
    ("fragment-no-5xx", "RFC 9110 section 15.6", MUST, "none of these is answered with 5XX"),
    ("fragment-goes-on", PATCH, MUST, "after these the session goes on"),
])
def fragments(side, check):
    with side.open() as session:
        if not takes_candidates(session, check):
            return
        offer, replies = session.offer, []
        reply = session.patch(offer.fragment(candidate()), content_type="text/plain")
        check("fragment-type", reply.is_refusal, reply)
        check("fragment-type-415", reply.status == 415, reply)
        check("fragment-type-accept-patch", FRAGMENT in reply.words("accept-patch"), reply.fields)
        for name, fragment in {
            "fragment-empty": "", "fragment-garbage": "hello\r\n", "fragment-candidate": offer.fragment("candidate:1 1 udp x 1.1.1.1 9 typ host"),
            "fragment-credentials": f"a=ice-ufrag:{offer.ufrag}\r\n",
            "fragment-short-password": f"a=ice-ufrag:{offer.ufrag}\r\na=ice-pwd:short\r\n",
            "fragment-huge": offer.fragment(*[candidate()] * 16_000),
        }.items():
            try:
                replies.append(session.patch(fragment))
            except (BrokenPipeError, ConnectionResetError):
                check(name, name == "fragment-huge", "the connection was broken off")
                continue
            check(name, replies[-1].is_refusal, replies[-1])
        check("fragment-no-5xx", all(one.status < 500 for one in replies), replies)
        reply = session.patch(offer.fragment(candidate()))
        check("fragment-goes-on", reply.status == 204, reply)


@scenario("whip whep", [
    ("restart", RESTART, SHOULD, "other credentials restart ICE and are answered with 200"),
    ("restart-refused", RESTART, MUST, "a server that cannot says so with 4XX or 5XX, 422 where it has trickle ICE"),
    ("restart-kept", RESTART, MUST, "a refused restart does not end the session"),
    ("restart-type", RESTART, MUST, "the reply is a fragment"),
    ("restart-etag", RESTART, MUST, "it names the new ICE session with ETag"),
    ("restart-etag-new", RESTART, MUST, "with another tag than before"),
    ("restart-credentials", RESTART, MUST, "it holds the server's credentials"),
    ("restart-credentials-new", RESTART, MUST, "which are new"),
    ("restart-old-tag", RESTART, MUST, "the old tag is answered with 412 from then on"),
    ("restart-new-tag", RESTART, MUST, "the new one is taken"),
])
def restart(side, check):
    with side.open() as session:
        offer = Offer(side.direction)
        reply = session.patch(offer.fragment(candidate()), if_match="*")
        check("restart", reply.status == 200, reply)
        if reply.status != 200:
            check("restart-refused", reply.status in (405, 422, 501) or reply.status in (409, 503), reply)
            after = session.patch(session.offer.fragment(candidate()))
            check("restart-kept", after.status in (204, 405, 501), after)
            return check.close("the server cannot restart ICE", "skipped")
        check("restart-type", reply.type == FRAGMENT, reply.type)
        check("restart-etag", bool(reply.get("etag")), reply.fields)
        check("restart-etag-new", reply.get("etag") != session.tag, reply.get("etag"))
        answer = Description("v=0\r\n" + reply.text)
        lines = answer.session + [line for section in answer.sections for line in section.lines]
        values = {name: [line for line in lines if line.startswith(f"a={name}:")] for name in ("ice-ufrag", "ice-pwd")}
        check("restart-credentials", all(values.values()), reply.text)
        before = session.answer.values(session.answer.live[0], "ice-pwd")
        check("restart-credentials-new", values["ice-pwd"] and values["ice-pwd"][0] != f"a=ice-pwd:{before[0]}", reply.text)
        check("restart-old-tag", session.patch(offer.fragment(candidate())).status == 412, "taken")
        session.tag = reply.get("etag")
        check("restart-new-tag", session.patch(offer.fragment(candidate())).status == 204, "refused")
        for name in ("restart-refused", "restart-kept"):
            check.skip(name, "the server can restart ICE")


END = ("4.2", "4.3")


@scenario("whip whep", [
    ("delete", END, MUST, "DELETE ends the session with 2XX"),
    ("delete-200", END, SHOULD, "with 200"),
    ("delete-again", "RFC 9110 section 9.2.2", MUST, "once more it is answered with 2XX, 404 or 410: DELETE is idempotent"),
    ("delete-then-patch", END, MUST, "after it a PATCH is answered with 4XX"),
    ("delete-then-get", END, MUST, "and a GET with 404 or 410"),
    ("delete-any-tag", PATCH, MUST, "entity-tags are ignored when a session is ended"),
    ("delete-then-post", END, MUST, "after it a new session is made"),
])
def end(side, check):
    session = side.open()
    reply = session.close()
    check("delete", reply.is_success, reply)
    check("delete-200", reply.status == 200, reply)
    again = session.close()
    check("delete-again", again.is_success or again.status in (404, 410), again)
    check("delete-then-patch", session.patch(session.offer.fragment(candidate())).is_refusal, "taken")
    check("delete-then-get", side.send("GET", session.url).status in (404, 410), "still there")
    session = side.open()
    check("delete-then-post", session.reply.status == 201, session.reply)
    reply = side.send("DELETE", session.url, if_match='"another-ice-session"')
    check("delete-any-tag", reply.is_success, reply)
    session.close()


@scenario("whip", [
    ("second-publisher", "4.2", MUST, "a second publisher of the stream takes the place of the first, stands beside it, or is refused with 409"),
    ("second-publisher-again", "4.2", MUST, "after both have left, a publisher is taken"),
])
def second(side, check):
    with side.open():
        reply = side.post(Offer("sendonly").text)
        check("second-publisher", reply.status in (201, 409), reply)
    with side.open() as session:
        check("second-publisher-again", session.reply.status == 201, session.reply)
