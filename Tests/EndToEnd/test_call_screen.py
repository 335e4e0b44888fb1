"""The call page as people use it: on screens of every size, by keyboard and screen reader, and with devices that come and go."""

import json

import pytest

from calls import PATIENCE, Room, own, sees

TRACK_OF = "[...viaduct.room.tracks.values()].find(({ kind, participant }) => kind === '%s' && viaduct.room.participants.get(participant).name === '%s')"
TILE = "[...document.querySelectorAll('.tile')].find((tile) => tile.ariaLabel === %s)"
IN_ORDER = ["microphone-key", "camera-key", "screen-key", "hand-key", "record-key", "clip-key", "layout", "devices-key", "people-key", "chat-key", "leave"]


@pytest.fixture(scope="module")
def call(bridge, camera_browser, viewer_browser):
    """A room with a host and a worker in it."""
    room = Room(bridge, "screen")
    with room.come(camera_browser, "host", "Ada") as host, room.come(viewer_browser, "worker", "Wim") as worker:
        sees(host, *own("Wim"))
        sees(worker, *own("Ada"))
        yield room, host, worker


def muted(kind, name):
    return f"{TRACK_OF % (kind, name)}?.muted"


def tile(name):
    return TILE % json.dumps(name)


def act(page, name, what):
    page.evaluate(f"{tile(name)}.querySelector('[data-act={what}]').click()")


# MARK: what one sends


def test_a_camera_comes_back_by_itself_and_is_never_published_twice(call):
    room, host, worker = call
    tracks = host.evaluate("[...viaduct.room.tracks.keys()].join()")

    def goes(off_by):
        worker.evaluate(off_by)
        host.wait_for(f"{muted('camera', 'Wim')} === true", PATIENCE)
        worker.wait_for("document.getElementById('camera-key').ariaPressed === 'false'", PATIENCE)
        worker.click("camera-key")
        host.wait_for(f"{muted('camera', 'Wim')} === false", PATIENCE)
        sees(host, *own("Wim"))

    goes("document.getElementById('camera-key').click()")
    goes("viaduct.devices.camera.dispatchEvent(new Event('ended'))")
    # While nobody hears it: the room is told when the socket is back.
    goes("viaduct.session.loseSocket(); document.getElementById('camera-key').click()")
    assert host.evaluate("[...viaduct.room.tracks.keys()].join()") == tracks
    assert worker.evaluate("viaduct.refused") == []


def test_a_key_that_is_pressed_again_at_once_counts(call):
    room, host, worker = call
    tracks = host.evaluate("[...viaduct.room.tracks.keys()].join()")
    key, former = "document.getElementById('camera-key')", worker.evaluate("viaduct.devices.camera.id")
    # Off and on again.
    worker.evaluate(f"{key}.click(); {key}.click()")
    worker.wait_for(f"viaduct.devices.camera && viaduct.devices.camera.id !== '{former}' && {key}.ariaPressed === 'true'", PATIENCE)
    host.wait_for(f"{muted('camera', 'Wim')} === false", PATIENCE)
    sees(host, *own("Wim"))
    # Off, on, off, and on.
    worker.evaluate(f"for (const each of [1, 2, 3]) {key}.click()")
    host.wait_for(f"{muted('camera', 'Wim')} === true", PATIENCE)
    worker.wait_for(f"{key}.ariaPressed === 'false'", PATIENCE)
    worker.evaluate(f"{key}.click()")
    host.wait_for(f"{muted('camera', 'Wim')} === false", PATIENCE)
    sees(host, *own("Wim"))
    assert worker.evaluate(f"{key}.ariaPressed") == "true"
    assert host.evaluate("[...viaduct.room.tracks.keys()].join()") == tracks
    assert worker.evaluate("viaduct.refused") == []


