"""The killer: rounds of a publisher, a recording and a fault at a random moment, and what must hold after each of them.

A lane is a process with a bridge of its own on a machine of its own (killer_machine.py), which plays one round after the other; several lanes play
beside each other, since a round waits for most of its time. The seed and a round's number decide everything that is chosen in it.
"""

import contextlib
import dataclasses
import hashlib
import multiprocessing
import os
import random
import tempfile
import time
import traceback

import killer_machine
import media
from killer_faults import FAULTS
from killer_machine import SpoiltBridge
from killer_publisher import Publisher
from killer_target import Target
from raw import settle
from rtm import PATIENCE

LARGEST_LOSS = 1.0  # seconds of received media
CONTAINERS = {"VP8": "webm", "H264": "mp4"}
LONGEST_DELIVERY = 60  # seconds until file and webhook are there, after whatever happened
SETTINGS = {
    "webhooks__schedule": "300ms,1s,3s,3s,3s,3s,3s", "uploads__schedule": "300ms,1s,3s,3s,3s,3s,3s", "uploads__stall_timeout": "1s",
    "recording__free_space_reserve": "64KiB",
}


@dataclasses.dataclass
class Outcome:
    """Of one round: what was done, how many seconds of pictures and sound are missing, and what was wrong."""

    number: int
    told: str
    missing: tuple = (0, 0)
    failure: str = ""
    seconds: float = 0
    kept: str = ""  # path of the delivered file, where somebody else is to look at it, too


