"""What a WHEP session may offer besides: server-sent events and the choice of a video layer."""

import json

import web
from report import MUST, SHOULD, scenario

EVENTS = "urn:ietf:params:whep:ext:core:server-sent-events"
LAYER = "urn:ietf:params:whep:ext:core:layer"
SSE, CHOICE = "4.9.1", "4.9.2"
JSON = "application/json"


def find(session, relation):
    return next(((uri, one) for uri, one in web.links(session.reply) if one.get("rel") == relation), (None, {}))


@scenario("whep", [
    ("events-created", SSE, MUST, "a POST makes a stream of events and is answered with 201"),
    ("events-location", SSE, MUST, "Location names it"),
    ("events-type", "WHATWG HTML section 9.2", MUST, "it is text/event-stream"),
    ("events-active", SSE, MUST, "a stream that is published is told to be active"),
    ("events-inactive", SSE, MUST, "and not to be inactive at first"),
    ("events-one-line", SSE, MUST, "each event has its data in one line"),
    ("events-json", SSE, MUST, "the data of active, layers and viewercount are JSON objects"),
    ("events-viewercount", SSE, MUST, "the number of viewers counts this one"),
    ("events-announced", SSE, SHOULD, "events come that the Link announced, and no other"),
    ("events-subset", SSE, MUST, "a stream of some events holds no other"),
    ("events-unknown", SSE, SHOULD, "names of events that are not known do no harm"),
    ("events-malformed", SSE, SHOULD, "a list that is none is refused with 4XX"),
    ("events-deleted", SSE, MUST, "a DELETE ends the stream of events"),
    ("events-gone", SSE, MUST, "after that it is answered with 404"),
    ("events-end", SSE, MUST, "the end of the session ends its streams of events"),
    ("events-token", "4.8.1", SHOULD, "a stream of events is not made without the token"),
])
def events(side, check):
    with side.open() as session:
        url, link = find(session, EVENTS)
        if url is None:
            return check.close("the server has no such extension", "skipped")
        announced = {name.strip() for name in link.get("events", "").split(",") if name.strip()}
        reply = side.send("POST", url, json.dumps(["active", "inactive", "layers", "viewercount"]), content_type=JSON)
        check("events-created", reply.status == 201, reply)
        check("events-location", bool(reply.get("location")), reply.fields)
        first = place(reply)
        _check_stream(check, first, announced)
        reply = side.send("POST", url, json.dumps(["viewercount"]), content_type=JSON)
        reader = web.EventReader(place(reply))
        names = {name for name, _ in reader.collect(3, lambda seen: len(seen) >= 1)}
        check("events-subset", names <= {"viewercount"}, names)
        reply = side.send("POST", url, json.dumps(["viewercount", "from-the-future"]), content_type=JSON)
        check("events-unknown", reply.status == 201, reply)
        check("events-malformed", side.send("POST", url, "{", content_type=JSON).is_refusal, "taken")
        if side.needs_token:
            check("events-token", side.send("POST", url, token=None).status in (401, 403), "taken")
        else:
            check.skip("events-token", "the endpoint needs no token")
        reply = side.send("DELETE", first)
        check("events-deleted", reply.is_success, reply)
        check("events-gone", side.send("GET", first, accept="text/event-stream", timeout=5).status == 404, "still there")
        session.close()
        check("events-end", ended(reader), "it goes on")
        reader.close()


def place(reply):
    from urllib.parse import urljoin
    return urljoin(reply.url, reply.get("location") or "")


def ended(reader):
    """Whether the stream ends within a few seconds."""
    try:
        while reader.next(5) is not None:
            pass
    except (TimeoutError, OSError):
        return False
    return True