def test_another_peer_sends_what_was_on_and_says_what_was_off(call):
    room, host, worker = call
    former = host.evaluate(f"{TRACK_OF % ('microphone', 'Wim')}.id")
    for kind in ("microphone", "camera"):
        worker.click(f"{kind}-key")
        host.wait_for(f"{muted(kind, 'Wim')} === true", PATIENCE)
    worker.evaluate("viaduct.session.renewSender()")
    host.wait_for(f"!{TRACK_OF % ('camera', 'Wim')} && (({{ id, muted }}) => id !== '{former}' && muted)({TRACK_OF % ('microphone', 'Wim')} ?? {{}})", PATIENCE)
    for kind in ("microphone", "camera"):
        worker.click(f"{kind}-key")
        host.wait_for(f"{muted(kind, 'Wim')} === false", PATIENCE)
    sees(host, *own("Wim"))
    assert worker.evaluate("viaduct.refused") == []


def test_devices_are_changed_without_a_new_description(call):
    room, host, worker = call
    tracks = host.evaluate("[...viaduct.room.tracks.keys()].join()")
    worker.click("microphone-key")
    host.wait_for(f"{muted('microphone', 'Wim')} === true", PATIENCE)
    worker.click("devices-key")
    worker.wait_for("document.getElementById('devices-dialog').open && document.getElementById('camera').options.length > 1", PATIENCE)
    for kind in ("camera", "microphone"):
        former = worker.evaluate(f"viaduct.devices.{kind}.id")
        worker.evaluate(f"""(() => {{
            const select = document.getElementById("{kind}");
            select.value = [...select.options].at(-1).value;
            select.dispatchEvent(new Event("change"));
        }})()""")
        worker.wait_for(f"viaduct.devices.{kind}.id !== '{former}' && viaduct.devices.{kind}.readyState === 'live'", PATIENCE)
    assert worker.evaluate("viaduct.devices.microphone.enabled") is False, "another microphone is as quiet as the one before"
    worker.evaluate("""(() => {
        const select = document.getElementById("speaker");
        select.value = [...select.options].at(-1).value;
        select.dispatchEvent(new Event("change"));
    })()""")
    assert worker.evaluate("document.getElementById('speaker').value") != ""
    worker.wait_for("viaduct.sounds.sinks.length > 0 && viaduct.sounds.sinks.every((sink) => sink === document.getElementById('speaker').value)", PATIENCE)
    assert worker.evaluate("document.getElementById('devices-text').textContent") == ""
    worker.evaluate("document.querySelector('#devices-dialog .primary').click()")
    worker.click("microphone-key")
    sees(host, *own("Wim"))
    assert host.evaluate("[...viaduct.room.tracks.keys()].join()") == tracks and worker.evaluate("viaduct.refused") == []


def test_a_screen_is_shared_and_large_for_the_others(call):
    room, host, worker = call
    worker.click("screen-key")
    host.wait_for(f"Boolean({tile('Wim: screen')})", PATIENCE)
    sees(host, *own("Wim"), "Wim screen")
    host.wait_for(f"{tile('Wim: screen')}.clientWidth > 2 * {tile('Wim')}.clientWidth", PATIENCE)
    worker.click("screen-key")
    host.wait_for(f"!{tile('Wim: screen')}", PATIENCE)
    # And once more: what was taken back can be published again.
    worker.click("screen-key")
    sees(host, *own("Wim"), "Wim screen")
    worker.click("screen-key")
    sees(host, *own("Wim"))
    assert worker.evaluate("viaduct.refused") == []


# MARK: pictures


def test_what_is_pinned_grows_and_shrinks_again(call):
    room, host, worker = call
    host.wait_for(f"{tile('Wim')}.clientWidth === {tile('Ada (you)')}.clientWidth", PATIENCE)
    act(host, "Wim", "pin")
    host.wait_for(f"{tile('Wim')}.clientWidth > 2 * {tile('Ada (you)')}.clientWidth", PATIENCE)
    host.wait_for(f"{tile('Wim')}.hasAttribute('data-large')", PATIENCE)
    # A small picture says how its connection is, too.
    host.wait_for(f"{tile('Ada (you)')}.querySelector('.bars').offsetWidth > 0", PATIENCE)
    act(host, "Wim", "pin")
    host.wait_for(f"{tile('Wim')}.clientWidth === {tile('Ada (you)')}.clientWidth", PATIENCE)


def test_everybody_has_bars(call):
    room, host, worker = call
    for page, names in ((host, ["Ada (you)", "Wim"]), (worker, ["Wim (you)", "Ada"])):
        for name in names:
            page.wait_for(f"['1', '2', '3'].includes({tile(name)}.querySelector('.bars').dataset.quality) && {tile(name)}.querySelector('.bars').offsetWidth > 0",
                          PATIENCE)


