"""Nothing is lost whatever breaks: rounds of recordings in each of which one thing is killed, stopped, filled, slowed, cut or set wrong (killer.py).

KILLER_SEED repeats a run, KILLER_ROUND=7,12 single rounds of it; a failure names both.
"""

import collections
import contextlib
import os
import time

import pytest

import killer
import media
from browsers import BrowserError, Chromium

SEED = int(os.environ.get("KILLER_SEED", time.time()))
ONLY = [int(number) for number in os.environ.get("KILLER_ROUND", "").split(",") if number]
LANES = 6
KEEP = 10  # each file of so many is played by Chromium, too


# Plays a file from its middle to its end, and from its beginning, at four times its speed.
WATCH = """(async () => {
  const video = document.querySelector("video");
  const happens = (name) => new Promise((done, fail) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => fail(new Error(video.error.message)), { once: true });
  });
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) await happens("loadeddata");
  video.muted = true;
  for (const start of [video.duration / 2, 0]) {
    video.pause();
    const sought = happens("seeked");
    video.currentTime = start;
    await sought;
    video.playbackRate = 4;
    const ended = happens("ended");
    await video.play();
    await ended;
  }
  return { seconds: video.duration, width: video.videoWidth, pictures: video.getVideoPlaybackQuality().totalVideoFrames };
})()"""


def play(rounds, seconds):
    """Plays these rounds and checks what came of them; prints how many fitted, and how each fault went."""
    began, outcomes = time.monotonic(), []
    numbers = ONLY or range(rounds)
    with contextlib.closing(killer.Killer(SEED, min(LANES, len(numbers)), KEEP)) as game:
        for outcome in game.play(numbers, seconds):
            outcomes.append(outcome)
            result = f"FAILED, {outcome.failure}" if outcome.failure else "well"
            print(f"{outcome.told}: {result}, missing {outcome.missing}, {outcome.seconds:.1f} s", flush=True)
        took = time.monotonic() - began
        watch([outcome for outcome in outcomes if outcome.kept])
    report(outcomes, took)
    failed = [f"KILLER_SEED={SEED} KILLER_ROUND={one.number}: {one.told}\n{one.failure}" for one in outcomes if one.failure]
    assert not failed, f"{len(failed)} of {len(outcomes)} rounds failed:\n" + "\n\n".join(failed)
    assert len(outcomes) == len(numbers) or took >= seconds, f"only {len(outcomes)} rounds were played"


def watch(outcomes):
    """Chromium plays the files of these rounds, or they have failed."""
    with Chromium() as browser:
        for outcome in outcomes:
            try:
                with browser.open(f"file://{outcome.kept}") as page:
                    page.wait_for("Boolean(document.querySelector('video'))", 10)
                    seen = page.evaluate(WATCH)
                assert seen["width"] == media.WIDTH and seen["pictures"] > 0, f"Chromium shows {seen}"
            except (AssertionError, BrowserError) as problem:
                outcome.failure = f"in Chromium: {problem}"


def report(outcomes, took):
    print(f"\nseed {SEED}: {len(outcomes)} rounds in {took:.0f} s")
    by_fault = collections.defaultdict(list)
    for outcome in outcomes:
        by_fault[outcome.told.split()[1]].append(outcome)
    for fault, games in by_fault.items():
        missing = max(max(game.missing) for game in games)
        print(f"  {fault}: {len(games)} rounds, {sum(bool(game.failure) for game in games)} failed, at most {missing:.2f} s missing")


@pytest.mark.timeout(600)
def test_nothing_is_lost_whatever_breaks():
    play(rounds=100, seconds=240)


@pytest.mark.soak
@pytest.mark.timeout(2 * 3600)
def test_nothing_is_lost_in_a_thousand_rounds():
    play(rounds=1000, seconds=5400)
