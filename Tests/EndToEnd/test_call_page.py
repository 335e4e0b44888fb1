"""The parts of the call page that need no room: where pictures go, and what a page makes of the room's notices."""

import json

import pytest

from bridge import Bridge

pytestmark = pytest.mark.sturdy

PEOPLE = [
    {"id": "h", "role": "host", "name": "Ada", "presence": "here", "hand": None, "metadata": {}},
    {"id": "w", "role": "worker", "name": "Wim", "presence": "here", "hand": None, "metadata": {}},
    {"id": "v", "role": "viewer", "name": "Vic", "presence": "here", "hand": None, "metadata": {}},
]
WELCOME = {
    "you": "h", "participants": PEOPLE, "tracks": [], "seats": [], "spotlight": [], "pins": [], "speaker": None, "chat": [], "boards": [],
}


@pytest.fixture(scope="module")
def page(viewer_browser):
    with Bridge() as bridge, viewer_browser.open(f"{bridge.base}/call/yard") as page:
        page.wait_for("window.viaduct?.state === 'lobby'", 20)
        yield page


def track(number, owner, kind):
    return {"id": number, "participant": owner, "kind": kind, "muted": False, "muted_by_host": False}


def after(page, expression, *notices):
    """What an expression of `state` is after these notices, each `(type, data)`."""
    frames = json.dumps([{"type": name, "data": data} for name, data in notices])
    return json.loads(page.evaluate(
        f"import('/assets/call-state.js').then(({{ CallState }}) => {{ const state = new CallState();"
        f" for (const frame of {frames}) if (!state.take(frame)) throw new Error(frame.type);"
        f" return JSON.stringify({expression} ?? null); }})"))


def test_no_picture_covers_another_or_leaves_the_stage(page):
    faults = page.evaluate("""import("/assets/call-layout.js").then(({ arrange }) => {
        const faults = [];
        for (const [width, height] of [[320, 480], [360, 200], [1280, 700], [800, 1200], [3840, 2000], [280, 280]]) {
            for (let count = 1; count <= 49; count++) for (const mode of ["grid", "speaker"]) for (const preferred of [[], [0], [1, 2]]) {
                const pictures = Array.from({ length: count }, (_, place) => (
                    { key: `${place}`, isMine: place === count - 1, isPreferred: preferred.includes(place), isSpeaking: false }));
                const places = arrange(pictures, { width, height }, mode);
                const isOut = ({ x, y, width: w, height: h }) => x < -1 || y < -1 || x + w > width + 1 || y + h > height + 1 || w < 1 || h < 1;
                const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
                if (places.length !== count || places.some(isOut) || places.some((a, i) => places.some((b, j) => j < i && meet(a, b)))) {
                    faults.push([width, height, count, mode, preferred]);
                }
            }
        }
        return faults;
    })""")
    assert faults == []


def test_who_speaks_is_large_until_somebody_else_does(page):
    large = page.evaluate("""import("/assets/call-layout.js").then(({ arrange }) => {
        const people = (speaking, preferred) => ["a", "b", "me"].map((key) => (
            { key, isMine: key === "me", isPreferred: key === preferred, isSpeaking: key === speaking }));
        const large = (pictures, last) => arrange(pictures, { width: 1280, height: 720 }, "speaker", last).filter(({ isLarge }) => isLarge).map(({ key }) => key);
        return [large(people("b"), "a"), large(people(null), "b"), large(people("me"), "b"), large(people("b", "a"), "b"), large(people(null), null)];
    })""")
    assert large == [["b"], ["b"], ["b"], ["a"], ["a"]]


@pytest.mark.parametrize("preferred, wanted", [([], []), (["b"], ["b"]), (["a", "b"], ["a", "b"]), (["a", "b", "me"], ["a", "b", "me"])])
def test_what_is_pinned_is_large_in_the_grid_too(page, preferred, wanted):
    places = page.evaluate(f"""import("/assets/call-layout.js").then(({{ arrange }}) => arrange(["a", "b", "me"].map((key) => (
        {{ key, isMine: key === "me", isPreferred: {json.dumps(preferred)}.includes(key), isSpeaking: key === "me" }})), {{ width: 1280, height: 720 }}, "grid"))""")
    assert [place["key"] for place in places if place["isLarge"]] == wanted
    areas = {place["key"]: place["width"] * place["height"] for place in places}
    others = [areas[key] for key in areas if key not in wanted]
    assert not wanted or not others or min(areas[key] for key in wanted) > 3 * max(others)
    assert wanted or len(set(areas.values())) == 1, "the plain grid shows all alike"