LOOK = """((tile) => {
    const canvas = tile?.querySelector("canvas");
    if (!canvas || canvas.hidden) return null;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) sum += data[at] + data[at + 1] + data[at + 2];
    return sum / (data.length / 4 * 3);
})(%s)"""


# The bridge's own picture of the board was fetched.
SHARED = """(({ frame }) => frame && performance.getEntriesByType("resource").some(({ name, responseStatus }) => responseStatus === 200 && name.endsWith(frame.url)))(
    [...viaduct.room.boards.values()][0])"""


def test_who_comes_late_sees_the_frozen_picture(call, viewer_browser):
    room, host, worker = call
    act(host, "Wim", "freeze")
    host.wait_for("document.querySelector('[data-tool=pen]').ariaPressed === 'true'", PATIENCE)
    with room.come(viewer_browser, "viewer", "Vic") as late:
        # The fake camera's picture is green; black is what nobody wants to see.
        late.wait_for(f"{LOOK % tile('Wim')} > 20", PATIENCE)
        for page in (host, late):
            page.wait_for(SHARED, PATIENCE)
        late.click("leave")
    # The picture that the bridge has comes with a second notice: nothing else begins anew.
    host.evaluate("document.querySelector('[data-tool=circle]').click(); document.getElementById('said').textContent = ''")
    host.evaluate("""viaduct.session.dispatchEvent(new CustomEvent("notice", { detail: {
        type: "board", data: { board: { ...[...viaduct.room.boards.values()][0], frame: { url: "/nothing.jpg", width: 640, height: 360 } } } } }))""")
    assert host.evaluate("document.querySelector('[data-tool=circle]').ariaPressed") == "true"
    assert host.evaluate("document.getElementById('said').textContent") == ""
    host.wait_for(f"{LOOK % tile('Wim')} > 20", PATIENCE)
    host.click("unfreeze")
    worker.wait_for("viaduct.room.boards.size === 0", PATIENCE)
    host.press("Escape")
    host.wait_for("document.getElementById('tools').hidden", PATIENCE)


def test_a_host_brings_a_camera_in_and_takes_it_out(call):
    room, host, worker = call
    host.click("people-key")
    assert worker.evaluate("document.getElementById('seat-form').hidden") is True
    host.evaluate("document.getElementById('seat-source').value = 'gate'")
    host.evaluate("document.getElementById('seat-form').requestSubmit()")
    take_out = "document.querySelector('[aria-label=\"Take gate out of the room\"]')"
    host.wait_for(f"Boolean({take_out})", PATIENCE)
    worker.wait_for("[...viaduct.room.seats.values()].some(({ camera }) => camera === 'gate')", PATIENCE)
    host.evaluate(f"{take_out}.click()")
    host.wait_for(f"viaduct.room.seats.size === 0 && !{take_out}", PATIENCE)
    host.click("people-key")
    assert host.evaluate("viaduct.refused") == []


# MARK: screens, keys and screen readers

FAULTS = """(() => {
    const faults = [];
    const root = document.scrollingElement;
    // At its end nothing lies below the keys of the lobby, which stay in sight.
    document.getElementById("lobby").scrollTop = 1e6;
    if (root.scrollWidth > innerWidth) faults.push(`the page is ${root.scrollWidth} wide`);
    if (root.scrollHeight > innerHeight) faults.push(`the page is ${root.scrollHeight} high`);
    const groups = new Map();
    for (const key of document.querySelectorAll("button, select, input, meter, h1, .status")) {
        const box = key.getBoundingClientRect();
        if (!key.checkVisibility({ checkOpacity: false }) || box.width < 2) continue;
        const name = key.id || key.ariaLabel || key.textContent;
        const group = key.closest(".bar, .tools, .panel, .tile, form, header");
        const isScrolled = key.closest(".tools, .tile, .people, form:not(.bar form), #lobby") !== null;
        if (!isScrolled && (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1)) faults.push(`${name} is outside`);
        if (key.tagName === "BUTTON" && key.scrollWidth > key.clientWidth + 1) faults.push(`${name} is cut off`);
        for (const [other, at] of groups.get(group) ?? []) {
            if (box.left < at.right - 1 && at.left < box.right - 1 && box.top < at.bottom - 1 && at.top < box.bottom - 1) faults.push(`${name} covers ${other}`);
        }
        groups.set(group, [...(groups.get(group) ?? []), [name, box]]);
    }
    // What lies over them, once they are in sight: a panel may cover pictures, and a dialog everything.
    const dialog = document.querySelector("dialog[open]");
    for (const key of (dialog ?? document).querySelectorAll("button, select, input")) {
        if (!key.checkVisibility() || key.getBoundingClientRect().width < 2 || key.closest(".tile")) continue;
        key.scrollIntoView({ block: "center", behavior: "instant" });
        const box = key.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        if (!top || !(key.contains(top) || top.contains(key))) faults.push(`${key.id || key.textContent} is covered by ${top?.id || top?.className}`);
    }
    return faults;
})()"""
# Two frames, and what moves there.
AT_REST = """new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
    Promise.allSettled(document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished)).then(() => resolve()))))"""
