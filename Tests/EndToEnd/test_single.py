"""Who is on a weak device takes a room as one picture and one sound, by the layout of the call page."""

import json

import pytest

from calls import PATIENCE, Room, sees
from films import BLUE, RED
from raw import settle
from test_leaks import UNUSED, check_figures
from test_room_composites import HIGH, LOW, Person

pytestmark = pytest.mark.sturdy

# What comes in: frames decoded, or the energy of the sound, by the names of the tracks.
COMING = """(async () => {
    const found = {};
    const { received } = await viaduct.session.statistics();
    for (const [id, report] of Object.entries(received))
        for (const entry of report.values())
            if (entry.type === "inbound-rtp") found[id] = (entry.kind === "audio" ? entry.totalAudioEnergy : entry.framesDecoded) ?? 0;
    return JSON.stringify(found);
})()"""
# The colours of the left and the right half of the picture.
HALVES = """(() => {
    const context = new OffscreenCanvas(64, 36).getContext("2d");
    context.drawImage(document.querySelector(".tile video"), 0, 0, 64, 36);
    return JSON.stringify([16, 48].map((x) => {
        const [red, , blue] = context.getImageData(x, 18, 1, 1).data;
        return red > 150 && blue < 100 ? "red" : blue > 150 && red < 100 ? "blue" : `${red} ${blue}`;
    }));
})()"""
LAYOUT = """void (() => {{
    const layout = document.getElementById("layout");
    layout.value = "{0}";
    layout.dispatchEvent(new Event("change"));
}})()"""


def coming(page):
    return json.loads(page.evaluate(COMING))


def grows(page, *wanted):
    before = coming(page)

    def left():
        now = coming(page)
        return [one for one in wanted if now.get(one, 0) <= before.get(one, 0)] + [f"not {one}" for one in now if one not in wanted]

    missing = settle(left, lambda left: not left, PATIENCE)
    assert not missing, f"waits for {missing}; comes {coming(page)}, refused {page.evaluate('JSON.stringify(viaduct.refused)')}"


def shows(page, *colours):
    seen = settle(lambda: json.loads(page.evaluate(HALVES)), lambda seen: seen == list(colours), PATIENCE)
    assert seen == list(colours)


def test_a_room_comes_as_one_picture_and_one_sound_and_as_each_track_again(network, bridge, viewer_browser):
    room = Room(bridge, "weak")
    people = [Person(network, bridge, "weak", "anna", RED, LOW)]
    try:
        page = room.come(viewer_browser, "viewer", "Vera")
        sees(page, "anna camera", "anna microphone")
        page.evaluate(LAYOUT.format("single"))
        page.wait_for("viaduct.room.single !== null", PATIENCE)
        grows(page, "picture", f"sound-{page.evaluate('viaduct.room.you')}")
        assert page.evaluate("document.querySelectorAll('.tile').length") == 1
        shows(page, "red", "red")
        # Who comes later is in the same picture: nothing is negotiated.
        people.append(Person(network, bridge, "weak", "ben", BLUE, HIGH))
        shows(page, "red", "blue")
        page.evaluate(LAYOUT.format("grid"))
        page.wait_for("viaduct.room.single === null", PATIENCE)
        sees(page, "anna camera", "anna microphone", "ben camera", "ben microphone")
        page.evaluate(LAYOUT.format("single"))
        page.wait_for("viaduct.room.single !== null", PATIENCE)
        shows(page, "red", "blue")
        people.pop().leave()
        shows(page, "red", "red")
        assert page.evaluate("JSON.stringify(viaduct.refused)") == "[]"
        page.close()
    finally:
        for person in people:
            person.close()
    room.close()
    check_figures(bridge, UNUSED)