@pytest.mark.parametrize("place, scale, visible, wanted", [
    ((1280, 720, True), 1, True, {"visible": True, "width": 1792, "height": 1008}),
    ((200, 113, False), 1, True, {"visible": True, "width": 280, "height": 158, "frame_rate": 20}),
    ((200, 113, True), 1, True, {"visible": True, "width": 280, "height": 158}),
    ((200, 113, False), 2, True, {"visible": True, "width": 560, "height": 316, "frame_rate": 20}),
    ((480, 270, False), 1, True, {"visible": True, "width": 672, "height": 378}),
    ((480, 270, False), 1, False, {"visible": False}), ((0, 0, False), 1, True, {"visible": False}),
])
def test_the_bridge_is_told_how_a_picture_is_seen(page, place, scale, visible, wanted):
    width, height, large = place
    seen = json.dumps({"width": width, "height": height, "isLarge": large})
    assert page.evaluate(f"import('/assets/call-layout.js').then(({{ viewOf }}) => viewOf({seen}, {scale}, {json.dumps(visible)}))") == wanted


def test_a_room_is_what_its_notices_say(page):
    welcome = ("welcome", WELCOME)
    camera, screen = track("t1", "w", "camera"), track("t2", "w", "screen")
    published = [("published", {"track": camera}), ("published", {"track": screen})]
    # Who only watches has no picture; a screen stands before the cameras, and oneself behind all.
    assert after(page, "state.pictures().map(({ key }) => key)", welcome, *published) == ["screen w", "w", "h"]
    assert after(page, "state.pictures().map(({ track }) => track?.id ?? null)", welcome, *published) == ["t2", "t1", None]
    left = ("left", {"participant": "w", "cause": "left"})
    assert after(page, "[state.tracks.size, state.participants.size, state.phase]", welcome, *published, left) == [0, 2, "inside"]
    removed = ("left", {"participant": "h", "cause": "removed"})
    assert after(page, "[state.phase, state.end]", welcome, removed) == ["over", {"left": "removed"}]
    # A welcome after a lost socket is all that is true.
    assert after(page, "state.tracks.size", welcome, *published, welcome) == 0


def test_strokes_grow_and_are_erased_with_their_board(page):
    board = {"id": "b", "track": "t1", "subject": "w", "owner": "h", "at": "2031-05-01T00:00:00Z", "annotations": []}
    pen = lambda author, count: ("annotated", {"board": "b", "annotation": {
        "id": "s", "participant": author, "shape": {"type": "pen", "points": [[0, 0]] * count}, "colour": "#ffffff", "at": board["at"]}})
    drawn = [("welcome", WELCOME), ("published", {"track": track("t1", "w", "camera")}), ("board", {"board": board})]
    lengths = "state.board('t1')?.annotations.map(({ shape }) => shape.points.length)"
    assert after(page, lengths, *drawn, pen("h", 1), pen("h", 7)) == [7]
    assert after(page, lengths, *drawn, pen("h", 1), ("board_closed", {"board": "b"})) is None
    assert after(page, lengths, *drawn, pen("h", 1), ("erased", {"board": "b", "annotations": ["s"]})) == []


@pytest.mark.parametrize("notice", [
    ("left", {"participant": "w", "cause": "left"}), ("changed", {"participant": {**PEOPLE[1], "presence": "away"}}), ("unpublished", {"track": "t1"}),
])
def test_nobody_points_who_is_not_there(page, notice):
    point = lambda who: ("pointer", {"track": "t1", "participant": who, "at": {"x": 0.5, "y": 0.5}})
    pointing = [("welcome", WELCOME), ("published", {"track": track("t1", "h", "camera")}), point("w"), point("v")]
    pointers = "[...state.pointers.values()].map(({ participant }) => participant)"
    assert after(page, pointers, *pointing) == ["w", "v"]
    assert after(page, pointers, *pointing, notice) == ([] if notice[0] == "unpublished" else ["v"])


