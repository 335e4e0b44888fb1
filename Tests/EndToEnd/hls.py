"""A strict reader of HLS playlists (RFC 8216bis): every rule of it that the bridge's playlists can break is checked, and named when it is."""

import datetime
import re

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^",]*)(?:,|$)')
ONCE = {"#EXT-X-VERSION", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE", "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-SERVER-CONTROL", "#EXT-X-PART-INF", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-ENDLIST", "#EXT-X-SKIP"}
OTHERS = {"#EXTINF", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-DISCONTINUITY", "#EXT-X-PART", "#EXT-X-PRELOAD-HINT",
          "#EXT-X-VIADUCT-DEPENDENT"}


class Violation(AssertionError):
    """A rule is broken; the text names it."""


def rule(holds, section, text):
    if not holds:
        raise Violation(f"RFC 8216bis section {section}: {text}")


def attributes(value):
    """An attribute list (section 4.2): all of the text, no name twice."""
    found = ATTRIBUTE.findall(value)
    rule("".join(f"{name}={text}," for name, text in found) == value + ",", "4.2", f"not an attribute list: {value}")
    names = [name for name, _ in found]
    rule(len(set(names)) == len(names), "4.2", f"an attribute comes twice: {value}")
    return {name: text.strip('"') for name, text in found}


def lines_of(text):
    rule(not text.startswith("\ufeff"), "4", "there is a byte order mark")
    rule("\r" not in text and all(line.isprintable() for line in text.split("\n")), "4", "there are control characters")
    lines = [line for line in text.split("\n") if line]
    rule(lines and lines[0] == "#EXTM3U", "4.4.1.1", "EXTM3U is not the first line")
    return lines


def multivariant(text):
    """The variants: [(attributes, uri)]."""
    lines = lines_of(text)
    variants = []
    for place, line in enumerate(lines):
        rule(not line.startswith(("#EXTINF", "#EXT-X-TARGETDURATION")), "4.1", f"a media playlist's tag: {line}")
        if line.startswith("#EXT-X-STREAM-INF:"):
            found = attributes(line.partition(":")[2])
            rule(found.get("BANDWIDTH", "").isdigit(), "4.4.6.2", "BANDWIDTH is required")
            rule("CODECS" in found, "4.4.6.2", "CODECS should be there")
            rule(int(found.get("AVERAGE-BANDWIDTH", 0)) <= int(found["BANDWIDTH"]), "4.4.6.2", "the average is above the peak")
            rule(place + 1 < len(lines) and not lines[place + 1].startswith("#"), "4.4.6.2", "no URI follows the variant")
            variants.append((found, lines[place + 1]))
    rule(variants, "4.4.6.2", "there is no variant")
    return variants


class Segment:
    def __init__(self):
        self.duration = self.uri = self.map = self.date = None
        self.parts, self.is_discontinuous, self.is_independent = [], False, True


class MediaPlaylist:
    """One media playlist. `segments` are whole ones; the parts of the one that is not whole yet are `open_parts`."""

    def __init__(self, text):
        self.text, self.segments, self.hint, self.skipped = text, [], None, 0
        self.is_over, self.server_control, self.part_target, self.type = False, {}, None, None
        self.sequence = self.discontinuity_sequence = 0
        self._segment, self._map, self._seen = Segment(), None, set()
        for line in lines_of(text)[1:]:
            self._take(line)
        self.open_parts, self.open = self._segment.parts, self._segment
        self._check()

    def _take(self, line):
        if not line.startswith("#"):
            rule(self._segment.duration is not None, "4.4.4.1", f"no EXTINF before {line}")
            rule(self._map is not None, "3.1.2", f"no EXT-X-MAP before {line}")
            self._segment.uri, self._segment.map = line, self._map
            self.segments.append(self._segment)
            self._segment = Segment()
            return
        tag, _, value = line.partition(":")
        rule(tag in ONCE | OTHERS, "4.1", f"an unknown tag: {line}")
        if tag in ONCE:
            rule(tag not in self._seen, "4.1", f"{tag} comes twice")
            self._seen.add(tag)
        getattr(self, "_" + tag[1:].lower().replace("-", "_"))(value)

    def _ext_x_version(self, value):
        self.version = int(value)

    def _ext_x_targetduration(self, value):
        rule(value.isdigit(), "4.4.3.1", "the target duration is no integer")
        self.target = int(value)

    def _ext_x_media_sequence(self, value):
        rule(not self.segments and self._segment.duration is None, "4.4.3.2", "EXT-X-MEDIA-SEQUENCE comes after a segment")
        self.sequence = int(value)

    def _ext_x_discontinuity_sequence(self, value):
        rule(not self.segments and not self._segment.is_discontinuous, "4.4.3.3", "it comes after a segment or a discontinuity")
        self.discontinuity_sequence = int(value)

    def _ext_x_playlist_type(self, value):
        rule(value in ("VOD", "EVENT"), "4.4.3.5", value)
        self.type = value

    def _ext_x_server_control(self, value):
        self.server_control = attributes(value)

    def _ext_x_part_inf(self, value):
        self.part_target = float(attributes(value)["PART-TARGET"])

    def _ext_x_independent_segments(self, _):
        pass

    def _ext_x_endlist(self, _):
        self.is_over = True

    def _ext_x_skip(self, value):
        self.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
        self._map = "skipped"

    def _extinf(self, value):
        duration, comma, _ = value.partition(",")
        rule(comma == "," and re.fullmatch(r"\d+(\.\d+)?", duration), "4.4.4.1", f"EXTINF:{value}")
        self._segment.duration = float(duration)

    def _ext_x_map(self, value):
        self._map = attributes(value)["URI"]

    def _ext_x_program_date_time(self, value):
        self._segment.date = datetime.datetime.fromisoformat(value).timestamp()

    def _ext_x_discontinuity(self, _):
        self._segment.is_discontinuous = True

    def _ext_x_viaduct_dependent(self, _):
        self._segment.is_independent = False

    def _ext_x_part(self, value):
        part = attributes(value)
        rule(self.part_target is not None, "4.4.3.7", "EXT-X-PART without EXT-X-PART-INF")
        rule({"URI", "DURATION"} <= part.keys(), "4.4.4.9", f"a part without URI or DURATION: {value}")
        self._segment.parts.append(part)

    def _ext_x_preload_hint(self, value):
        hint = attributes(value)
        rule(hint["TYPE"] == "PART", "4.4.5.3", value)
        self.hint = hint["URI"]

    # What only the whole list shows

    def _check(self):
        rule({"#EXT-X-TARGETDURATION", "#EXT-X-VERSION"} <= self._seen, "4.4.3.1", "no target duration or version")
        rule(self.version >= (9 if self.skipped else 6), "8", f"version {self.version} is too low")
        for segment in self.segments:
            rule(round(segment.duration) <= self.target, "4.4.3.1", f"{segment.uri} lasts {segment.duration} s, the target is {self.target}")
            rule(segment.date is not None, "4.4.4.6", f"{segment.uri} has no date")
        rule(self.type != "VOD" or self.is_over, "4.4.3.5", "a VOD list without its end")
        if "#EXT-X-INDEPENDENT-SEGMENTS" in self._seen:
            rule(all(segment.is_independent for segment in self.segments), "4.4.2.1", "a segment depends on another")
        self._check_dates()
        self._check_parts()

    def _check_dates(self):
        for before, after in zip(self.segments, self.segments[1:]):
            distance = after.date - before.date - before.duration
            rule(distance > -0.002, "4.4.4.6", f"{after.uri} begins before {before.uri} ends")
            rule(after.is_discontinuous or abs(distance) < 0.002, "4.4.4.3", f"{distance} s are missing before {after.uri}, unsaid")
            rule(after.is_discontinuous or after.map == before.map, "4.4.4.5", f"{after.uri} needs another initialization, unsaid")

    def _check_parts(self):
        if self.part_target is None:
            rule(self.hint is None, "4.4.5.3", "a hint without parts")
            return
        control = self.server_control
        rule(control.get("CAN-BLOCK-RELOAD") == "YES", "4.4.3.8", "parts without blocking reload")
        rule(float(control["PART-HOLD-BACK"]) >= 2 * self.part_target, "4.4.3.8", "PART-HOLD-BACK below two part targets")
        rule(float(control.get("CAN-SKIP-UNTIL", 1e9)) >= 6 * self.target, "4.4.3.8", "CAN-SKIP-UNTIL below six target durations")
        rule(self.is_over or self.hint, "4.4.5.3", "no hint at the live edge")
        for segment in [*self.segments, self._segment]:
            durations = [float(part["DURATION"]) for part in segment.parts]
            rule(all(one <= self.part_target + 1e-9 for one in durations), "4.4.4.9", f"a part is longer than the target: {durations}")
            whole = durations[:-1] if segment.uri else durations
            rule(all(one >= 0.85 * self.part_target for one in whole), "4.4.4.9", f"a part is shorter than 85 %: {durations}")
            if segment.uri and segment.parts:
                rule(abs(sum(durations) - segment.duration) < 0.01, "4.4.4.9", f"the parts of {segment.uri} do not make it up: {durations}")

    def check_reload(self, before):
        """What must hold between two versions of one list (section 6.2.1)."""
        rule(self.target == before.target, "6.2.1", "the target duration changed")
        rule(self.sequence >= before.sequence, "6.2.2", "the media sequence number went back")
        known = {before.sequence + before.skipped + place: one for place, one in enumerate(before.segments)}
        for place, segment in enumerate(self.segments):
            number = self.sequence + self.skipped + place
            if number in known:
                rule(segment.uri == known[number].uri, "6.2.2", f"segment {number} was {known[number].uri} and is {segment.uri}")
        rule(self.sequence + len(self.segments) + self.skipped >= before.sequence + before.skipped + len(before.segments), "6.2.2",
             "segments left the end of the list")

    @property
    def edge(self):
        """The newest moment that is listed, in seconds since 1970."""
        if self.open_parts:
            return self.open.date + sum(float(part["DURATION"]) for part in self.open_parts)
        return self.segments[-1].date + self.segments[-1].duration
