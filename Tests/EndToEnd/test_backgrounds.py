"""A picture behind a composite: it is seen around the cells, changes without a gap, and one that is missing or broken costs nothing but itself."""

import fractions
import io
import json
import os
import signal

import av
import pytest

from films import RATE, RED
from raw import settle
from test_composites import PATIENCE, Composite, kinds, publish

pytestmark = pytest.mark.sturdy

GREEN, YELLOW = (0, 150, 0), (200, 180, 0)
SHADE = (24, 28, 36)  # of the background's colour, where there is no picture
WIDTH, HEIGHT = 640, 360
# In parts of the whole: in the cell, which is the left half and as high as a third, and beside it.
IN_CELL, BESIDE, BELOW = (0.25, 0.45), (0.75, 0.6), (0.6, 0.9)


def picture(colour, format, size=(64, 90)):
    """Of one colour, and of another shape than the composite."""
    frame = av.VideoFrame(*size, "rgb24")
    line = frame.planes[0].line_size
    frame.planes[0].update((bytes(colour) * size[0]).ljust(line, b"\0") * size[1])
    codec = av.CodecContext.create("png" if format == "png" else "mjpeg", "w")
    codec.width, codec.height, codec.time_base = *size, fractions.Fraction(1, 1)
    codec.pix_fmt = "rgb24" if format == "png" else "yuvj420p"
    packets = codec.encode(frame.reformat(format=codec.pix_fmt)) + codec.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def broken():
    """Its header is as it should be, and a bit of what follows has turned over."""
    whole = picture(GREEN, "png")
    place = whole.index(b"IDAT") + 8
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:]


def pixels(frame):
    rgb = frame.reformat(format="rgb24")
    plane = rgb.planes[0]
    data, line = bytes(plane), plane.line_size
    return lambda part: tuple(data[int(rgb.height * part[1]) * line + int(rgb.width * part[0]) * 3:][:3])


def is_like(one, other):
    return all(abs(left - right) < 32 for left, right in zip(one, other))


def seen(composite):
    status, _, body = composite.bridge.request(
        "GET", f"/bridge/v1/streams/{composite.first['stream']}/snapshot.png", headers=composite.headers, timeout=30)
    if status != 200:
        return None
    with av.open(io.BytesIO(body)) as file:
        return next(file.decode(video=0))


def shows(composite, background):
    frame = settle(lambda: seen(composite), lambda one: one and is_like(pixels(one)(BESIDE), background), PATIENCE)
    assert frame and is_like(pixels(frame)(BESIDE), background), (frame and pixels(frame)(BESIDE), composite.request("GET"))
    return frame


def put(bridge, name, content):
    status, _, body = bridge.request(
        "PUT", f"/bridge/v1/backgrounds/{name}", content, {"authorization": f"Bearer {bridge.operator_token}"}, timeout=30)
    return status, json.loads(body)


def layout(image, **more):
    cells = [{"x": 0, "y": 1 / 3, "width": 0.5, "height": 1 / 3}, {"x": 0.5, "y": 0, "width": 0.25, "height": 0.25}]
    return {"kind": "custom", "fit": "cover", "cells": cells, "background": {"image": image}, **more}


def background(composite, state):
    shown = settle(lambda: composite.request("GET")["background"], lambda one: one and one["state"] == state, PATIENCE)
    assert shown and shown["state"] == state, composite.request("GET")
    return shown


def lightness(frame, area):
    """The darkest and the lightest luma in a part of the picture: left, top, right, bottom."""
    grey = frame.reformat(format="gray")
    plane = grey.planes[0]
    data, (left, top, right, bottom) = bytes(plane), area
    rows = range(int(grey.height * top), int(grey.height * bottom))
    found = [value for row in rows for value in data[row * plane.line_size:][int(grey.width * left):int(grey.width * right)]]
    return min(found), max(found)