class Round:
    """One recording and one fault. What is sent between `since` and `until` of a span has been received: the file must have it."""

    def __init__(self, lane, seed, number):
        self.chance = random.Random(f"{seed} {number}")
        self.number, self.lane = number, lane
        self.bridge, self.target = lane.bridge, lane.target
        self.fault = FAULTS[number % len(FAULTS)]
        self.codec = self.chance.choice(list(CONTAINERS))
        self.name = f"round-{number}"
        self.upload, self.hook = f"/{self.name}", f"/{self.name}-hook"
        self.to_folder = self.fault.__name__ != "bad_target" and self.chance.random() < 0.25
        self.spans, self.is_over = [], False
        self.full_since = None
        self.publisher = self.recording = None

    def __str__(self):
        goal = "folder" if self.to_folder else "upload"
        disk = "data" if self.bridge.data.startswith(self.bridge.disk.path) else "spool"
        return f"{self.number} {self.fault.__name__} {self.codec} {goal}, {disk} on the small disk"

    # What happened to it

    def not_received(self, since, until):
        """The bridge cannot have got what was sent then."""
        self.spans[-1][1] = since
        self.spans.append([until, None])

    def sent_until(self, moment):
        """Nothing came after it."""
        self.spans[-1][1] = moment

    def ended_at(self, moment):
        """What came later does not belong to the recording any more, whose end need not be asked for."""
        self.sent_until(moment)
        self.is_over = True

    def recorder(self):
        """The process that writes the recording now."""
        return self.bridge.child_with_open(lambda name: f"/{self.recording}/" in name, f"a file of recording {self.recording}")

    # Its course

    def play(self):
        try:
            self.begin()
            time.sleep(self.chance.uniform(0, 2.5))
            self.fault(self)
            if not self.is_over:
                time.sleep(self.chance.uniform(0.3, 1))
                self.stop()
            delivered = self.wait_for_delivery()
            if self.full_since is not None and self.ended_for_want_of_space():
                self.sent_until(self.full_since)
            missing = self.check_media(delivered)
            self.check_books(delivered)
            return missing, delivered
        finally:
            self.end()

    def begin(self):
        if self.chance.random() < 0.3:
            self.target.behave(self.hook, 500)
        clip = self.lane.clip(self.codec, is_heavy=self.fault.__name__ == "bad_target")
        self.clip = clip
        self.publisher = Publisher(self.lane.context, self.bridge, self.name, clip)
        self.publisher.wait_until_sending()
        destination = {"folder": self.lane.folder} if self.to_folder else {"url": self.target.base + self.upload}
        order = {"container": CONTAINERS[self.codec], "destination": destination, "webhook_url": self.target.base + self.hook}
        status, row = self.bridge.post(f"/bridge/v1/streams/{self.name}/recordings", order, self.bridge.operator_token)
        assert status == 201, row
        self.recording = row["id"]
        state = settle(lambda: self.bridge.recording(self.recording)["state"], lambda state: state == "recording", PATIENCE)
        assert state == "recording", f"the recording is still {state}"
        self.spans.append([time.monotonic(), None])

    def stop(self):
        if self.spans[-1][1] is None:
            self.sent_until(time.monotonic())
        status, reply = self.bridge.post(f"/bridge/v1/recordings/{self.recording}/stop", {}, self.bridge.operator_token)
        # On a full disk it may have ended, and been delivered, long ago.
        expected = (202,) if self.full_since is None else (202, 404)
        assert status in expected, f"the recording cannot be stopped: {status} {reply}"

    def ended_for_want_of_space(self):
        return any(self.recording in line and "storage full" in line for line in self.bridge.log().splitlines())

    def wait_for_delivery(self):
        """The path of a copy of what the destination got."""
        self.target.wait_for(
            lambda: self.target.accepted(self.hook), LONGEST_DELIVERY, f"webhook of {self.name}: {self.row()}")
        if self.to_folder:
            [name] = [name for name in os.listdir(self.lane.folder) if name.startswith(self.recording)]
            return os.path.join(self.lane.folder, name)
        path = os.path.join(self.bridge.folder, f"{self.name}.{CONTAINERS[self.codec]}")
        assert self.upload in self.target.uploads, f"told of, but the destination has nothing: {self.row()}"
        with open(path, "wb") as file:
            file.write(self.target.uploads.pop(self.upload))
        return path

    def row(self):
        """What is on record about it."""
        with self.bridge.records() as records:
            found = records.execute("SELECT * FROM recordings WHERE id = ?", [self.recording]).fetchone()
            works = records.execute("SELECT work, state, attempts, last_status, last_error FROM deliveries WHERE recording = ?", [self.recording])
            shown = {name: found[name] for name in found.keys() if not name.startswith("sealed_")} if found else None
            return shown, [tuple(work) for work in works]

    def end(self):
        """Whatever happened: the machine is well again, and nothing of the round goes on."""
        self.bridge.spoiler.set(clock=0, write=0, sync=0)
        if os.path.exists(self.bridge.disk.ballast):
            self.bridge.disk.free()
        if self.publisher is not None:
            self.publisher.kill()
        if self.bridge.process.poll() is not None:
            self.bridge.start()

    # What must hold

    def check_media(self, path):
        """The file plays, and has what was received. Returns how many seconds it lacks."""
        errors = media.decode_errors(path)
        assert errors == "", f"ffmpeg says of the file: {errors[:2000]}"
        form, streams = media.probe(path)
        assert set(streams) == {"video", "audio"}, f"the file has {set(streams)}"
        film = media.Film(path, self.clip)
        assert film.repeated() == [], f"these pictures or sounds come again: {film.repeated()[:10]}"
        missing = self.missing(film)
        assert max(missing) <= LARGEST_LOSS, f"{missing[0]:.2f} s of pictures and {missing[1]:.2f} s of sound are missing"
        shown = (film.last - film.first + 1) / media.RATE
        seconds = float(form["duration"])
        assert abs(seconds - shown) <= 0.5, f"the file lasts {seconds} s, and shows pictures {film.first} to {film.last}, {shown} s"
        return missing

    def missing(self, film):
        seen, heard = ({number for number, _ in row} for row in (film.pictures, film.sounds))
        unseen = unheard = 0
        for since, until in self.spans:
            pictures, sounds = self.publisher.numbers(since, until)
            unseen += sum(number not in seen for number in pictures)
            unheard += sum(number not in heard for number in sounds)
        return unseen / media.RATE, unheard * media.SOUND_PACKET

    def check_books(self, delivered):
        """One file, one recording, one delivery, and webhooks of one id, all of which agree."""
        self.check_told(delivered)
        is_quiet = settle(lambda: self.open_works(), lambda works: works == [], PATIENCE)
        assert is_quiet == [], f"not done: {is_quiet}"
        with self.bridge.records() as records:
            [row] = records.execute("SELECT * FROM recordings WHERE id = ?", [self.recording])
            uploads = records.execute("SELECT state FROM deliveries WHERE recording = ? AND work = 'upload'", [self.recording]).fetchall()
        assert [upload["state"] for upload in uploads] == ["delivered"], f"its uploads are {[tuple(upload) for upload in uploads]}"
        kept = os.path.join(self.bridge.spool, row["file"])
        assert digest(kept) == digest(delivered), "what was delivered is not what the spool has"
        assert row["size_bytes"] == os.path.getsize(delivered), f"on record are {row['size_bytes']} bytes"
        assert not os.path.exists(os.path.join(self.bridge.spool, self.recording)), "the recording's work folder is still there"
        orphans = os.path.join(self.bridge.spool, "orphans")
        assert os.listdir(orphans) == [], f"orphans: {os.listdir(orphans)}"

    def check_told(self, delivered):
        told = self.target.accepted(self.hook)
        ids = {webhook_id for webhook_id, event in told if event["status"] == "upload_ready"}
        assert len(ids) == 1, f"the webhooks of the delivery have the ids {ids}"
        moments = [event["event_at"] for _, event in told]
        assert moments == sorted(moments), f"webhooks came in the order {[(event['status'], event['event_at']) for _, event in told]}"
        event = told[-1][1]
        assert event["rec_id"] == self.recording
        assert event["recording_file_size_bytes"] == os.path.getsize(delivered), f"told of {event['recording_file_size_bytes']} bytes"

    def open_works(self):
        with self.bridge.records() as records:
            return [tuple(row) for row in records.execute("SELECT work, state, attempts, last_error FROM deliveries WHERE state = 'pending'")]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Lane:
    """A bridge, a destination, and the clips."""

    def __init__(self, number, library, clips):
        self.context = multiprocessing.get_context("forkserver")
        self.clips = clips
        self.target = Target()
        live = "16KiB" if number % 3 else "64MiB"  # from which size on an MP4 is written while it is recorded
        self.bridge = SpoiltBridge(library, whole_data=number % 2 == 1, recording__live_mp4_from=live, **SETTINGS)
        self.folder = os.path.join(self.bridge.folder, "delivered")
        self.bridge.start()

    def clip(self, codec, is_heavy):
        return self.clips[codec, is_heavy]

    def play(self, seed, number, keep):
        began = time.monotonic()
        game = Round(self, seed, number)
        outcome = Outcome(number, str(game))
        try:
            outcome.missing, delivered = game.play()
            if number % keep == 0:
                outcome.kept = delivered
            else:
                os.unlink(delivered)
        except Exception:
            outcome.failure = traceback.format_exc(limit=-4) + self.excerpt(game)
        outcome.seconds = time.monotonic() - began
        return outcome

    def excerpt(self, game):
        """What the bridge's log says of the round."""
        words = [word for word in (game.recording, game.name) if word]
        lines = [line for line in self.bridge.log().splitlines() if " DEBUG " not in line and any(word in line for word in words)]
        return "\n".join(lines[-30:])

    def close(self):
        self.target.close()
        self.bridge.close()


