"""Looking back: timeline, ranges, HLS with its live edge, clips, and the page that shows them."""

import datetime
import json
import pathlib
import subprocess
import time

import pytest

import media
from bridge import Bridge
from hls import MediaPlaylist, Violation, multivariant
from raw import settle
from rtm import Camera, fall_silent

LATENCY = 3.0  # seconds that the live edge of LL-HLS may be behind, as users were promised


@pytest.fixture(scope="module")
def bridge():
    with Bridge(recording__manifest="true") as bridge:
        yield bridge


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def moment(seconds):
    return str(round(seconds * 1000))


def numbers(path):
    """Which pictures of the clip a file shows."""
    return [number for number, _ in media.Film(path).pictures]


class Past:
    """A stream's recordings, as the operator asks for them."""

    def __init__(self, bridge, stream):
        self.bridge, self.stream, self.path = bridge, stream, f"/bridge/v1/streams/{stream}"
        self.headers = {"authorization": f"Bearer {bridge.operator_token}"}

    def get(self, name, timeout=30):
        status, headers, body = self.bridge.request("GET", f"{self.path}/{name}", headers=self.headers, timeout=timeout)
        return status, {field.lower(): value for field, value in headers.items()}, body

    def text(self, name):
        status, headers, body = self.get(name)
        assert status == 200, f"{name}: {status} {body}"
        assert headers["content-type"] == "application/vnd.apple.mpegurl"
        return body.decode()

    def bytes(self, name):
        status, _, body = self.get(name)
        assert status == 200, f"{name}: {status} {body[:300]}"
        return body

    def refusal(self, name):
        status, _, body = self.get(name)
        return status, json.loads(body)["code"]

    def timeline(self, **query):
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return json.loads(self.bytes(f"timeline?{text}"))

    def record(self, **order):
        status, recording = self.bridge.post(f"{self.path}/recordings", order, self.bridge.operator_token)
        assert status == 201, recording
        return recording["id"]

    def stop(self, recording, patience=20):
        self.bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, self.bridge.operator_token)
        end = time.monotonic() + patience
        while self.bridge.recording(recording)["state"] not in ("ready", "delivered"):
            assert time.monotonic() < end, f"not finished: {self.bridge.recording(recording)}"
            time.sleep(0.1)

    def wait_for_media(self, seconds, patience=20):
        """Until so much can be played of what is being recorded; its last item."""
        end = time.monotonic() + patience
        while True:
            items = [item for item in self.timeline()["items"] if item["type"] == "media"]
            if items and seconds_of(items[-1]["to"]) - seconds_of(items[-1]["from"]) >= seconds:
                return items[-1]
            assert time.monotonic() < end, f"the timeline shows {items}"
            time.sleep(0.2)


def follow_live_edge(past, seconds):
    """Reloads the live list by its rules for a while; every list, and how far each edge was behind the clock."""
    lists, behind = [MediaPlaylist(past.text("hls/live.m3u8"))], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        last = lists[-1]
        number, part = last.sequence + len(last.segments), len(last.open_parts)
        asked = time.monotonic()
        current = MediaPlaylist(past.text(f"hls/live.m3u8?_HLS_msn={number}&_HLS_part={part}"))
        assert time.monotonic() - asked < LATENCY, "the bridge kept a player waiting"
        current.check_reload(last)
        assert current.edge > last.edge, "a blocking reload brought nothing new"
        behind.append(time.time() - current.edge)
        lists.append(current)
    return lists, behind


def age_at_edge(past, pictures, tmp_path):
    """How old the newest picture is that a player can have: seconds since its camera sent it, by the number that it shows."""
    while len((current := MediaPlaylist(past.text("hls/live.m3u8"))).open_parts) < 2:
        time.sleep(0.05)
    seen = time.monotonic()
    path = tmp_path / "edge"
    names = [current.open.map or current.segments[-1].map, *(part["URI"] for part in current.open_parts)]
    path.write_bytes(b"".join(past.bytes("hls/" + name) for name in names))
    return seen - pictures.sent[numbers(path)[-1]]


