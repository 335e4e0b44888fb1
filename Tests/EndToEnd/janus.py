"""A real Janus with its VideoRoom, and a page that is there by Janus's own JavaScript API over its WebSocket; both from Debian."""

import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
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
HTTP = 'general: {{ http = true; ip = "{host}"; port = {port}; base_path = "/janus"; https = false }}\nadmin: {{ admin_http = false }}'
WEBSOCKETS = 'general: {{ ws = true; ws_ip = "127.0.0.1"; ws_port = {port}; wss = false }}\nadmin: {{ admin_ws = false }}'


def machine_addresses():
    """All of IPv4, for `webhooks.allow`: they may be of a range that the bridge sends nothing to unless it is told."""
    interfaces = json.loads(subprocess.run(["ip", "-json", "-4", "address"], check=True, capture_output=True).stdout)
    return ",".join(address["local"] for interface in interfaces for address in interface["addr_info"])


class Janus:
    """The server, with one room that wants a pin and an API secret that everybody needs; it can be killed or stopped, and started again."""

    def __init__(self, host="127.0.0.1"):
        self.home = tempfile.mkdtemp(prefix="viaduct-janus-")
        self.port, self.socket_port = free_port(), free_port()
        self.url = f"http://{host}:{self.port}/janus"
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
        self.write("janus.transport.http", HTTP.format(host=host, port=self.port))
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

    def stop(self):
        """In an orderly way."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

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

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def __exit__(self, *_):
        self.close()


# Where Debian has Janus's own client (libjs-janus-gateway) and what it stands on (libjs-webrtc-adapter).
SCRIPTS = pathlib.Path("/usr/share/javascript")

# A participant in a page, by Janus's own client: `videoroom(url, secret, room, pin)` makes a session.
CLIENT = """<!doctype html>
<meta charset="utf-8"><title>A participant</title>
<script src="/webrtc-adapter/adapter.js"></script>
<script src="/janus-gateway/janus.js"></script>
<body><script>
const plugin = "janus.plugin.videoroom";
window.videoroom = async (server, apisecret, room, pin) => {
  await new Promise((callback) => Janus.init({ debug: ["warn", "error"], callback }));
  const janus = await new Promise((done, failed) => {
    const one = new Janus({ server, apisecret, iceServers: [], success: () => done(one), error: (text) => failed(new Error(text)) });
  });
  const attach = (callbacks = {}) => new Promise((success, failed) => {
    janus.attach({ plugin, success, error: (text) => failed(new Error(text)), ...callbacks });
  });
  // With `call`, a method of a handle, and what it needs besides its callbacks.
  const make = (handle, call, given) => new Promise((success, error) => handle[call]({ ...given, success, error }));
  window.viaduct = { janus };
  viaduct.publishers = async () => {
    const list = await make(viaduct.desk ??= await attach(), "send", { message: { request: "listparticipants", room } });
    return list.participants.filter(({ publisher }) => publisher);
  };
  viaduct.watch = (feed) => new Promise(async (done, failed) => {
    const video = document.body.appendChild(document.createElement("video"));
    video.muted = true;
    video.srcObject = new MediaStream();
    const onremotetrack = (track, mid, isThere) => {
      if (!isThere) return video.srcObject.removeTrack(track);
      if (!video.srcObject.getTracks().includes(track)) video.srcObject.addTrack(track);
      video.play().catch(() => {});
    };
    const onmessage = async (message, jsep) => {
      if (message.error) return failed(new Error(message.error));
      if (!jsep) return;
      const answer = await make(viaduct.eyes, "createAnswer", { jsep, tracks: [] });
      await make(viaduct.eyes, "send", { message: { request: "start", room }, jsep: answer });
      done();
    };
    viaduct.eyes = await attach({ onmessage, onremotetrack });
    viaduct.eyes.send({ message: { request: "join", ptype: "subscriber", room, pin, streams: [{ feed }] } });
  });
  // With the microphone, into the room.
  viaduct.speak = (display) => new Promise(async (done, failed) => {
    const onmessage = (message, jsep) => {
      if (message.error) return failed(new Error(message.error));
      if (jsep) viaduct.mouth.handleRemoteJsep({ jsep });
    };
    viaduct.mouth = await attach({ onmessage, webrtcState: (isUp) => isUp && done() });
    const tracks = [{ type: "audio", capture: { echoCancellation: false }, recv: false }];
    const jsep = await make(viaduct.mouth, "createOffer", { tracks }).catch(failed);
    viaduct.mouth.send({ message: { request: "joinandconfigure", ptype: "publisher", room, pin, display }, jsep });
  });
  viaduct.hush = () => make(viaduct.mouth, "send", { message: { request: "unpublish" } });
  viaduct.seen = async () => {
    const received = [...(await viaduct.eyes.webrtcStuff.pc.getStats()).values()].filter(({ type }) => type === "inbound-rtp");
    const of = (kind) => received.find((one) => one.kind === kind) ?? {};
    return { pictures: of("video").framesDecoded ?? 0, sound: (of("audio").totalSamplesReceived ?? 0) - (of("audio").concealedSamples ?? 0) };
  };
};
</script>
"""


class ClientPage:
    """A web server of one page, `CLIENT`, and of the scripts that it needs, from where Debian has them."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(SCRIPTS))

        def do_GET(self):
            if self.path != "/":
                return super().do_GET()
            page = CLIENT.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
