"""What an operator relies on: health, figures, logs, settings, certificates, and a clean end."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from bridge import BINARY, ENVIRONMENT, Bridge, free_port
from raw import CLOSE, PING, PONG, RawSocket, RTMSocket, client_token, exchange, frame, offer, request, settle, trusting

pytestmark = pytest.mark.sturdy

PIPELINE = os.path.join(os.path.dirname(BINARY), "viaduct-pipeline")
SHUTDOWN_SECONDS = 10  # that container engines give by default


def checks(bridge):
    """Status and the checks of /readyz by name."""
    status, _, body = bridge.get("/readyz", timeout=20)
    document = json.loads(body)
    assert document["status"] == ("ready" if status == 200 else "unavailable"), document
    return status, {check["name"]: check for check in document["checks"]}


def failing(bridge):
    """What /readyz complains about, with its reason; None when the bridge is ready."""
    status, found = checks(bridge)
    bad = [check for check in found.values() if not check["ready"]]
    assert (status == 200) == (not bad) and all(check["detail"] for check in bad), found
    return {check["name"]: check["detail"] for check in bad} or None


# Health

def test_a_ready_bridge_names_what_it_has_tried():
    with Bridge() as bridge:
        status, found = checks(bridge)
        assert status == 200 and set(found) == {"storage", "spool", "pipelines"}, found
        assert all(check["ready"] and check["detail"] == "" for check in found.values()), found
        alive = exchange(bridge, request("GET", "/healthz"))
        assert (alive.status, alive.json, alive.headers["cache-control"]) == (200, {"status": "alive"}, "no-store"), alive


@pytest.mark.parametrize("replacement", ["nothing", "a file", "a dangling link"])
def test_a_bridge_without_its_spool_is_not_ready(replacement):
    with Bridge() as bridge:
        spool = os.path.join(bridge.data, "spool")
        os.rename(spool, spool + ".away")
        if replacement == "a file":
            open(spool, "w").close()
        elif replacement == "a dangling link":
            os.symlink("/nonexistent/spool", spool)
        assert set(failing(bridge) or {}) == {"spool"}, checks(bridge)
        assert bridge.get("/healthz")[0] == 200
        if replacement != "nothing":
            os.remove(spool)
        os.rename(spool + ".away", spool)
        assert failing(bridge) is None, checks(bridge)


def test_a_bridge_whose_database_is_destroyed_is_not_ready_and_opens_nothing():
    with Bridge() as bridge:
        token = client_token(bridge, "client")
        for suffix in ("", "-wal"):
            os.truncate(os.path.join(bridge.data, "viaduct.db" + suffix), 0)
        assert set(failing(bridge) or {}) == {"storage"}, checks(bridge)
        for path, body, bearer in [
            ("/auth_v2/client", {"master_key": bridge.master_key, "client_id": "client"}, None),
            ("/api/v2/session", {"client_id": "client"}, token),
        ]:
            status, reply = bridge.post(path, body, bearer)
            assert (status, reply["error"]) == (503, "unavailable"), reply
        assert bridge.get("/healthz")[0] == 200
        assert bridge.stop() == 0


BROKEN_PROGRAMS = {"gone": None, "empty": b"", "failing": b"#!/bin/false\n", "silent": b"#!/bin/sh\nexec sleep 60\n"}


@pytest.mark.patient
@pytest.mark.parametrize("name", BROKEN_PROGRAMS)
def test_a_bridge_that_cannot_start_another_child_is_not_ready(tmp_path, name):
    program = tmp_path / "viaduct-pipeline"
    shutil.copy(PIPELINE, program)
    with Bridge(webrtc__inbound="webrtcbin", pipelines__executable=program, pipelines__warm=1, pipelines__watchdog="2s") as bridge:
        program.unlink()
        if BROKEN_PROGRAMS[name] is not None:
            program.write_bytes(BROKEN_PROGRAMS[name])
            program.chmod(0o755)
        with RTMSocket(bridge, "last", client_token(bridge, "last")) as socket:  # takes the child that waits
            assert socket.start(offer("obs-31-whip"))["type"] == "sdp_update"
        bad = settle(lambda: failing(bridge), lambda bad: bad is not None, timeout=20)
        assert set(bad or {}) == {"pipelines"}, checks(bridge)
        if name == "gone":
            shutil.copy(PIPELINE, program)
            assert settle(lambda: failing(bridge), lambda bad: bad is None, timeout=20) is None, checks(bridge)


def test_a_bridge_whose_disk_is_full_up_to_the_reserve_is_not_ready():
    with Bridge() as bridge:
        bridge.stop()
        bridge.settings["recording.free-space-reserve"] = "1TiB"
        with pytest.raises(AssertionError, match="not ready"):
            bridge.start(timeout=4)
        assert set(failing(bridge)) == {"spool"}, checks(bridge)


# Figures

SAMPLE = re.compile(r'^(viaduct_[a-z_]+)(?:\{([a-z_]+="[^"\\]*")(?:,[a-z_]+="[^"\\]*")*\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$')


def metrics(bridge):
    """Samples by name and labels, checked against the text format of Prometheus."""
    page = exchange(bridge, request("GET", "/metrics"))
    assert page.status == 200 and page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", page
    samples, kinds, helped = {}, {}, set()
    assert page.body.endswith(b"\n")
    for line in page.body.decode().splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split(" ", 3)[2])
            assert line.split(" ", 3)[3], line
        elif line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert name not in kinds and kind in ("counter", "gauge"), line
            kinds[name] = kind
        else:
            sample = SAMPLE.match(line)
            assert sample, line
            name = sample.group(1)
            assert kinds.get(name) and name in helped, f"{line}: no TYPE or HELP before it"
            assert (kinds[name] == "counter") == name.endswith("_total"), line
            key = line.rpartition(" ")[0]
            assert key not in samples, line
            samples[key] = float(sample.group(3))
    return samples


@pytest.mark.parametrize(("engine", "gauge"), [("edge", "viaduct_peers"), ("webrtcbin", "viaduct_pipelines")])
def test_metrics_are_prometheus_text_and_move(engine, gauge):
    with Bridge(webrtc__inbound=engine) as bridge:
        before = metrics(bridge)
        token = client_token(bridge, "counted")
        with RTMSocket(bridge, "counted", token) as socket:
            assert socket.start(offer("obs-31-whip"))["type"] == "sdp_update"
            during = metrics(bridge)
            assert during['viaduct_sessions{direction="publish"}'] == before['viaduct_sessions{direction="publish"}'] + 1 == 1
            assert (during[gauge], during["viaduct_http_websockets"]) == (1, 1), during
            assert during["viaduct_http_requests_total"] >= before["viaduct_http_requests_total"] + 3
            assert socket.stop() == "CLIENT_STOP"
        after = settle(lambda: metrics(bridge), lambda now: now[gauge] == now["viaduct_http_websockets"] == 0)
        assert after[gauge] == after['viaduct_sessions{direction="publish"}'] == after["viaduct_http_websockets"] == 0, after


# Logs

def test_logs_are_json_lines_without_secrets_tokens_or_sdp():
    turn = {"turn__urls": "turn:127.0.0.1:3478", "turn__secret": "turn-secret-of-the-test"}
    with Bridge(log__format="json", log__level="trace", **turn) as bridge:
        watcher = bridge.token("logged", "watch")
        token = client_token(bridge, "logged")
        status, session = bridge.post("/api/v2/session", {"client_id": "logged"}, token)
        assert status == 201
        nobody = f"http://127.0.0.1:{free_port()}"
        upload, hook = f"{nobody}/upload?signature=upload-secret", f"{nobody}/hook?secret=hook-secret"
        with RTMSocket(bridge, "logged", token, session["session_id"]) as socket:
            message = socket.start(offer("obs-31-whip"), webhook_url=hook)
            assert message["type"] == "sdp_update", message
            answer = message["data"]["sdp"]["sdp"]
            socket.tell("recording_start", {"upload_url": upload, "webhook_url": hook})
            socket.tell("candidate", {"candidate": {"candidate": "garbage-in-a-candidate"}})
            assert socket.next_message("candidate", "recording_state")["data"]["code"] == "invalid_field"
            socket.tell("session_start", {"sdp": {"type": "offer", "sdp": "a=garbage-in-an-offer"}})
            assert socket.next_message("candidate", "recording_state")["data"]["code"] == "already_started"
            assert socket.stop() == "CLIENT_STOP"
        for header in ({"authorization": f"Bearer {watcher}x"}, {"authorization": f"Bearer {watcher}"}):
            bridge.get(f"/bridge/v1/streams?auth_token={watcher}", headers=header)
        bridge.post("/auth_v2/client", {"master_key": "vk_wrong-master-key", "client_id": "logged"})
        assert bridge.stop() == 0
        lines = bridge.log().splitlines()
        assert len(lines) > 10
        for line in lines:
            record = json.loads(line)
            assert {"time", "level", "label", "message"} <= set(record), line
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"]), line
        credential = session["ice_credentials"]["iceServers"][-1]["credential"]
        secrets = [
            bridge.master_key, token, watcher, "wrong-master-key", "turn-secret-of-the-test", credential, "upload-secret", "hook-secret",
            "garbage-in", "a=fingerprint", "tT4q0j1XlKQ8Zb2cPpWnVd", "4A:D8:1C:2F", *re.findall(r"a=ice-pwd:(\S+)", answer),
            *re.findall(r"a=fingerprint:\S+ (\S+)", answer)]
        assert not [secret for secret in secrets if secret in bridge.log()]


# The operator's commands

def run(*arguments, seconds=20):
    """Status, what was printed and what was complained about."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, env=ENVIRONMENT)
    return done.returncode, done.stdout, done.stderr