def check_live(past, pictures, tmp_path):
    lists, behind = follow_live_edge(past, 4)
    ages = [age_at_edge(past, pictures, tmp_path) for _ in range(3)]
    assert media.median(ages) < LATENCY, f"the newest pictures at the edge were sent {ages} s ago"
    print(f"the newest picture of the live edge was sent {media.median(ages):.2f} s ago")
    print(f"LL-HLS edge behind the clock: median {media.median(behind):.2f} s, most {max(behind):.2f} s, {len(behind)} reloads")
    assert media.median(behind) + float(lists[-1].server_control["PART-HOLD-BACK"]) < LATENCY, f"the edge is {behind} s behind"
    last = lists[-1]
    complete = next(one for one in reversed(last.segments) if one.parts and one.is_independent)
    whole = past.bytes("hls/" + complete.uri)
    initialization = past.bytes("hls/" + complete.map)
    parts = b"".join(past.bytes("hls/" + part["URI"]) for part in complete.parts)
    for name, content in (("segment", whole), ("parts", parts)):
        (tmp_path / name).write_bytes(initialization + content)
        assert media.decode_errors(tmp_path / name) == ""
    assert numbers(tmp_path / "segment") == numbers(tmp_path / "parts"), "parts and segment hold other pictures"
    asked = time.monotonic()
    assert past.get("hls/" + last.hint)[0] in (200, 404)
    assert time.monotonic() - asked < LATENCY, "the part that was hinted at did not come"
    assert past.refusal(f"hls/live.m3u8?_HLS_msn={last.sequence + len(last.segments) + 9}") == (400, "invalid_field")
    return last


