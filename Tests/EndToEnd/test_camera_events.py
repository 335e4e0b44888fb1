"""The events of cameras' agents: in pairs, in order, for the right reason, and not for every socket that comes and goes."""

import asyncio
import json

import pytest

from bridge import Bridge
from raw import settle
from test_directing import Agent

pytestmark = pytest.mark.sturdy

GRACE = 5  # seconds that an agent may be away
PATIENCE = 30


def told(bridge):
    """What the log tells of cameras: the event, and its cause where it has one."""
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    events = [one for one in json.loads(body)["events"] if one["type"] in ("camera.online", "camera.offline")]
    assert all(one["client_id"] == one["data"]["camera"] == "lamp" for one in events), events
    return events


def words(bridge):
    return [" ".join(filter(None, (one["type"].removeprefix("camera."), one["data"].get("cause")))) for one in told(bridge)]


def waits_for(bridge, wanted):
    assert settle(lambda: words(bridge), lambda found: found == wanted, PATIENCE) == wanted


async def come(bridge, token, **abilities):
    agent = Agent()
    await agent.come(bridge, token, **abilities)
    return agent


async def come_and_go(bridge, token):
    """A newer agent takes over and breaks off; another one is there in time, and leaves with a word."""
    first = await come(bridge, token, torch=True, zoom=4)
    second = await come(bridge, token, torch=True)
    await first.wait_closed()
    second.socket.transport.abort()
    third = await come(bridge, token, torch=True)
    await asyncio.sleep(0.5)
    await third.socket.close()


def test_agents_that_come_and_go_are_told_in_pairs_also_when_the_bridge_is_killed(network):
    with Bridge() as bridge:
        token = bridge.token("lamp", "publish")
        network.run(come_and_go(bridge, token))
        pair = ["online", "offline left"]
        waits_for(bridge, pair)
        online, offline = told(bridge)
        assert online["data"]["abilities"] == {"publish": False, "torch": True, "zoom": 4, "rotate": False, "mute": [], "talk": False}
        assert online["timestamp"] < offline["data"]["gone_since"] < offline["timestamp"]
        for stop, cause in ((bridge.kill, "bridge_restarted"), (bridge.stop, "bridge_stopped")):
            agent = network.run(come(bridge, token))
            waits_for(bridge, [*pair, "online"])
            stop()
            network.run(agent.wait_closed())
            bridge.start()
            pair += ["online", f"offline {cause}"]
            waits_for(bridge, pair)
