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


@pytest.mark.parametrize("name, wanted", [("Pump room", "Pump room"), ("../Éva: \"7\"", "Éva 7"), ("...", "picture")])
def test_a_picture_has_a_name_that_every_file_system_takes(page, name, wanted):
    found = page.evaluate(
        f"import('/assets/call-recording.js').then(({{ pictureName }}) => pictureName({json.dumps(name)}, new Date(2031, 4, 1, 9, 5, 7)))")
    assert found == f"{wanted} 2031-05-01 09.05.07.jpg"
