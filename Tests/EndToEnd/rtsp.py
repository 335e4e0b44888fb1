"""A camera on the network: an RTSP server (RFC 2326) for one client, whose packets ffmpeg makes. It sends within the RTSP connection only."""

import os
import pathlib
import select
import socket
import subprocess
import tempfile
import threading

from bridge import free_port


class RTSPCamera:
    """Serves H.264 of one colour, and a tone as G.711, at `url`."""

    def __init__(self, colour):
        self.folder = tempfile.TemporaryDirectory()
        self.receivers = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]
        for receiver in self.receivers:
            receiver.bind(("127.0.0.1", free_port()))
        video, audio = (f"rtp://127.0.0.1:{receiver.getsockname()[1]}" for receiver in self.receivers)
        self.ffmpeg = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", f"color={colour}:s=160x120:r=10", "-re", "-f", "lavfi", "-i",
             "sine=440:sample_rate=8000", "-map", "0:v", "-c:v", "libx264", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p",
             "-f", "rtp", video, "-map", "1:a", "-c:a", "pcm_mulaw", "-f", "rtp", audio],
            stdin=subprocess.DEVNULL, stdout=open(os.path.join(self.folder.name, "sdp"), "wb"))
        self.server = socket.create_server(("127.0.0.1", free_port()))
        self.url = f"rtsp://user:secret@127.0.0.1:{self.server.getsockname()[1]}/cam"
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def description(self):
        """ffmpeg's, with a control URL in each section."""
        text = pathlib.Path(self.folder.name, "sdp").read_text()
        lines = [line for line in text.splitlines() if line and not line.startswith("SDP:")]
        described, track = [], 0
        for line in lines:
            described.append(line.split(" ")[0] + " 0 " + " ".join(line.split(" ")[2:]) if line.startswith("m=") else line)
            if line.startswith("m="):
                described.append(f"a=control:track{track}")
                track += 1
        return "\r\n".join(described) + "\r\n"

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                try:
                    self.converse(connection)
                except OSError:
                    pass

    def converse(self, connection):
        buffer, is_playing = b"", False
        while True:
            ready, _, _ = select.select([connection, *self.receivers], [], [])
            for number, receiver in enumerate(self.receivers):
                if receiver in ready:
                    packet = receiver.recv(2048)
                    if is_playing:
                        connection.sendall(b"$" + bytes([2 * number]) + len(packet).to_bytes(2, "big") + packet)
            if connection not in ready:
                continue
            data = connection.recv(4096)
            if not data:
                return
            buffer += data
            while buffer:
                if buffer[:1] == b"$":  # its reports
                    size = 4 + int.from_bytes(buffer[2:4], "big")
                    if len(buffer) < size:
                        break
                    buffer = buffer[size:]
                    continue
                head, end, rest = buffer.partition(b"\r\n\r\n")
                if not end:
                    break
                buffer = rest
                is_playing = self.answer(connection, head.decode()) or is_playing

    def answer(self, connection, head):
        """Replies to one request; whether packets are to flow now."""
        first, *lines = head.split("\r\n")
        method = first.split(" ")[0]
        self.asked.append(method)
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, more, body = "200 OK", {"Session": "1"}, ""
        if method == "OPTIONS":
            more = {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"}
        elif method == "DESCRIBE":
            body = self.description
            more = {"Content-Type": "application/sdp", "Content-Base": first.split(" ")[1] + "/"}
        elif method == "SETUP" and "interleaved" in fields.get("transport", ""):
            track = int(first.split(" ")[1][-1])
            more["Transport"] = f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"
        elif method == "SETUP":
            status = "461 Unsupported Transport"
        reply = {"CSeq": fields.get("cseq", "0"), **more, "Content-Length": len(body)}
        connection.sendall((f"RTSP/1.0 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in reply.items()) + "\r\n" + body).encode())
        return method == "PLAY"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ffmpeg.kill()
        self.ffmpeg.wait()
        self.server.close()
        for receiver in self.receivers:
            receiver.close()
        self.folder.cleanup()