def _run_lane(number, library, clips, seed, keep, numbers, outcomes):
    """A lane's process: rounds until the numbers end."""
    killer_machine.leave_mounts_of_others()
    with contextlib.closing(Lane(number, library, clips)) as lane:
        while (game := numbers.get()) is not None:
            outcomes.put(lane.play(seed, game, keep))
        outcomes.put(None)
        numbers.get()  # the kept files go with the lane


class Killer:
    """Plays rounds in several lanes; `outcomes` come as they end. A round begins while `seconds` have not passed."""

    def __init__(self, seed, lanes, keep):
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["killer_publisher"])
        self.folder = tempfile.TemporaryDirectory(prefix="viaduct-killer-")
        self.numbers, self.results = self.context.Queue(), self.context.Queue()
        library = killer_machine.build_shim(self.folder.name)
        # A keyframe comes often: the clip makes none when it is asked for one.
        clips = {
            (codec, is_heavy): Frames(media.clip(codec, 40, keyframes_apart=0.25, bitrate="3M" if is_heavy else None))
            for codec in CONTAINERS for is_heavy in (False, True)
        }
        self.lanes = [
            self.context.Process(target=_run_lane, args=(number, library, clips, seed, keep, self.numbers, self.results))
            for number in range(lanes)
        ]
        for lane in self.lanes:
            lane.start()

    def play(self, rounds, seconds):
        """The outcomes of the rounds with these numbers, of as many as begin in so many seconds."""
        end, waiting, running = time.monotonic() + seconds, list(reversed(rounds)), 0
        while waiting or running:
            while waiting and running < len(self.lanes) and time.monotonic() < end:
                self.numbers.put(waiting.pop())
                running += 1
            if running == 0:
                return
            yield self.results.get(timeout=300)
            running -= 1

    def close(self):
        for _ in self.lanes:
            self.numbers.put(None)
        for _ in self.lanes:
            self.numbers.put(None)
        for lane in self.lanes:
            lane.join(60)
            if lane.is_alive():
                lane.kill()
        self.folder.cleanup()


class Frames:
    """What a publisher and a check need of a clip, to be sent to another process."""

    def __init__(self, clip):
        self.codec, self.pictures, self.sounds = clip.codec, clip.pictures, clip.sounds
        self.numbers_of_sound = clip.numbers_of_sound