def test_a_circle_goes_through_the_place_where_the_hand_stopped(page):
    radius = lambda x, y, width, height: page.evaluate(
        "import('/assets/call-board.js').then(({ shapeOf }) => shapeOf('circle', [{ x: 0.5, y: 0.5 }, "
        f"{{ x: 0.5 + {x}, y: 0.5 + {y} }}], {{ width: {width}, height: {height} }})?.radius)")
    assert radius(0.1, 0, 1280, 720) == pytest.approx(0.1)
    assert radius(0, 0.1, 1280, 720) == pytest.approx(0.1 * 9 / 16)
    assert radius(0, 0.1, 720, 1280) == pytest.approx(0.1 * 16 / 9)
    assert radius(0.03, 0.04, 500, 500) == pytest.approx(0.05)
    assert radius(0.001, 0.001, 1280, 720) is None


FREEZING = """(async () => {
    const { FrozenFrame } = await import("/assets/call-frozen.js");
    const painted = (colour, width, height) => {
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        canvas.getContext("2d").fillStyle = colour;
        canvas.getContext("2d").fillRect(0, 0, width, height);
        return canvas;
    };
    const camera = painted("#ff0000", 160, 90);
    const shared = await new Promise((resolve) => painted("#00ff00", 64, 36).toBlob(resolve, "image/jpeg"));
    const asked = [];
    const former = window.fetch;
    window.fetch = async (url, { headers }) => {
        asked.push([url, typeof headers]);
        return url === "/gone.jpg" ? new Response("", { status: 404 }) : new Response(shared);
    };
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    const frozen = new FrozenFrame(video, () => {});
    const look = () => {
        if (!frozen.picture) return null;
        const context = painted("#000000", 1, 1).getContext("2d");
        context.drawImage(frozen.picture, 0, 0, 1, 1);
        const [red, green] = context.getImageData(0, 0, 1, 1).data;
        return [frozen.picture.width, red > 200 ? "own" : green > 200 ? "shared" : "black"];
    };
    const until = async (isDone) => { for (let left = 100; left > 0 && !isDone(); left--) await new Promise((resolve) => setTimeout(resolve, 20)); };
    const seen = [];
    const board = { id: "b1", frame: null };
    frozen.show(board); seen.push(look());
    video.srcObject = camera.captureStream(20);
    video.play();
    const painting = setInterval(() => camera.getContext("2d").fillRect(0, 0, 160, 90), 50);
    await until(look); seen.push(look());
    frozen.show({ ...board, frame: { url: "/gone.jpg" } });
    await until(() => asked.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen.push(look());
    frozen.show({ ...board, frame: { url: "/there.jpg" } });
    frozen.show({ ...board, frame: { url: "/there.jpg" } });
    await until(() => frozen.picture.width === 64); seen.push(look());
    frozen.show({ id: "b2" }); seen.push(look());
    frozen.show(null); seen.push(look());
    clearInterval(painting);
    window.fetch = former;
    return [seen, asked];
})()"""


def test_a_frozen_picture_is_never_black_and_becomes_the_one_of_all(page):
    seen, asked = page.evaluate(FREEZING)
    assert seen == [None, [160, "own"], [160, "own"], [64, "shared"], [160, "own"], None]
    assert asked == [["/gone.jpg", "object"], ["/there.jpg", "object"]]


def test_a_board_s_picture_is_no_other_board(page):
    board = {"id": "b", "track": "t1", "subject": "w", "owner": "h", "at": "2031-05-01T00:00:00Z", "annotations": [], "frame": None}
    notice = json.dumps({"type": "board", "data": {"board": board}})
    words = page.evaluate(f"Promise.all(['state', 'words'].map((name) => import(`/assets/call-${{name}}.js`))).then(([{{ CallState }}, {{ noticeText }}]) => {{"
                          f" const state = new CallState(); state.take({json.dumps({'type': 'welcome', 'data': WELCOME})});"
                          f" return [false, true].map((isKnown) => noticeText({notice}, state, isKnown)); }})")
    assert words == ["Ada froze a picture to draw on it.", None]