def _check_stream(check, url, announced):
    reader = web.EventReader(url)
    check("events-type", reader.status == 200 and reader.type == "text/event-stream", f"{reader.status} {reader.type}")
    seen = reader.collect(6, lambda seen: {"active", "viewercount", "layers"} <= {name for name, _ in seen})
    reader.close()
    names = [name for name, _ in seen]
    check("events-active", "active" in names, names)
    check("events-inactive", names[:1] != ["inactive"], names)
    check("events-one-line", all(len(data) == 1 for _, data in seen), seen)
    objects = {}
    for name, data in seen:
        try:
            objects[name] = json.loads(data[0])
        except (ValueError, IndexError):
            objects[name] = None
    check("events-json", seen and all(isinstance(value, dict) for value in objects.values()), seen)
    count = (objects.get("viewercount") or {}).get("viewercount")
    check("events-viewercount", isinstance(count, int) and count >= 1, objects.get("viewercount"))
    check("events-announced", set(names) <= announced, f"{names}, announced {announced}")


@scenario("whep", [
    ("layer-events", CHOICE, MUST, "a server with this extension has server-sent events and announces layers"),
    ("layer-form", SSE, MUST, "each layer has a rid, a spatial or a temporal id"),
    ("layer-section", SSE, MUST, "layers stand under a video section of the answer"),
    ("layer-bitrate", SSE, SHOULD, "a layer that is sent has a bitrate"),
    ("layer-free", CHOICE, MUST, "a choice without constraints is answered with 200"),
    ("layer-told", CHOICE, MUST, "a layer that was told is chosen with 200"),
    ("layer-unknown", CHOICE, MUST, "a layer that is not there is refused"),
    ("layer-section-unknown", CHOICE, MUST, "so is one of a section that has no video"),
    ("layer-malformed", CHOICE, MUST, "a body that is no JSON object is refused with 4XX"),
    ("layer-type", "RFC 9110 section 15.5.16", SHOULD, "a body of another type is refused with 415"),
])
def layers(side, check):
    with side.open() as session:
        url, _ = find(session, LAYER)
        if url is None:
            return check.close("the server has no such extension", "skipped")
        source, link = find(session, EVENTS)
        check("layer-events", source is not None and "layers" in link.get("events", ""), link)
        videos = [str(index) for index, one in enumerate(session.answer.sections) if one.kind == "video" and one.is_live]
        others = [str(index) for index, one in enumerate(session.answer.sections) if one.kind != "video"]
        told = _told(side, source)
        check("layer-form", told and all({"rid", "spatialLayerId", "temporalLayerId"} & set(one) for all in told.values() for one in all), told)
        check("layer-section", set(told) <= set(videos), f"{told}, video is {videos}")
        check("layer-bitrate", any(one.get("bitrate", 0) > 0 for all in told.values() for one in all), told)

        def choose(choice, content_type=JSON):
            return side.send("POST", url, choice if isinstance(choice, str) else json.dumps(choice), content_type=content_type)

        reply = choose({"mediaId": videos[0]})
        check("layer-free", reply.status == 200, reply)
        chosen = {name: value for name, value in told[videos[0]][0].items() if name in ("rid", "spatialLayerId", "temporalLayerId")}
        reply = choose({"mediaId": videos[0], **chosen})
        check("layer-told", reply.status == 200, reply)
        check("layer-unknown", choose({"rid": "nobody", "mediaId": videos[0]}).is_refusal, "taken")
        check("layer-section-unknown", choose({"mediaId": others[0]}).is_refusal, "taken")
        check("layer-malformed", choose("[").is_refusal and choose("[]").is_refusal, "taken")
        check("layer-type", choose("{}", "text/plain").status == 415, "taken")


def _told(side, url):
    """The newest layers of a few seconds: rates are known from the second look on."""
    reader = web.EventReader(place(side.send("POST", url, json.dumps(["layers"]), content_type=JSON)))
    told = {}
    for _, data in reader.collect(6, lambda seen: any('"bitrate"' in data[0] and '"bitrate":0' not in data[0].replace(" ", "") for _, data in seen)):
        told = json.loads(data[0])
    reader.close()
    return told
