"""What the killer does to a round at its random moment. Each fault says of what was sent meanwhile whether the bridge can have received it."""

import os
import signal
import time

import killer_target
from bridge import kill_if_there


def kill_bridge(game):
    """kill -9, in half of the cases together with all its children; another process goes on with the same data folder."""
    victims = game.bridge.children if game.chance.random() < 0.5 else []
    game.bridge.kill()
    game.ended_at(time.monotonic())
    for pid in victims:
        kill_if_there(pid)
    time.sleep(game.chance.choice([0, 0, 0.5]))
    game.bridge.start()


def kill_recorder(game):
    kill_if_there(game.recorder())


def kill_publisher(game):
    game.publisher.kill()
    game.sent_until(time.monotonic())


def stop_bridge(game):
    """SIGSTOP: what does not fit into the socket meanwhile is not received."""
    began, pid = time.monotonic(), game.bridge.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(pause(game))
    finally:
        os.kill(pid, signal.SIGCONT)
    game.not_received(began, time.monotonic())


def stop_recorder(game):
    """SIGSTOP: the bridge receives everything meanwhile."""
    pid = game.recorder()
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(pause(game))
    finally:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass  # the bridge has ended it for its silence


def pause(game):
    """Up to 20 s, but seldom: a round in which nothing happens but waiting is a dear one."""
    return 20 if game.chance.random() < 0.2 else game.chance.uniform(0.5, 4)


def fill_disk(game):
    """Nothing can be kept of what comes while the disk is full, and the recording may end; what was there before is delivered when there is space.
    It goes on where older recordings could make room before it had to write."""
    game.bridge.disk.fill()
    game.full_since = time.monotonic()
    try:
        time.sleep(game.chance.uniform(0.5, 4))
    finally:
        game.bridge.disk.free()


def slow_disk(game):
    game.bridge.spoiler.set(write=game.chance.uniform(0, 0.05), sync=game.chance.uniform(0.2, 1.5))
    time.sleep(game.chance.uniform(2, 4))
    if game.chance.random() < 0.5:  # else it stays so until the delivery
        game.bridge.spoiler.set(write=0, sync=0)


def bad_target(game):
    kinds = game.chance.sample(killer_target.MISCHIEF, game.chance.choice([1, 2]))
    game.target.misbehave(game.upload, *kinds)
    # A short file fits into what the kernel holds: a target that takes longer to lie than its last bytes are held back is believed.
    time.sleep(2 if killer_target.LIES in kinds else 0)


def jump_clock(game):
    """The wall clock is set, as a clock that was wrong; in half of the cases a further recorder sees the new time only."""
    game.bridge.spoiler.set(clock=game.chance.choice([-3600, -30, -2, 2, 30, 3600]))
    if game.chance.random() < 0.5:
        time.sleep(game.chance.uniform(0, 1))
        kill_recorder(game)


FAULTS = [kill_bridge, kill_recorder, kill_publisher, stop_bridge, stop_recorder, fill_disk, slow_disk, bad_target, jump_clock]
