"""What the pictures of a composite show: sources of one colour with a part that moves, and every frame of a recording by its cells."""

import asyncio
import fractions
import io
import time
from typing import NamedTuple

import av
from aiortc.mediastreams import MediaStreamTrack

RATE = 10  # pictures a second, of the sources and of composites
RED, BLUE, PINK = "red", "blue", "pink"
COLOURS = {RED: (230, 10, 10), BLUE: (10, 10, 230), PINK: (230, 10, 230)}
# What is seen where no picture is: the layout's background, and the ground of a name that stands for an input.
BACKGROUND, NAME, BLACK = "background", "name", "black"
GROUNDS = {BACKGROUND: (0x18, 0x1C, 0x24), NAME: (0x2A, 0x30, 0x3C), BLACK: (0, 0, 0)}
GROUND_TOLERANCE = 9  # of a colour's part; the grounds are 18 apart

# Cells, in parts of the whole: left, top, right, bottom.
WHOLE = ((0, 0, 1, 1),)
HALVES = ((0, 0, 0.5, 1), (0.5, 0, 1, 1))
# Where a cell is looked at, in parts of it: not in its middle, where a name stands that is there for a picture, nor below, where a picture's own one is.
COLUMNS, ROWS = (0.12, 0.4, 0.6, 0.88), (0.14, 0.3, 0.38, 0.66, 0.8)

# From an order until what it brings is seen, the place may be empty: an input's process has to get a keyframe, begin a decoder and wait for the
# compositor's next picture. Longer than this is no transition but a place that stays empty.
EMPTY_SECONDS = 2.0
EMPTY_FRAMES = round(EMPTY_SECONDS * RATE)
# A picture that stands for longer is frozen. The sources move five times a second; what comes above that is a machine that others use, too. It is less
# than the two seconds for which a composite keeps the last picture of an input that has stopped.
STILL_SECONDS = 1.5
# Between two frames of the film: it has one each tenth of a second.
GAP_SECONDS = 0.5


class Plain(MediaStreamTrack):
    """Pictures of one colour."""

    kind = "video"
    width, height = 160, 90

    def __init__(self, colour):
        super().__init__()
        self.pictures = [self.picture(COLOURS[colour])]
        self.count, self.began = 0, time.monotonic()

    def picture(self, colour, band=None):
        """`band`: the colour of a field below the middle, which is seen also where the sides are cut off."""
        lines = [bytes(colour) * self.width] * self.height
        if band:
            line = bytes(colour) * 60 + bytes(band) * 40 + bytes(colour) * 60
            lines[54:71] = [line] * 17
        image = av.VideoFrame(self.width, self.height, "rgb24")
        image.planes[0].update(b"".join(line.ljust(image.planes[0].line_size, b"\0") for line in lines))
        return image.reformat(format="yuv420p")

    def shown(self):
        return self.pictures[0]

    async def recv(self):
        await asyncio.sleep(max(0, self.began + self.count / RATE - time.monotonic()))
        frame = self.shown().reformat(format="yuv420p")
        frame.pts, frame.time_base = self.count, fractions.Fraction(1, RATE)
        self.count += 1
        return frame


class Moving(Plain):
    """Pictures of one colour with a field whose green changes with every second picture: its red and blue are those of the rest."""

    LEVELS = (10, 80, 150, 220)

    def __init__(self, colour):
        super().__init__(colour)
        red, green, blue = COLOURS[colour]
        self.pictures = [self.picture((red, green, blue), (red, level, blue)) for level in self.LEVELS]

    def shown(self):
        return self.pictures[self.count // 2 % len(self.pictures)]


class Frame:
    """A decoded picture as RGB."""

    def __init__(self, frame):
        rgb = frame.reformat(format="rgb24")
        self.time, self.width, self.height = frame.time, rgb.width, rgb.height
        self.data, self.line = bytes(rgb.planes[0]), rgb.planes[0].line_size

    def pixel(self, x, y):
        start = min(self.height - 1, int(self.height * y)) * self.line + min(self.width - 1, int(self.width * x)) * 3
        return tuple(self.data[start:start + 3])

    def cell(self, area):
        """The one thing that is seen all over a cell, or everything that is."""
        left, top, right, bottom = area
        seen = {named(self.pixel(left + (right - left) * x, top + (bottom - top) * y)) for x in COLUMNS for y in ROWS}
        return seen.pop() if len(seen) == 1 else "+".join(sorted(seen))

    def motion(self, area):
        """How green the height is at which fields move, over the cell's width."""
        left, _, right, _ = area
        return sum(self.pixel(left + (right - left) * step / 40, 0.69)[1] for step in range(40)) / 40


def named(pixel):
    red, _, blue = pixel
    for name, (full, _, other) in COLOURS.items():
        if (red > 150) == (full > 150) and (blue > 150) == (other > 150) and min(abs(red - 120), abs(blue - 120)) > 40:
            return name
    for name, ground in GROUNDS.items():
        if all(abs(one - other) <= GROUND_TOLERANCE for one, other in zip(pixel, ground)):
            return name
    return str(pixel)


class Shot(NamedTuple):
    """One frame of a film."""

    time: float
    cells: tuple
    motion: tuple


def shots(body, areas=HALVES):
    """Every frame of a recording."""
    with av.open(io.BytesIO(body)) as file:
        frames = [Frame(frame) for frame in file.decode(video=0)]
    return [Shot(one.time, tuple(one.cell(area) for area in areas), tuple(one.motion(area) for area in areas)) for one in frames]


def runs(film):
    """What was seen one after the other, and for how many frames."""
    found = []
    for shot in film:
        if found and found[-1][0] == shot.cells:
            found[-1][1] += 1
        else:
            found.append([shot.cells, 1])
    return found


def check_order(film, *wanted):
    """The film shows these states, each once and in this order. Between two of them a cell shows what it did, what it will, or for a few frames that it
    is empty; nothing else is ever seen, and never black."""
    story, place, between = runs(film), 0, 0
    assert story[0][0] == wanted[0], story
    for cells, count in story[1:]:
        following = wanted[place + 1] if place + 1 < len(wanted) else None
        if cells == following:
            place, between = place + 1, 0
            continue
        assert following and cells != wanted[place], f"{cells} after {wanted[place]}: {story}"
        is_between = all(cell in (old, new, BACKGROUND, NAME) for cell, old, new in zip(cells, wanted[place], following))
        assert is_between, f"{cells} between {wanted[place]} and {following}: {story}"
        between += count
        assert between <= EMPTY_FRAMES, f"{between} frames between {wanted[place]} and {following}: {story}"
    assert place == len(wanted) - 1, f"only {place + 1} of {wanted}: {story}"
    return story


def check_motion(film):
    """No frame is missing, and no picture stands still."""
    for one, other in zip(film, film[1:]):
        assert 0 < other.time - one.time <= GAP_SECONDS, f"{other.time - one.time:.2f} s without a frame at {one.time:.2f} s"
    for place in range(len(film[0].cells)):
        since, former = film[0].time, film[0]
        for shot in film[1:]:
            if shot.cells[place] != former.cells[place] or abs(shot.motion[place] - former.motion[place]) > 8:
                since, former = shot.time, shot
            elif shot.cells[place] in COLOURS:
                assert shot.time - since <= STILL_SECONDS, f"cell {place} stands still from {since:.2f} to {shot.time:.2f} s"
