"""A composite is sent to somebody else's server, and picture and sound are of the same moment. It is measured, so nothing else may run beside it."""

import json
import statistics
import time

from raw import settle
from test_pushes import LIMIT, PATIENCE, RATE, Claps, Flashes, Taker
from whip import Leg

SECONDS = 20
SETTLING = 3  # flashes: until sender reports of both tracks have come, what belongs together is known by its arrival alone
MOST = 0.9  # of the flashes; the camera is a program in Python beside the bridge, which is late itself now and then


def test_a_composite_is_pushed_and_picture_and_sound_stay_together(network, bridge, tmp_path):
    headers = {"authorization": f"Bearer {bridge.operator_token}"}
    began = time.monotonic() + 0.5
    with Leg.publish(network, bridge, "clap", bridge.token("clap", "publish"), [Flashes(began), Claps(began)], "H264"):
        order = {"name": "wall", "inputs": [{"stream": "clap"}], "layout": {"kind": "grid", "fit": "cover"}, "width": 320, "height": 180, "fps": RATE}
        status, composite = bridge.post("/bridge/v1/composites", order, bridge.operator_token)
        assert status == 201, composite
        path = f"/bridge/v1/composites/{composite['id']}"
        state = settle(lambda: json.loads(bridge.get(path, headers=headers)[2])["state"], lambda state: state == "live", PATIENCE)
        assert state == "live", composite
        with Taker(bridge, "wall", "rtmp", tmp_path) as taker:
            taker.take(SECONDS)
            apart = taker.apart()
        assert bridge.request("DELETE", path, headers=headers)[0] == 204
    apart = apart[SETTLING:]
    ordered = sorted(map(abs, apart))
    most = ordered[int(MOST * len(ordered))]
    told = f"{len(apart)} flashes, apart by {statistics.median(apart) * 1000:.0f} ms, 9 of 10 by at most {most * 1000:.0f} ms: {apart}"
    print(f"\n{told}")
    assert len(apart) >= 0.8 * SECONDS - SETTLING, told
    assert most <= LIMIT, told