SIZES = [(320, 568), (768, 1024), (3840, 2160)]
UNNAMED = {"button", "textbox", "combobox", "checkbox", "slider", "tab", "meter", "dialog", "ColorWell", "tabpanel", "toolbar"}


def check_screen(page, name, folder):
    """Nothing is cut off or covered on any screen, light or dark, and everything that can be worked has a name."""
    for width, height in SIZES:
        page.resize(width, height)
        page.evaluate(AT_REST)
        faults = page.evaluate(FAULTS)
        if faults:
            page.screenshot(str(folder / f"{name}-{width}.png"))
        assert faults == [], (name, width, height)
    for scheme in ("light", "dark"):
        page.resize(960, 900, scheme)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (sum(ground[:3]) < 200) == (scheme == "dark"), scheme
    nameless = [role for role, text in page.accessibility() if role in UNNAMED and not text.strip()]
    assert nameless == []


def test_the_lobby_fits_every_screen(call, viewer_browser, tmp_path):
    room = call[0]
    with room.open(viewer_browser, "expert", "Eve") as page:
        check_screen(page, "lobby", tmp_path)


def test_the_call_fits_every_screen(call, tmp_path):
    room, host, worker = call
    check_screen(host, "call", tmp_path)
    host.click("chat-key")
    check_screen(host, "chat", tmp_path)
    host.click("people-tab")
    act(host, "Wim", "freeze")
    host.wait_for("document.querySelector('[data-tool=pen]').ariaPressed === 'true'", PATIENCE)
    check_screen(host, "drawing", tmp_path)
    host.click("unfreeze")
    host.wait_for("viaduct.room.boards.size === 0", PATIENCE)
    host.press("Escape")
    host.click("people-key")
    host.click("devices-key")
    host.wait_for("document.getElementById('devices-dialog').open", PATIENCE)
    check_screen(host, "devices", tmp_path)
    host.press("Escape")
    host.wait_for("!document.getElementById('devices-dialog').open", PATIENCE)


def test_the_call_is_worked_by_keyboard_alone(call):
    room, host, worker = call
    host.evaluate("document.activeElement.blur()")
    host.press("m")
    worker.wait_for(f"{muted('microphone', 'Ada')} === true", PATIENCE)
    host.press("m")
    worker.wait_for(f"{muted('microphone', 'Ada')} === false", PATIENCE)
    host.press("v")
    worker.wait_for(f"{muted('camera', 'Ada')} === true", PATIENCE)
    host.press("v")
    worker.wait_for(f"{muted('camera', 'Ada')} === false", PATIENCE)
    sees(worker, *own("Ada"))
    assert host.evaluate("viaduct.refused") == []
    act(host, "Wim", "draw")
    assert host.evaluate("document.getElementById('tools').hidden") is False
    host.press("Escape")
    assert host.evaluate("document.getElementById('tools').hidden") is True
    host.evaluate("document.activeElement.blur()")
    reached = []
    while len(reached) < 60 and (not reached or reached[-1] != IN_ORDER[-1]):
        host.press("Tab")
        reached.append(host.evaluate("document.activeElement.id"))
    assert [key for key in reached if key in IN_ORDER] == IN_ORDER