def test_a_picture_stands_behind_changes_without_a_gap_and_costs_only_itself(network, bridge):
    status, made = put(bridge, "lawn", picture(GREEN, "png"))
    assert (status, made["media_type"], made["width"], made["height"]) == (201, "image/png", 64, 90), made
    assert put(bridge, "sand", picture(YELLOW, "jpeg", (160, 40)))[0] == 201
    status, problem = put(bridge, "sand", b"<svg/>")
    assert status == 400 and "PNG or JPEG" in problem["detail"], problem
    with publish(network, bridge, RED):
        composite = Composite(
            bridge, name="stage", inputs=[{"stream": RED, "name": "Rot"}], layout=layout("lawn", clock=True), width=WIDTH, height=HEIGHT,
            fps=RATE)
        composite.wait("live")
        background(composite, "shown")
        shows(composite, GREEN)
        frame = settle(lambda: seen(composite), lambda one: one and is_like(pixels(one)(IN_CELL), (230, 10, 10)), PATIENCE)
        at = pixels(frame)
        assert is_like(at(IN_CELL), (230, 10, 10)) and is_like(at(BESIDE), GREEN) and is_like(at(BELOW), GREEN), (at(IN_CELL), at(BESIDE))
        # The clock is light on a ground that is darker than the picture (luma 88), and so is the name in the red (luma 75).
        for area in [(0.5, 0, 1, 0.12), (0, 0.6, 0.5, 2 / 3)]:
            darkest, lightest = lightness(frame, area)
            assert darkest < 60 and lightest > 150, (area, darkest, lightest)
        status, recording = bridge.post("/bridge/v1/streams/stage/recordings", {}, bridge.operator_token)
        assert status == 201, recording
        recording = recording["id"]
        state = settle(lambda: bridge.recording(recording)["state"], lambda state: state == "recording", PATIENCE)
        assert state == "recording", bridge.recording(recording)
        composite.request("PATCH", {"layout": layout("sand")})
        shows(composite, YELLOW)
        composite.request("PATCH", {"inputs": []})
        composite.request("PATCH", {"inputs": [{"stream": RED}]})
        # A file that somebody took away, and one whose inside is broken: what was seen stays.
        assert put(bridge, "gone", picture(GREEN, "png"))[0] == 201
        os.remove(os.path.join(bridge.data, "backgrounds", "gone"))
        composite.request("PATCH", {"layout": layout("gone")})
        reason = background(composite, "failed")["reason"]
        assert reason["code"] == "background_unreadable" and "gone; put it again" in reason["detail"], reason
        assert put(bridge, "sand", broken())[0] == 200
        composite.request("PATCH", {"layout": layout("sand")})
        assert "decoded" in background(composite, "failed")["reason"]["detail"]
        assert is_like(pixels(shows(composite, YELLOW))(BELOW), YELLOW) and composite.request("GET")["state"] == "live"
        bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, bridge.operator_token)
        state = settle(lambda: bridge.recording(recording)["state"], lambda state: state in ("ready", "failed"), PATIENCE)
        assert state == "ready", bridge.recording(recording).get("failure")
        # It comes back by itself when its process is killed, and its picture with it.
        status, problem = put(bridge, "sand", picture(YELLOW, "jpeg"))
        assert status == 200, problem
        background(composite, "shown")
        for child in bridge.children:
            os.kill(child, signal.SIGKILL)
        again = settle(lambda: composite.request("GET"), lambda one: one["reason"] and one["state"] == "live", PATIENCE)
        assert again["state"] == "live" and again["reason"]["code"] == "pipeline_crashed", again
        background(composite, "shown")
        shows(composite, YELLOW)
        status, _, body = bridge.request("DELETE", "/bridge/v1/backgrounds/sand", headers=composite.headers)
        assert status == 409 and "stage" in json.loads(body)["detail"], body
        status, problem = bridge.post("/bridge/v1/composites", {"inputs": [], "layout": layout("nobody")}, bridge.operator_token)
        assert status == 400 and problem["field"] == "layout.background.image", problem
        composite.request("PATCH", {"layout": "grid"})
        assert composite.request("GET")["background"] is None
        assert bridge.request("DELETE", "/bridge/v1/backgrounds/sand", headers=composite.headers)[0] == 204
        composite.request("DELETE")
    assert kinds(bridge) == ["composite.started", "composite.ended"]
    status, _, body = bridge.request("GET", f"/bridge/v1/recordings/{recording}/file", headers=composite.headers, timeout=30)
    assert status == 200, body
    with av.open(io.BytesIO(body)) as file:
        beside = [pixels(frame)(BESIDE) for frame in file.decode(video=0)]
    # Green, then yellow, and never the colour below them.
    assert is_like(beside[0], GREEN) and is_like(beside[-1], YELLOW), beside
    assert not any(is_like(one, SHADE) for one in beside), beside
