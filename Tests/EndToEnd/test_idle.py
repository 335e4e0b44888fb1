"""A bridge that has little to do does little."""

import media
import rtm
from raw import load, settle
from whip import Leg

AT_MOST = 0.1  # of a core


def test_a_stream_that_nobody_watches_any_more_costs_next_to_nothing(network, bridge):
    with rtm.Camera(network, bridge, "gate", *media.Clip("VP8", 20).tracks(), codec="VP8"):
        alone = load(bridge)
        with Leg.watch(network, bridge, "gate", bridge.token("gate", "watch")) as viewer:
            assert settle(lambda: viewer.frames.get("video", 0), lambda count: count >= 10, 30) >= 10
        after = load(bridge)
        print(f"{alone:.3f} of a core before, {after:.3f} after the only viewer")
        assert max(alone, after) < AT_MOST
