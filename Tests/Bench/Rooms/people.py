"""The people of a conference (Go and Pion, `peers`), and the two servers at which they meet: a room of the bridge, and a Janus VideoRoom."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

import janus
from Bench.processes import cores, cpu_times, memory_megabytes
from bridge import Bridge
from raw import settle

PEOPLE, PUBLISHERS, SECONDS = 50, 10, 15
SOURCE = pathlib.Path(__file__).with_name("peers")
ADDRESS = "10.77.9.1"
SERVER_CORE, PEOPLE_CORE = 0, 1
GENERAL = """
general: {{ configs_folder = "{home}"; plugins_folder = "{home}/plugins"; transports_folder = "{home}/transports"; events_folder = "{home}/none";
  loggers_folder = "{home}/none"; debug_level = 3; session_timeout = 60{loops} }}
nat: {{ ice_enforce_list = "{address}" }}
media: {{ ipv6 = false; rtp_port_range = "40000-49000"; slowlink_threshold = 0; no_media_timer = 0 }}
"""
ROOM = "room-{room}: {{ description = \"bench\"; publishers = {publishers}; bitrate = 0; fir_freq = 0; videocodec = \"vp8\"; record = false }}"


def build():
    """The program's path. Debian's Go packages are for builds without modules, below a folder of GOPATH."""
    folder = pathlib.Path(".build/rooms").absolute()
    source = folder / "src" / "viaduct" / "rooms"
    source.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_symlink():
        source.symlink_to(os.path.relpath(SOURCE.absolute(), source.parent))
    environment = {
        **os.environ, "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0", "GOPATH": f"{folder}:/usr/share/gocode", "PWD": str(source)}
    subprocess.run(["go", "build", "-o", str(folder / "rooms"), "."], cwd=source, env=environment, check=True)
    return str(folder / "rooms")


@contextlib.contextmanager
def on_core(core):
    """What is started meanwhile runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def receive_on(core):
    """From now on the kernel hands packets that arrive in this network to their sockets on this core, as if they came to another machine: on loopback it would
    do so on the sender's, at the sender's cost. Before sockets are opened."""
    # The file system shows the network of whoever mounts it.
    order = f"mount -t sysfs none /sys && echo {1 << core:x} > /sys/class/net/lo/queues/rx-0/rps_cpus"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", order], capture_output=True, text=True)
    assert done.returncode == 0, f"packets cannot be received on a core of their own: {done.stderr}"


@contextlib.contextmanager
def program(path, core, *options):
    """The program of `peers` on this core; it ends with the block."""
    with on_core(core):
        process = subprocess.Popen([path, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.stdin.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@contextlib.contextmanager
def viaduct_room(viewers):
    """A bridge on the server's core with a room: its process, what the people have to be told, publishers first, and a page of it."""
    with on_core(SERVER_CORE):
        bridge = Bridge(webrtc__addresses=ADDRESS, log__level="warning", webrtc__workers=1).start()
    with contextlib.closing(bridge), tempfile.NamedTemporaryFile("w") as tokens:
        status, answer = bridge.post("/bridge/v1/rooms", {"id": "bench"}, bridge.operator_token)
        assert status == 201, answer
        for number in range(PUBLISHERS + viewers):
            status, link = bridge.post(
                "/bridge/v1/rooms/bench/links", {"role": "worker" if number < PUBLISHERS else "viewer"}, bridge.operator_token)
            assert status == 201, link
            tokens.write(link["token"] + "\n")
        tokens.flush()
        yield bridge.process.pid, ["-server", "viaduct", "-url", link["socket_url"], "-tokens", tokens.name], bridge.base + "/healthz"


@contextlib.contextmanager
def janus_room(_, loops=""):
    """The same with a Janus as Debian has it: a thread for each peer."""
    server = janus.Janus()
    server.write("janus", GENERAL.format(home=server.home, address=ADDRESS, loops=loops))
    server.write("janus.plugin.videoroom", ROOM.format(room=janus.ROOM, publishers=PUBLISHERS))
    with on_core(SERVER_CORE):
        server.start()
    try:
        assert settle(server.is_up, bool, 20)
        yield server.process.pid, ["-server", "janus", "-url", server.socket_url, "-room", str(janus.ROOM)], server.url + "/info"
    finally:
        server.kill()


def tuned_janus_room(viewers):
    """The same with a Janus as it is fastest on one core: an event loop for all peers."""
    return janus_room(viewers, loops="; event_loops = 1")


SERVERS = {"viaduct": viaduct_room, "janus": janus_room, "tuned janus": tuned_janus_room}


def measure(path, server, seconds=SECONDS):
    """One round at a server, from the first join to the end of the window: what the people say, and what the server used in the window."""
    with (
        SERVERS[server](PEOPLE - PUBLISHERS) as (pid, options, _),
        program(path, PEOPLE_CORE, "-people", str(PEOPLE), "-publishers", str(PUBLISHERS), "-seconds", str(seconds), *options) as people,
    ):
        line = people.stdout.readline()
        assert line and json.loads(line)["window"] == "begins", line
        before, load_before = cpu_times(pid), sum(cpu_times(people.pid))
        report = json.loads(people.stdout.readline())
        after, load_after = cpu_times(pid), sum(cpu_times(people.pid))
        # Each has a core, all of it and no other.
        assert cores(pid) == {SERVER_CORE} and cores(people.pid) == {PEOPLE_CORE}, (cores(pid), cores(people.pid))
        return {
            **report, "user": after[0] - before[0], "system": after[1] - before[1], "load": load_after - load_before,
            "memory": memory_megabytes(pid)[0],
        }


def measure_bare(path, seconds=SECONDS):
    """The floor: as many packets of the same sizes by `sendto`, to sockets that another process reads on its own core."""
    with program(path, PEOPLE_CORE, "-server", "drain", "-people", str(PEOPLE)) as drain:
        ports = drain.stdout.readline().strip()
        options = ["-server", "bare", "-url", ports, "-people", str(PEOPLE), "-publishers", str(PUBLISHERS), "-seconds", str(seconds)]
        with program(path, SERVER_CORE, *options) as sender:
            return json.loads(sender.stdout.readline())
