"""What tests order of a bridge about recordings, with the rights of its operator."""

import json
import time
import urllib.parse


def call(bridge, method, path, body=None):
    """Status and document of a call of the native API."""
    headers = {"authorization": f"Bearer {bridge.operator_token}", "content-type": "application/json"}
    status, _, reply = bridge.request(method, f"/bridge/v1{path}", body, headers, timeout=30)
    return status, json.loads(reply) if reply else None


def stream_of(bridge):
    """The only stream, as a part of a path."""
    [stream] = call(bridge, "GET", "/streams")[1]["streams"]
    return urllib.parse.quote(stream["id"], safe="")


def record(bridge, destination=None, **order):
    """A short recording of the only stream, on its way to its destination."""
    if destination is not None:
        order["destination"] = destination
    status, row = call(bridge, "POST", f"/streams/{stream_of(bridge)}/recordings", order)
    assert status == 201, row
    reaches(bridge, row["id"], "recording")
    time.sleep(0.3)
    call(bridge, "POST", f"/recordings/{row['id']}/stop")
    return row["id"]


def reaches(bridge, recording, *states, timeout=20):
    """The recording in one of these states."""
    end = time.monotonic() + timeout
    while (row := bridge.recording(recording))["state"] not in states and time.monotonic() < end:
        time.sleep(0.1)
    assert row["state"] in states, json.dumps(row)
    return row
