"""A real Janus with its VideoRoom, from Debian, and a page there that speaks Janus's own protocol over its WebSocket."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

from bridge import free_port
from raw import settle

LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu/janus")
ROOM, PIN, SECRET = 7, "4711", "open sesame?"

SERVER = """
general: {{ configs_folder = "{home}"; plugins_folder = "{home}/plugins"; transports_folder = "{home}/transports"; events_folder = "{home}/none";
  loggers_folder = "{home}/none"; debug_level = 4; debug_colors = false; session_timeout = 60; api_secret = "{secret}" }}
nat: {{ ice_enforce_list = "{addresses}" }}
media: {{ ipv6 = false; rtp_port_range = "40000-49000" }}
"""
VIDEOROOM = 'room-{room}: {{ description = "gate"; publishers = 4; pin = "{pin}"; audiocodec = "opus"; videocodec = "vp8,h264" }}'
HTTP = 'general: {{ http = true; ip = "127.0.0.1"; port = {port}; base_path = "/janus"; https = false }}\nadmin: {{ admin_http = false }}'
WEBSOCKETS = 'general: {{ ws = true; ws_ip = "127.0.0.1"; ws_port = {port}; wss = false }}\nadmin: {{ admin_ws = false }}'


def machine_addresses():
    """All of IPv4, for `webhooks.allow`: they may be of a range that the bridge sends nothing to unless it is told."""
    interfaces = json.loads(subprocess.run(["ip", "-json", "-4", "address"], check=True, capture_output=True).stdout)
    return ",".join(address["local"] for interface in interfaces for address in interface["addr_info"])


class Janus:
    """The server, with one room that wants a pin and an API secret that everybody needs; it can be killed and started again."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="viaduct-janus-")
        self.port, self.socket_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/janus"
        self.socket_url = f"ws://127.0.0.1:{self.socket_port}"
        self.secret = SECRET.replace(" ", "+").replace("?", "&")
        self.process = None
        for folder, modules in ("plugins", ["videoroom"]), ("transports", ["http", "websockets"]), ("none", []):
            os.mkdir(os.path.join(self.home, folder))
            for module in modules:
                os.symlink(LIBRARIES / folder / f"libjanus_{module}.so", os.path.join(self.home, folder, f"libjanus_{module}.so"))
        # The bridge's children offer loopback where there is nothing else.
        self.addresses = machine_addresses()
        values = {"addresses": self.addresses, "home": self.home, "secret": self.secret, "room": ROOM, "pin": PIN}
        self.write("janus", SERVER.format(**values))
        self.write("janus.plugin.videoroom", VIDEOROOM.format(**values))
        self.write("janus.transport.http", HTTP.format(port=self.port))
        self.write("janus.transport.websockets", WEBSOCKETS.format(port=self.socket_port))

    def write(self, name, text):
        with open(os.path.join(self.home, f"{name}.jcfg"), "w") as file:
            file.write(text)

    def start(self):
        with open(os.path.join(self.home, "log"), "a") as log:
            self.process = subprocess.Popen(
                ["janus", "-F", self.home, "-C", os.path.join(self.home, "janus.jcfg")], stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True)
        assert settle(self.is_up, bool, 30), self.log()[-3000:]
        return self

    def is_up(self):
        try:
            with urllib.request.urlopen(self.url + "/info", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self):
        with open(os.path.join(self.home, "log")) as file:
            return file.read()

    def ask(self, path, **message):
        """One request over HTTP, and what comes back at once."""
        body = json.dumps({**message, "transaction": "test", "apisecret": self.secret}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body), timeout=5) as reply:
            answer = json.load(reply)
        assert answer["janus"] == "success", answer
        return answer

    def participants(self):
        """Those who publish in the room, by name."""
        session = f"/{self.ask('', janus='create')['data']['id']}"
        handle = f"{session}/{self.ask(session, janus='attach', plugin='janus.plugin.videoroom')['data']['id']}"
        answer = self.ask(handle, janus="message", body={"request": "listparticipants", "room": ROOM})
        self.ask(session, janus="destroy")
        return [one["display"] for one in answer["plugindata"]["data"]["participants"] if one["publisher"]]

    def order(self, **members):
        """What the bridge is asked, to publish here."""
        return {"kind": "janus_videoroom", "url": self.url, "room": ROOM, "pin": PIN, "api_secret": self.secret, **members}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


# A participant in a page: `videoroom(url, secret, room, pin)` makes a session; `watch` subscribes to the first publisher that there is.
CLIENT = """
window.videoroom = async (url, secret, room, pin) => {
  const socket = new WebSocket(url, "janus-protocol");
  await new Promise((done, failed) => { socket.onopen = done; socket.onerror = () => failed(new Error("no WebSocket")); });
  const waiting = new Map();
  let session, number = 0;
  // An `ack` is followed by what is waited for.
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.janus === "ack" || !waiting.has(message.transaction)) return;
    waiting.get(message.transaction)(message);
    waiting.delete(message.transaction);
  };
  const ask = (janus, members = {}) => new Promise((done, failed) => {
    const transaction = `t${number += 1}`;
    waiting.set(transaction, (message) => {
      const error = message.error?.reason ?? message.plugindata?.data.error;
      error ? failed(new Error(error)) : done(message);
    });
    socket.send(JSON.stringify({ janus, transaction, apisecret: secret, ...(session && { session_id: session }), ...members }));
  });
  session = (await ask("create")).data.id;
  setInterval(() => ask("keepalive").catch(() => {}), 20000);
  const attach = async () => (await ask("attach", { plugin: "janus.plugin.videoroom" })).data.id;
  const say = (handle, body, jsep) => ask("message", { handle_id: handle, body: { room, pin, ...body }, ...(jsep && { jsep }) });
  const gathered = (peer) => new Promise((done) => {
    if (peer.iceGatheringState === "complete") done();
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
  });
  window.viaduct = { say, attach };
  viaduct.publishers = async () => {
    const list = await say(viaduct.desk ??= await attach(), { request: "listparticipants" });
    return list.plugindata.data.participants.filter(({ publisher }) => publisher);
  };
  viaduct.watch = async (feed) => {
    const handle = await attach();
    const { jsep } = await say(handle, { request: "join", ptype: "subscriber", streams: [{ feed }] });
    const peer = viaduct.peer = new RTCPeerConnection();
    const video = document.body.appendChild(document.createElement("video"));
    video.muted = true;
    video.srcObject = new MediaStream();
    peer.ontrack = ({ track }) => video.srcObject.addTrack(track);
    await peer.setRemoteDescription(jsep);
    await peer.setLocalDescription(await peer.createAnswer());
    await gathered(peer);
    await say(handle, { request: "start" }, peer.localDescription);
    video.play();
  };
  // With the microphone, into the room.
  viaduct.speak = async (display) => {
    const peer = viaduct.mouth = new RTCPeerConnection();
    const [track] = (await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false } })).getAudioTracks();
    peer.addTrack(track);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const { jsep } = await say(viaduct.voice = await attach(), { request: "joinandconfigure", ptype: "publisher", display }, peer.localDescription);
    await peer.setRemoteDescription(jsep);
  };
  viaduct.hush = async () => { await say(viaduct.voice, { request: "unpublish" }); };
  viaduct.seen = async () => {
    const received = [...(await viaduct.peer.getStats()).values()].filter(({ type }) => type === "inbound-rtp");
    const of = (kind) => received.find((one) => one.kind === kind) ?? {};
    return { pictures: of("video").framesDecoded ?? 0, sound: (of("audio").totalSamplesReceived ?? 0) - (of("audio").concealedSamples ?? 0) };
  };
  return session;
};
"""
