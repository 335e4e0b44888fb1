"""Calls as their pages show them: a room, people who come into it by browsers, and what each receives of the others."""

import json

from raw import settle

PATIENCE = 30

# What is received of each track, by owner and kind: frames decoded, or the energy of the sound.
RECEIVED = """(async () => {
    const found = {};
    const { received } = await viaduct.session.statistics();
    for (const [id, report] of Object.entries(received)) {
        const track = viaduct.room.tracks.get(id);
        const owner = track && viaduct.room.participants.get(track.participant);
        for (const entry of report.values()) {
            if (owner && entry.type === "inbound-rtp") found[`${owner.name} ${track.kind}`] = (track.kind === "microphone" ? entry.totalAudioEnergy : entry.framesDecoded) ?? 0;
        }
    }
    return JSON.stringify(found);
})()"""


class Room:
    """A room of a bridge, and how people come into it."""

    def __init__(self, bridge, name, **settings):
        self.bridge, self.name = bridge, name
        status, answer = bridge.post("/bridge/v1/rooms", {"id": name, **settings}, bridge.operator_token)
        assert status == 201, answer

    def post(self, path, body=None, expect=201):
        status, answer = self.bridge.post(f"/bridge/v1/rooms/{self.name}/{path}", body or {}, self.bridge.operator_token)
        assert status == expect, (path, status, answer)
        return answer

    def link(self, role, **options):
        return self.post("links", {"role": role, **options})

    def open(self, browser, role, name):
        """A page in the call's lobby."""
        page = browser.open(self.link(role)["page_url"])
        page.wait_for("window.viaduct?.state === 'lobby'", PATIENCE)
        if role != "viewer":
            page.wait_for("document.getElementById('lobby-microphone').ariaPressed === 'true'", PATIENCE)
            page.wait_for("document.getElementById('lobby-camera').ariaPressed === 'true'", PATIENCE)
        page.evaluate(f"document.getElementById('name').value = {json.dumps(name)}")
        return page

    def come(self, browser, role, name):
        """A page in the room."""
        page = self.open(browser, role, name)
        page.click("join")
        page.wait_for("viaduct.state === 'inside'", PATIENCE)
        return page

    def people(self):
        status, _, body = self.ask("GET")
        assert status == 200, body
        return sorted(one["name"] for one in json.loads(body)["participants"])

    def close(self):
        status, _, body = self.ask("DELETE")
        assert status == 204, body

    def ask(self, method):
        headers = {"authorization": f"Bearer {self.bridge.operator_token}"}
        return self.bridge.request(method, f"/bridge/v1/rooms/{self.name}", headers=headers)


def received(page):
    return json.loads(page.evaluate(RECEIVED))


def sees(page, *wanted):
    """Waits until every track that is named grows, and nothing else is received."""
    before = received(page)

    def missing():
        now = received(page)
        return sorted([one for one in wanted if now.get(one, 0) <= before.get(one, 0)] + [f"not {one}" for one in now if one not in wanted])

    left = settle(missing, lambda missing: not missing, PATIENCE)
    assert not left, f"waits for {left}; received {received(page)}"


def own(name):
    return (f"{name} microphone", f"{name} camera")