@pytest.mark.parametrize("role, may", [("host", True), ("expert", True), ("worker", False), ("viewer", False), ("camera", False)])
def test_the_page_offers_what_a_role_may(page, role, may):
    people = [{**PEOPLE[0], "role": role}, *PEOPLE[1:]]
    other = track("t1", "w", "camera")
    notices = [("welcome", {**WELCOME, "participants": people}), ("published", {"track": other})]
    assert after(page, "state.mayFreeze(state.tracks.get('t1'))", *notices) == may


SEAT = {
    "id": "s1", "participant": "camera:s1", "owner": "w", "state": "live", "stream": None, "camera": "pump", "display_name": "Pump", "send": ["video"],
    "receive": [], "max_height": None, "until": None,
}
ABLE = {"torch": False, "zoom": 4, "rotate": True, "mute": ["audio"], "talk": True}
ONLY_TALKS = {"torch": False, "zoom": 1, "rotate": False, "mute": [], "talk": True}


@pytest.mark.parametrize("you, abilities, may", [
    ("h", ABLE, True), ("w", ABLE, True), ("v", ABLE, False), ("h", ONLY_TALKS, False), ("h", None, False),
])
def test_a_camera_s_keys_are_for_who_may_use_them(page, you, abilities, may):
    seat = {**SEAT, "abilities": abilities}
    assert after(page, "state.mayCommand(state.seats.get('s1'))", ("welcome", {**WELCOME, "you": you, "seats": [seat]})) is may
    others = {**seat, "owner": "h"}
    assert after(page, "state.mayCommand(state.seats.get('s1'))", ("welcome", {**WELCOME, "you": "w", "seats": [others]})) is False


def test_everybody_knows_that_the_room_is_recorded(page):
    recording = {"id": "r1", "since": "2031-05-01T09:00:00Z", "participant": "h", "mode": "tracks"}
    assert after(page, "state.recording", ("welcome", {**WELCOME, "recording": recording})) == recording
    assert after(page, "state.recording", ("welcome", {**WELCOME, "recording": None}), ("recording", {"recording": recording})) == recording
    assert after(page, "state.recording", ("welcome", {**WELCOME, "recording": recording}), ("recording", {"recording": None})) is None


@pytest.mark.parametrize("role, recorded, shown", [("host", False, True), ("worker", False, True), ("host", True, True), ("viewer", True, False)])
def test_a_clip_can_be_marked_wherever_something_may_be_recorded(page, role, recorded, shown):
    state = f"{{ recording: {json.dumps({'since': '2031-05-01T09:00:00Z'}) if recorded else 'null'}, may: () => {json.dumps(role != 'viewer')} }}"
    assert page.evaluate(f"import('/assets/call-recording.js').then(({{ RecordingKeys }}) => {{"
                         f" new RecordingKeys({{ state: {state}, ask: () => {{}}, say: () => {{}} }}).show();"
                         " return !document.getElementById('clip-key').hidden; })") is shown


RECEIVED = {"id": "i", "type": "inbound-rtp", "timestamp": 2000, "packetsReceived": 1000, "packetsLost": 0, "jitter": 0.01}
SENT = {"id": "o", "type": "outbound-rtp", "timestamp": 2000, "packetsSent": 1000, "remoteId": "r", "qualityLimitationReason": "none"}
ARRIVED = {"id": "r", "type": "remote-inbound-rtp", "fractionLost": 0, "roundTripTime": 0.05}


def bars(page, function, before, now):
    report = lambda entries: "null" if entries is None else f"new Map({json.dumps([[entry['id'], entry] for entry in entries])})"
    return page.evaluate(f"import('/assets/call-quality.js').then((quality) => quality.{function}({report(before)}, {report(now)}))")


@pytest.mark.parametrize("change, wanted", [
    ({}, 3), ({"packetsLost": 10}, 3), ({"packetsLost": 50}, 2), ({"packetsLost": 120}, 1), ({"packetsReceived": 1000}, None),
    ({"jitter": 0.08}, 2), ({"jitter": 0.3}, 1), ({"freezeCount": 1, "totalFreezesDuration": 0.3}, 2), ({"freezeCount": 1, "totalFreezesDuration": 0.8}, 1),
    ({"freezeCount": 3, "totalFreezesDuration": 0.4}, 1), ({"packetsReceived": 1000, "packetsLost": 40}, 1),
])
def test_bars_say_how_well_something_is_received(page, change, wanted):
    now = {**RECEIVED, "timestamp": 4000, "packetsReceived": 2000, **change}
    assert bars(page, "receivedBars", [RECEIVED], [now, {**SENT, "packetsSent": 9999}]) == wanted


