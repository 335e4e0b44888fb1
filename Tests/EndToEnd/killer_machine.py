"""A machine whose disk and clock can be spoilt: a small tmpfs that can be filled, and a preload (killer_shim.c) that makes the bridge's disk slow
and its wall clock jump. Mounting takes root; the mounts are in a namespace of the calling process alone and end with it."""

import contextlib
import ctypes
import functools
import mmap
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import tempfile

from bridge import BINARY, ENVIRONMENT, Bridge

HERE = pathlib.Path(__file__).resolve().parent
DISK_BYTES = 48 << 20
LARGEST_JUMP = 4000  # seconds by which a test may set the clock forward or back
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE, _MS_BIND = 0x00020000, 0x4000, 1 << 18, 0x1000  # sched.h, sys/mount.h
_libc = ctypes.CDLL(None, use_errno=True)


def _check(status, what):
    if status != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}: the killer mounts small disks, which takes root")


def leave_mounts_of_others():
    """From now on this process and its children see mounts that nobody else does."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "mount --make-rprivate /")


def build_shim(folder):
    """Compiles the preload; its path."""
    library = os.path.join(folder, "killer_shim.so")
    command = ["clang", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o", library, str(HERE / "killer_shim.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"the preload does not compile: {done.stderr}"
    return library


class Disk:
    """A tmpfs of `DISK_BYTES` at `path`."""

    def __init__(self, path):
        self.path, self.ballast = path, os.path.join(path, "ballast")
        os.makedirs(path)
        _check(_libc.mount(b"tmpfs", path.encode(), b"tmpfs", 0, f"size={DISK_BYTES}".encode()), f"mount {path}")

    def show_at(self, folder, as_folder):
        """A folder of this disk stands at another place, too."""
        os.makedirs(as_folder)
        _check(_libc.mount(folder.encode(), as_folder.encode(), None, _MS_BIND, None), f"mount {as_folder}")

    def fill(self):
        """Not a byte is left."""
        with open(self.ballast, "wb", buffering=0) as file:
            piece = bytes(64 << 10)
            try:
                while True:
                    file.write(piece)
            except OSError:
                pass

    def free(self):
        """There is space again."""
        os.unlink(self.ballast)


class Spoiler:
    """What the preload does to the bridge and its children, at once and from any process."""

    def __init__(self, folder, library):
        self.folder, self.library = folder, library
        self.control = os.path.join(folder, "control")
        self.values = {"clock": 0, "write": 0, "sync": 0}
        with open(self.control, "wb") as file:
            file.write(self._packed())
        with open(self.control, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 0)

    def _packed(self):
        return struct.pack("<qqq", self.values["clock"], self.values["write"], self.values["sync"])

    def set(self, **values):
        """`clock`: seconds by which the wall clock is ahead; `write`, `sync`: seconds that each write(2) and fsync(2) of a file takes longer."""
        units = {"clock": 10**9, "write": 10**6, "sync": 10**6}
        self.values |= {name: round(value * units[name]) for name, value in values.items()}
        self.shared[:] = self._packed()

    @property
    def environment(self):
        return {"KILLER_CONTROL": self.control, "LD_PRELOAD": self.library}

    def wrapped(self, program):
        """A program that starts the given one under the preload: children are not given their parent's whole environment."""
        path = os.path.join(self.folder, "preloaded-" + os.path.basename(program))
        with open(path, "w") as file:
            assignments = "".join(f"export {name}={value}\n" for name, value in self.environment.items())
            file.write(f'#!/bin/sh\n{assignments}exec "{program}" "$@"\n')
        os.chmod(path, 0o755)
        return path


class SpoiltBridge(Bridge):
    """A bridge on such a machine. Its small disk holds the spool alone, or with `whole_data` the database, too."""

    def __init__(self, library, whole_data, **settings):
        self.folder = tempfile.mkdtemp(prefix="viaduct-killer-")
        self.disk = Disk(os.path.join(self.folder, "disk"))
        self.spoiler = Spoiler(self.folder, library)
        on_disk = os.path.join(self.disk.path, "data" if whole_data else "spool")
        os.makedirs(on_disk)
        data = on_disk if whole_data else os.path.join(self.folder, "data")
        if not whole_data:
            self.disk.show_at(on_disk, os.path.join(data, "spool"))
        pipeline = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "viaduct-pipeline")
        super().__init__(data=data, pipelines__executable=self.spoiler.wrapped(pipeline), **settings)
        self.log_path = os.path.join(self.folder, "bridge.log")
        self.environment = {**ENVIRONMENT, **self.spoiler.environment}

    @functools.cached_property
    def operator_token(self):
        """Made by a clock that is behind: it is valid whichever way the bridge's clock jumps."""
        self.spoiler.set(clock=-LARGEST_JUMP)
        arguments = ["token", "--allow", "admin", "--ttl", f"{3 * LARGEST_JUMP}s", "--set", f"data.folder={self.data}"]
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=30, env=self.environment)
        self.spoiler.set(clock=0)
        assert done.returncode == 0, f"{arguments}: {done.stdout} {done.stderr}"
        return done.stdout.strip()

    @property
    def spool(self):
        return os.path.join(self.data, "spool")

    @contextlib.contextmanager
    def records(self):
        """The database, to be read only."""
        connection = sqlite3.connect(f"file:{self.data}/viaduct.db?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()

    def close(self):
        super().close()  # whose removal stops at the mounts
        _libc.umount2(self.spool.encode(), 2)
        _libc.umount2(self.disk.path.encode(), 2)
        shutil.rmtree(self.folder, ignore_errors=True)