MISTAKES = {
    "serve --set nonsense=1": ["nonsense"], "serve --set http.prot=1": ["http.prot", "http.port"],
    "serve --set http.port=99999": ["http.port", "0 to 65535"], "serve --set http.port=abc": ["http.port"],
    "serve --set http.port": ["http.port"], "serve --config /nonexistent/viaduct.yaml": ["/nonexistent/viaduct.yaml"],
    "serve --set log.format=xml": ["log.format", "text", "json"], "serve --set recording.fragment=2s": ["recording.fragment", "1s"],
    "serve --set http.tls.certificate=/nonexistent.crt": ["http.tls"], "serve --set http.bind=nowhere": ["nowhere", "IP address"],
    "serve --set pipelines.executable=/nonexistent/program": ["/nonexistent/program", "pipelines.executable"],
    "token --stream s --allow everything": ["everything", "watch"], "token --allow watch": ["--stream"],
    "token --stream s --allow watch --ttl 0s": ["--ttl"], "keys create --dialect x --name n": ["eyeson"],
    "keys revoke key_unknown": ["key_unknown"], "frobnicate": ["frobnicate"],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_in_one_sentence(tmp_path, mistake):
    folder = ["--set", f"data.folder={tmp_path}/data"] if mistake != "frobnicate" else []
    status, printed, complaint = run(*mistake.split(" "), *folder)
    assert status != 0, f"it went well: {printed}"
    assert all(word in complaint for word in MISTAKES[mistake]), complaint
    first = complaint.splitlines()[0]
    assert first.startswith("Error: ") and len(first) < 300 and "Fatal" not in complaint, complaint


def test_an_unknown_variable_and_an_unknown_line_stop_the_start(tmp_path):
    file = tmp_path / "viaduct.yaml"
    file.write_text("http:\n  port: 0\n  colour: blue\n")
    status, _, complaint = run("serve", "--config", file, "--set", f"data.folder={tmp_path}/data")
    assert status != 0 and f"{file}, line 3" in complaint and "http.colour" in complaint, complaint
    done = subprocess.run(
        [BINARY, "serve", "--set", f"data.folder={tmp_path}/data"], capture_output=True, text=True, timeout=20,
        env={**ENVIRONMENT, "VIADUCT_HTTP_COLOUR": "blue"})
    assert done.returncode != 0 and "VIADUCT_HTTP_COLOUR" in done.stderr, done.stderr


def test_a_port_that_is_taken_stops_the_start_with_its_number(tmp_path):
    with Bridge() as bridge:
        status, _, complaint = run("serve", "--set", f"http.port={bridge.port}", "--set", f"data.folder={tmp_path}/data")
        assert status != 0 and str(bridge.port) in complaint and "in use" in complaint, complaint
        assert bridge.get("/healthz")[0] == 200


def test_the_doctor_says_what_is_well_and_what_is_not(tmp_path):
    def doctor(*settings):
        folder = f"data.folder={tmp_path}/data"
        status, printed, complaint = run("doctor", *(part for one in (folder, "webrtc.port=0", *settings) for part in ("--set", one)))
        assert status == ("FAIL" in printed), printed + complaint
        return printed

    assert "The bridge can run here." in doctor(f"http.port={free_port()}")
    with Bridge() as bridge:
        assert re.search(rf"^FAIL +front door: .*{bridge.port}", doctor(f"http.port={bridge.port}"), re.MULTILINE)
    assert re.search(r"^FAIL +pipelines: .*/bin/false", doctor("http.port=0", "pipelines.executable=/bin/false"), re.MULTILINE)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_of_webrtc_is_named_by_the_doctor_and_stops_the_start(tmp_path, kind):
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        settings = ["--set", f"data.folder={tmp_path}/data", "--set", "http.port=0", "--set", f"webrtc.port={port}"]
        status, printed, _ = run("doctor", *settings)
        assert status == 1 and re.search(rf"^FAIL +media port: .*webrtc.port.*{port}.*in use", printed, re.MULTILINE), printed
        status, _, complaint = run("serve", *settings)
        assert status == 1 and re.search(rf"webrtc.port.*{port}.*in use", complaint), complaint


def test_an_openssl_without_the_ciphers_of_media_stops_the_start(tmp_path):
    """No peer would ever connect, and nobody would be told why."""
    configuration = tmp_path / "openssl.cnf"
    configuration.write_text(
        "openssl_conf = all\n[all]\nproviders = some\nalg_section = rules\n[some]\ndefault = on\n[on]\nactivate = 1\n"
        "[rules]\ndefault_properties = fips=yes\n")
    done = subprocess.run(
        [BINARY, "serve", "--set", f"data.folder={tmp_path}/data", "--set", "http.port=0", "--set", "webrtc.port=0"],
        capture_output=True, text=True, timeout=20, env={**ENVIRONMENT, "OPENSSL_CONF": str(configuration)})
    assert done.returncode == 1 and done.stderr.startswith("Error: OpenSSL lacks a cipher"), done


def test_the_start_says_who_gets_to_the_port_of_webrtc():
    with Bridge(log__format="json") as bridge:
        [serving] = [line for line in map(json.loads, bridge.log().splitlines()) if line["message"] == "serving"]
        assert re.match(r"UDP and TCP port \d+ from this machine only, offered as 127.0.0.1(, |$)", serving["media"]), serving


# Certificates

def make_certificate(folder, name):
    """A self-signed certificate for localhost and its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


def served_certificate(bridge):
    return ssl.get_server_certificate(("localhost", bridge.port)).strip()


def test_a_new_certificate_is_served_after_sighup_and_no_socket_is_lost(tmp_path):
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")
    used = [shutil.copy(path, tmp_path / f"used{path.suffix}") for path in first]
    bridge = Bridge(http__tls__certificate=used[0], http__tls__key=used[1])
    bridge.base, bridge.context = f"https://localhost:{bridge.port}", trusting(first[0])
    with bridge:
        token = bridge.post("/auth_v2/client", {"master_key": bridge.master_key, "client_id": "secure"})[1]["auth_token"]
        session = bridge.post("/api/v2/session", {"client_id": "secure"}, token)[1]
        assert session["ws_endpoint"] == f"wss://localhost:{bridge.port}/api/v2/io"
        with RawSocket(bridge, "/api/v2/io", token, tls=bridge.context) as socket:
            for source, target in zip(second, used):
                shutil.copy(source, target)
            assert served_certificate(bridge) == first[0].read_text().strip()
            bridge.process.send_signal(signal.SIGHUP)
            served = settle(lambda: served_certificate(bridge), lambda pem: pem == second[0].read_text().strip())
            assert served == second[0].read_text().strip()
            with open(used[0], "w") as broken:
                broken.write("no certificate")
            bridge.process.send_signal(signal.SIGHUP)
            assert "the certificate was not changed" in settle(bridge.log, lambda log: "was not changed" in log)
            assert served_certificate(bridge) == second[0].read_text().strip()
            socket.send(frame(PING, b"still here"))
            assert socket.next_frame() == (PONG, b"still here")
            socket.say({"type": "session_stop", "session_id": session["session_id"]})
            assert socket.next_message()["type"] == "session_terminated"


# The end

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_bridge_and_its_clients_are_told(number):
    with Bridge() as bridge:
        token = client_token(bridge, "client")
        with RTMSocket(bridge, "client", token) as running, RawSocket(bridge, "/api/v2/io", token) as idle:
            assert running.start(offer("obs-31-whip"))["type"] == "sdp_update"
            children, began = bridge.children, time.monotonic()
            bridge.process.send_signal(number)
            ended = running.next_message("candidate")
            assert (ended["type"], ended["data"].get("termination_cause")) == ("session_terminated", "SERVER_SHUTDOWN"), ended
            assert (running.close_code("candidate"), idle.close_code()) == (1001, 1001)
            for socket in (running, idle):
                socket.answer_close(1001)
            assert bridge.process.wait(SHUTDOWN_SECONDS) == 0, bridge.log()[-2000:]
            assert time.monotonic() - began < SHUTDOWN_SECONDS
        assert children and not settle(lambda: [child for child in children if os.path.exists(f"/proc/{child}")], lambda left: not left)
        with pytest.raises(ConnectionRefusedError):
            RawSocket(bridge, "/api/v2/io", token)


def test_a_client_that_never_answers_does_not_hold_the_end_up():
    with Bridge() as bridge:
        token = client_token(bridge, "client")
        with RawSocket(bridge, "/api/v2/io", token) as silent:
            bridge.process.send_signal(signal.SIGTERM)
            assert bridge.process.wait(SHUTDOWN_SECONDS) == 0, bridge.log()[-2000:]
            assert silent.next_frame()[0] == CLOSE


def test_a_bridge_starts_again_where_it_was_stopped():
    with Bridge() as bridge:
        key = bridge.master_key
        token = client_token(bridge, "client")
        assert bridge.stop() == 0
        bridge.start()
        assert client_token(bridge, "client", key=key)
        assert bridge.post("/api/v2/session", {"client_id": "client"}, token)[0] == 201


def test_a_second_bridge_on_the_same_data_folder_does_not_start(bridge):
    settings = ["--set", f"data.folder={bridge.data}", "--set", "http.port=0"]
    second = subprocess.run([BINARY, "serve", *settings], capture_output=True, text=True, timeout=20, env=ENVIRONMENT)
    assert second.returncode != 0 and "Another bridge runs on the data folder" in second.stderr, second
    assert bridge.get("/readyz")[0] == 200