def test_bars_of_several_streams_are_those_of_the_worst(page):
    good = {**RECEIVED, "packetsReceived": 2000, "timestamp": 4000}
    poor = {**good, "id": "j", "packetsLost": 900}
    assert bars(page, "receivedBars", None, [good]) == 3
    assert bars(page, "receivedBars", [RECEIVED], [good, poor]) == 1


@pytest.mark.parametrize("sent, arrived, wanted", [
    ({}, {}, 3), ({}, {"fractionLost": 0.05}, 2), ({}, {"fractionLost": 0.2}, 1), ({}, {"roundTripTime": 0.5}, 2), ({}, {"roundTripTime": 1.2}, 1),
    ({"qualityLimitationReason": "bandwidth"}, {}, 2), ({"qualityLimitationReason": "cpu"}, {}, 3), ({"packetsSent": 1000}, {"fractionLost": 0.5}, None),
    ({"qualityLimitationReason": "bandwidth"}, {"fractionLost": 0.2}, 1),
])
def test_bars_say_how_well_what_is_sent_arrives(page, sent, arrived, wanted):
    now = {**SENT, "timestamp": 4000, "packetsSent": 2000, **sent}
    assert bars(page, "sentBars", [{**SENT, **({} if "packetsSent" in sent else sent)}], [now, {**ARRIVED, **arrived}]) == wanted


def test_a_sender_may_feel_its_way_up(page):
    limited = {**SENT, "timestamp": 4000, "packetsSent": 2000, "qualityLimitationReason": "bandwidth"}
    assert bars(page, "sentBars", [SENT], [limited, ARRIVED]) == 3


def test_a_peer_without_connection_has_one_bar(page):
    found = page.evaluate("""import("/assets/call-quality.js").then(({ ConnectionQuality }) => {
        const received = { t1: new Map([["i", { id: "i", type: "inbound-rtp", packetsReceived: 100, packetsLost: 0 }]]) };
        const read = (states, sent = new Map()) => [...new ConnectionQuality().read({ received, sent, states }, () => "w", "me")];
        return [read({ publish: "connected", subscribe: "connected" }), read({ publish: "failed", subscribe: "connected" }),
                read({ publish: null, subscribe: "disconnected" }, null)];
    })""")
    assert [dict(bars) for bars in found] == [{"w": 3}, {"w": 3, "me": 1}, {"w": 1, "me": 1}]


def test_one_bad_moment_is_no_bad_connection(page):
    found = page.evaluate("""import("/assets/call-quality.js").then(({ ConnectionQuality }) => {
        const quality = new ConnectionQuality();
        let [received, lost] = [0, 0];
        const look = (more, fewer) => {
            [received, lost] = [received + more, lost + fewer];
            const report = new Map([["i", { id: "i", type: "inbound-rtp", packetsReceived: received, packetsLost: lost }]]);
            return quality.read({ received: { t1: report }, sent: null, states: { publish: null, subscribe: "connected" } }, () => "w", "me").get("w");
        };
        return [look(100, 0), look(100, 50), look(100, 0), look(100, 50), look(100, 5), look(100, 5), look(100, 0)];
    })""")
    assert found == [3, 3, 3, 3, 2, 2, 3]


@pytest.mark.parametrize("name, wanted", [("Pump room", "Pump room"), ("../Éva: \"7\"", "Éva 7"), ("...", "picture")])
def test_a_picture_has_a_name_that_every_file_system_takes(page, name, wanted):
    found = page.evaluate(
        f"import('/assets/call-recording.js').then(({{ pictureName }}) => pictureName({json.dumps(name)}, new Date(2031, 4, 1, 9, 5, 7)))")
    assert found == f"{wanted} 2031-05-01 09.05.07.jpg"