def check_finished_hls(past, item, tmp_path, file):
    """The whole recording as HLS: by the rules, and by ffmpeg, which must find every picture of the file."""
    query = f"from={moment(seconds_of(item['from']) - 5)}&to={moment(seconds_of(item['to']) + 5)}"
    [(variant, uri)] = multivariant(past.text(f"hls/master.m3u8?{query}"))
    assert variant["CODECS"].startswith("avc1.") and variant["RESOLUTION"] == f"{media.WIDTH}x{media.HEIGHT}", variant
    playlist = MediaPlaylist(past.text("hls/" + uri))
    assert playlist.is_over and playlist.type == "VOD"
    address = f"{past.bridge.base}{past.path}/hls/master.m3u8?{query}&auth_token={past.bridge.operator_token}"
    copy = tmp_path / "hls.mkv"
    done = subprocess.run(
        ["ffmpeg", "-v", "warning", "-allowed_extensions", "ALL", "-i", address, "-c", "copy", copy], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert media.decode_errors(copy) == ""
    assert numbers(copy) == numbers(file), "HLS shows other pictures than the file"


def check_ranges(past, item, tmp_path):
    begin = seconds_of(item["from"])
    asked = (begin + 1.5, begin + 3.5)
    query = f"from={moment(asked[0])}&to={moment(asked[1])}"
    films = {}
    for name in ("", "&exact=true"):
        status, headers, body = past.get(f"range.mp4?{query}{name}")
        assert status == 200, body
        path = tmp_path / f"range{name}.mp4"
        path.write_bytes(body)
        assert media.decode_errors(path) == ""
        films[name] = media.Film(path)
        lead = asked[0] - seconds_of(headers["x-media-start"])
        assert 0 <= lead <= 1.1, f"the cut begins {lead} s before its range, with keyframes a second apart"
    rough, exact = films[""], films["&exact=true"]
    # A picture at the very end of the range may be in the file and behind the end that its edit list names: the two are rounded apart.
    assert 0 <= rough.last - exact.last <= 1
    assert exact.first - rough.first == pytest.approx(lead * media.RATE, abs=1.5), "exact does not begin at the range"
    assert exact.last - exact.first + 1 == pytest.approx(2 * media.RATE, abs=1.5), "exact does not last as long as the range"
    assert exact.repeated() == []


def check_clips(past, item):
    bridge, begin = past.bridge, seconds_of(item["from"])
    order = {"stream": past.stream, "from": round((begin + 1) * 1000), "to": round((begin + 3) * 1000), "title": "Gate", "tags": ["gate", "night"]}
    status, clip = bridge.post("/bridge/v1/clips", order, bridge.operator_token)
    assert status == 201, clip
    status, _, body = bridge.get(f"/bridge/v1/clips?tag=night&stream={past.stream}", headers=past.headers)
    assert [one["id"] for one in json.loads(body)["clips"]] == [clip["id"]]
    assert json.loads(bridge.get("/bridge/v1/clips?tag=other", headers=past.headers)[2])["clips"] == []
    status, share = bridge.post(f"/bridge/v1/clips/{clip['id']}/share", {"ttl_s": 60}, bridge.operator_token)
    assert status == 201, share
    path = share["url"].removeprefix(bridge.base)
    status, _, body = bridge.get(path)
    assert (status, len(body)) == (200, clip["size_bytes"])
    assert bridge.get(path, headers={"range": "bytes=4-7"})[::2] == (206, b"ftyp")
    assert bridge.get(path[:-1] + ("0" if path[-1] != "0" else "1"))[0] == 403, "a forged link opens the clip"
    assert bridge.get(f"/bridge/v1/clips/{clip['id']}/file")[0] == 401, "a clip was given away without a token"
    assert bridge.request("DELETE", f"/bridge/v1/clips/{clip['id']}", headers=past.headers)[0] == 204
    assert bridge.get(path)[0] == 404


def test_what_is_recorded_can_be_looked_at_again_while_it_is_and_after(network, bridge, tmp_path):
    past = Past(bridge, "h264")
    pictures, sounds = media.clip("H264").tracks()
    with Camera(network, bridge, "h264", pictures, sounds, codec="H264"):
        recording = past.record()
        item = past.wait_for_media(5)
        assert item["live"], item
        check_ranges(past, item, tmp_path)
        last = check_live(past, pictures, tmp_path)
        past.stop(recording)
    ended = MediaPlaylist(past.text("hls/live.m3u8"))
    ended.check_reload(last)
    assert ended.is_over, "players are not told of the end"
    begin = item["from"]
    [item] = past.timeline()["items"]
    file = tmp_path / "whole"
    file.write_bytes(bridge.get(f"/bridge/v1/recordings/{recording}/file", headers=past.headers)[2])
    # The ledger tells it now; before, the file did.
    assert abs(seconds_of(item["from"]) - seconds_of(begin)) < 0.05, (item, begin)
    length = float(media.probe(file)[0]["duration"])
    assert abs(seconds_of(item["to"]) - seconds_of(item["from"]) - length) < 0.1, (item, length)
    check_finished_hls(past, item, tmp_path, file)
    check_ranges(past, item, tmp_path)
    check_clips(past, item)


def test_vp8_is_webm_and_says_so(network, bridge, tmp_path):
    past = Past(bridge, "vp8")
    with Camera(network, bridge, "vp8", *media.clip("VP8").tracks(), codec="VP8"):
        recording = past.record()
        item = past.wait_for_media(3)
        past.stop(recording)
    begin = seconds_of(item["from"])
    query = f"from={moment(begin + 0.5)}&to={moment(begin + 2.5)}"
    for name in ("hls/live.m3u8", f"hls/master.m3u8?{query}", f"hls/media.m3u8?{query}", f"range.mp4?{query}"):
        assert past.refusal(name) == (406, "unsuitable_container"), name
    path = tmp_path / "range.webm"
    path.write_bytes(past.bytes(f"range.webm?{query}"))
    assert media.decode_errors(path) == ""
    film = media.Film(path)
    assert film.last - film.first + 1 >= 2 * media.RATE - 2
    assert film.repeated() == []


@pytest.mark.patient
def test_a_camera_that_was_away_leaves_a_gap_in_its_one_recording(network, bridge):
    """It comes back in another session, before its stream is given up."""
    past, clip = Past(bridge, "away"), media.clip("H264")

    def policy(trigger):
        assert bridge.request("PUT", past.path + "/recording-policy", body={"trigger": trigger}, headers=past.headers)[0] == 200

    policy("always")
    with Camera(network, bridge, "away", *clip.tracks(), codec="H264") as camera:
        recording = past.wait_for_media(2)["recording"]
        network.run(fall_silent(camera.client.peer))
        assert settle(lambda: bridge.recording(recording)["state"], lambda state: state != "recording", timeout=60) == "gap"
    with Camera(network, bridge, "away", *clip.tracks(), codec="H264"):
        live = settle(lambda: past.timeline()["items"], lambda items: len(items) == 3 and items[2]["live"], timeout=20)
        assert [item["type"] for item in live] == ["media", "gap", "media"], live
        policy("request")
        past.stop(recording)
    row = settle(lambda: bridge.recording(recording), lambda row: row["segments"][0]["sha256"], timeout=20)
    items = past.timeline()["items"]
    assert [(item["type"], item["recording"], item["live"]) for item in items] == [
        (kind, recording, False) for kind in ("media", "gap", "media")], items
    length = seconds_of(items[1]["to"]) - seconds_of(items[1]["from"])
    assert length > 1, items
    # The manifest says the same, from the beginning of its file.
    [file] = pathlib.Path(bridge.data, "spool").glob(f"{recording}.*.json")
    [gap] = json.loads(file.read_text())["gaps"]
    assert gap["cause"] == "source" and [gap] == row["segments"][0]["gaps"], (gap, row)
    assert gap["length_ms"] / 1000 == pytest.approx(length, abs=0.1), (gap, items)
    assert gap["offset_ms"] / 1000 == pytest.approx(seconds_of(items[1]["from"]) - seconds_of(items[0]["from"]), abs=0.1), (gap, items)


@pytest.mark.parametrize("name", [
    "timeline?from=yesterday", "timeline?from=2&to=1", "timeline?after=../1", "timeline?limit=0", "timeline?from=99999999999999999999", "timeline?from=9223372036855&to=9223372036856",
    "range.mp4", "range.mp4?from=1", "range.mp4?from=0&to=86400001", "range.mp4?from=5&to=5", "range.mp4?from=1&to=2&exact=maybe",
    "range.webm?from=1&to=2&exact=true", "hls/media.m3u8", "hls/live.m3u8?_HLS_part=1", "hls/live.m3u8?_HLS_msn=-1", "hls/master.m3u8?from=x&to=y",
])
def test_hostile_ranges_are_refused(bridge, name):
    assert Past(bridge, "nothing").refusal(name) == (400, "invalid_field")


@pytest.mark.parametrize("name", ["range.mp4?from=1&to=2", "hls/live.m3u8", "hls/master.m3u8", "hls/media.m3u8?from=1&to=2"])
def test_where_nothing_is_nothing_is_said_to_be(bridge, name):
    assert Past(bridge, "nothing").refusal(name) == (404, "nothing_recorded")


def test_looking_back_is_for_the_operator(bridge):
    for token, status in ((None, 401), (bridge.token("h264", "watch"), 404)):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        for name in ("timeline", "range.mp4?from=1&to=2", "range.webm?from=1&to=2", "hls/live.m3u8"):
            assert bridge.get(f"/bridge/v1/streams/h264/{name}", headers=headers)[0] == status, name
        assert bridge.get("/bridge/v1/clips", headers=headers)[0] in (401, 403)


def test_the_checker_sees_what_is_wrong():
    head = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-PROGRAM-DATE-TIME:2024-03-01T09:00:00.000Z\n"
    MediaPlaylist(head + "#EXTINF:2.000,\na\n#EXT-X-ENDLIST\n")
    for text in (head + "#EXTINF:3.000,\na\n", head + "a\n", head + "#EXTINF:2.0\na\n", "#EXTM3U\n#EXTINF:1.0,\na\n",
                 head + "#EXTINF:1.000,\na\n#EXT-X-PROGRAM-DATE-TIME:2024-03-01T09:00:02.000Z\n#EXTINF:1.000,\nb\n",
                 head + "#EXT-X-PART:DURATION=1.0,URI=\"p\"\n", head.replace("#EXT-X-MAP:URI=\"i\"\n", "") + "#EXTINF:1.000,\na\n"):
        with pytest.raises(Violation):
            MediaPlaylist(text)


def test_pieces_of_webm_follow_on_the_one_that_was_cut_short(bridge, viewer_browser):
    """The last piece of what is being recorded is a short one; what is loaded next begins where it ended, not where a whole one would have."""
    with viewer_browser.open(f"{bridge.base}/playback/young#token={bridge.operator_token}") as page:
        page.evaluate("""import("/assets/recorded.js").then(async ({ Recorded }) => {
            const recorded = new Recorded("young");
            [recorded.isHLS, recorded.timeline] = [false, async () => [{ type: "media", from: 1_000_000, to: 1_010_500, live: true }]];
            window.pieces = (await recorded.pieces(1_002_500)).filter(({ start }) => start >= 1_002_499).map(({ start, end }) => [start, end]);
        }) && 0""")
        assert page.wait_for("window.pieces", 10) == [[1_002_500, 1_006_500], [1_006_500, 1_009_000]]


def test_the_page_plays_seeks_steps_and_keeps_a_clip(network, bridge, viewer_browser):
    past = Past(bridge, "page")
    with Camera(network, bridge, "page", *media.clip("H264").tracks(), codec="H264"):
        recording = past.record()
        past.wait_for_media(4)
        address = f"{bridge.base}/playback/page#token={bridge.operator_token}"
        with viewer_browser.open(address) as page:
            page.wait_for("window.viaduct?.state === 'live' && viaduct.latency !== null", 20)
            time.sleep(3)
            latencies = []
            for _ in range(10):
                latencies.append(page.evaluate("viaduct.latency") / 1000)
                time.sleep(0.2)
            print(f"the page shows what was {media.median(latencies):.2f} s ago, at most {max(latencies):.2f} s")
            assert media.median(latencies) < LATENCY, f"the page is {latencies} s behind"
        past.stop(recording)
    [item] = past.timeline()["items"]
    begin = seconds_of(item["from"]) * 1000
    with viewer_browser.open(address) as page:
        page.wait_for("window.viaduct?.state === 'ready' && viaduct.moment !== null", 20)
        page.click("play")
        page.wait_for(f"viaduct.moment > {begin} + 1000", 10)
        page.click("play")
        # Dragged to the left by so much that three seconds pass under the needle.
        page.evaluate("viaduct.timeline.span = 20000")
        before = page.evaluate("viaduct.timeline.moment")
        page.evaluate("""(() => {
            const canvas = document.getElementById("timeline");
            const { left, top, width } = canvas.getBoundingClientRect();
            const at = (type, x) => canvas.dispatchEvent(new PointerEvent(type, { pointerId: 1, clientX: x, clientY: top + 30, bubbles: true }));
            canvas.setPointerCapture = () => {};
            at("pointerdown", left + width / 2);
            for (let step = 1; step <= 10; step += 1) at("pointermove", left + width / 2 - (width * 0.15 * step) / 10);
            at("pointerup", left + width * 0.35);
        })()""")
        page.wait_for(f"Math.abs(viaduct.moment - {before} - 3000) < 100", 10)
        shown = page.evaluate("viaduct.frame")
        page.click("forward")
        page.wait_for(f"viaduct.frame > {shown} + 0.01", 5)
        stepped = page.evaluate("viaduct.frame")
        assert stepped - shown == pytest.approx(1 / media.RATE, abs=0.6 / media.RATE), "a step was not one frame"
        page.click("back")
        page.wait_for(f"Math.abs(viaduct.frame - {shown}) < 0.01", 5)
        page.click("mark-in")
        page.evaluate("viaduct.timeline.dispatchEvent(new CustomEvent('choose', { detail: viaduct.moment + 1000 }))")
        page.wait_for(f"viaduct.frame > {shown} + 0.9", 10)
        page.click("mark-out")
        page.evaluate("document.getElementById('tags').value = 'from the page'")
        page.click("save")
        clip = page.wait_for("viaduct.clip", 10)
    assert seconds_of(clip["to"]) - seconds_of(clip["from"]) == pytest.approx(1, abs=0.1)
    status, _, body = bridge.get(clip["file"], headers=past.headers)
    assert (status, body[4:8]) == (200, b"ftyp")
