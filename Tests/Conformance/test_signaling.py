"""Holds the files of signaling/ together: schemas, transcripts, asyncapi.yaml and errors.json.

Run with pytest in an environment made from requirements.txt.
"""

import json
import pathlib
import re

import jsonschema
import pytest
import referencing
import yaml

CONTRACT = pathlib.Path(__file__).resolve().parents[2] / "signaling"
SESSION = "98f06660-5434-4a9c-ae65-0291d5622624"
SAMPLES = {
    "client": "client-0",
    "session": SESSION,
    "monitored": SESSION,
    "webhook_url": "https://yourserver.example/streamrec",
    "upload_url": "https://bucket.example/k?sig",
    "candidate:1": "candidate:1 1 udp 2122260223 192.0.2.1 50001 typ host",
    "candidate:2": "candidate:2 1 udp 2122260222 192.0.2.1 50002 typ host",
    "=token": "token",
}


def schemas():
    folders = ("schemas", "schemas/rooms", "schemas/cameras", "webhooks", "events", "manifests")
    files = [file for folder in folders for file in CONTRACT.glob(f"{folder}/*.json")]
    return {file.relative_to(CONTRACT).as_posix(): json.loads(file.read_text()) for file in files}


SCHEMAS = schemas()
REGISTRY = referencing.Registry().with_resources(
    [(schema["$id"], referencing.Resource.from_contents(schema)) for schema in SCHEMAS.values()]
)


def validator(name):
    return jsonschema.Draft202012Validator(
        SCHEMAS[name], registry=REGISTRY, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def transcripts():
    return sorted(CONTRACT.glob("transcripts/*.jsonl"))


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def folder(file):
    """Where the schemas of a transcript's messages are."""
    return {"room": "schemas/rooms", "camera": "schemas/cameras"}.get(lines(file)[0].get("path"), "schemas")


def filled(value, key=None):
    """The value with sample texts for its variables; what may be anything is filled by its member's name."""
    if isinstance(value, dict):
        return {name: filled(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, str):
        return value
    if value == "${*}" and key == "at":
        return "2024-03-01T09:00:01.120Z"
    return re.sub(r"\$\{([^}]*)\}", lambda match: SAMPLES.get(match.group(1), "sample"), value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


EVENTS = sorted(name for name in SCHEMAS if name.startswith("events/") and name != "events/event.json")


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_an_example_that_its_schema_takes_and_no_other_does(name):
    (example,) = SCHEMAS[name]["examples"]
    assert f"events/{example['type']}.json" == name
    assert [other for other in EVENTS if validator(other).is_valid(example)] == [name]
    validator(name).validate(example)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_lacks_none_of_its_members(name):
    (example,) = SCHEMAS[name]["examples"]
    for member in SCHEMAS["events/event.json"]["required"]:
        assert not validator(name).is_valid({key: value for key, value in example.items() if key != member}), member
    for member in SCHEMAS[name]["properties"]["data"]["required"]:
        data = {key: value for key, value in example["data"].items() if key != member}
        assert not validator(name).is_valid({**example, "data": data}), member


@pytest.mark.parametrize("file", transcripts(), ids=lambda file: file.stem)
def test_expected_frames_match_their_schemas(file):
    for step in lines(file):
        if frame := step.get("expect"):
            validator(f"{folder(file)}/server.{frame['type']}.json").validate(filled(frame))


@pytest.mark.parametrize("file", transcripts(), ids=lambda file: file.stem)
def test_sent_frames_match_their_schemas_unless_they_are_refused_for_their_form(file):
    steps = lines(file)
    for index, step in enumerate(steps):
        frame = step.get("send")
        if not frame or f"{folder(file)}/client.{frame['type']}.json" not in SCHEMAS:
            continue
        reply = next((later["expect"] for later in steps[index + 1 :] if "expect" in later), {})
        code = reply.get("data", {}).get("code")
        found = validator(f"{folder(file)}/client.{frame['type']}.json").is_valid(filled(frame))
        refused = code in ("missing_field", "invalid_field", "invalid_url", "session_mismatch", "wrong_role")
        assert found or refused, f"{file.stem}: {frame}"


@pytest.mark.parametrize(
    "name, frame",
    [
        ("client.session_start", {"type": "session_start"}),
        ("client.session_start", {"type": "session_start", "data": {"sdp": {"type": "answer", "sdp": "v=0"}}}),
        ("client.session_start", {"type": "session_start", "data": {"sdp": {"type": "offer", "sdp": "v=0"}, "webhook_url": "ftp://x"}}),
        ("client.candidate", {"type": "candidate", "data": {"candidate": {"candidate": "garbage"}}}),
        ("client.recording_start", {"type": "recording_start", "data": {"stream": 3}}),
        ("server.error", {"type": "error", "client_id": "", "session_id": "", "data": {"code": "malformed_json"}}),
        ("server.recording_state", {"type": "recording_state", "client_id": "c", "session_id": "s", "data": {"state": "lost"}}),
    ],
)
def test_schema_refuses(name, frame):
    assert not validator(f"schemas/{name}.json").is_valid(frame)


OFFER, ANSWER = {"type": "offer", "sdp": "v=0"}, {"type": "answer", "sdp": "v=0"}
HALF = {"x": 0.5, "y": 0.5}


def drawing(shape, colour="#00ff00"):
    return {"type": "annotate", "data": {"board": "b1", "annotation": "1", "shape": shape, "colour": colour}}


@pytest.mark.parametrize(
    "name, frame",
    [
        ("client.join", {"type": "join", "ref": 7}),
        ("client.join", {"type": "join", "ref": ""}),
        ("client.join", {"type": "join", "data": {"keeps_peers": "yes"}}),
        ("client.sdp_update", {"type": "sdp_update", "data": {"peer": "publish", "sdp": ANSWER}}),
        ("client.sdp_update", {"type": "sdp_update", "data": {"peer": "subscribe", "sdp": OFFER}}),
        ("client.publish", {"type": "publish", "data": {"kind": "smell", "mid": "0"}}),
        ("client.publish", {"type": "publish"}),
        ("client.chat", {"type": "chat", "data": {"text": "x" * 2001}}),
        ("client.view", {"type": "view", "data": {"tracks": [{"track": "t1", "visible": True, "width": 0}]}}),
        ("client.camera_seat", {"type": "camera_seat", "data": {"display_name": "D"}}),
        ("client.camera_seat", {"type": "camera_seat", "data": {"display_name": "D", "stream": "s", "camera": "c"}}),
        ("client.camera_order", {"type": "camera_order", "data": {"seat": "s", "order": {"type": "idle"}}}),
        ("client.camera_order", {"type": "camera_order", "data": {"seat": "s", "order": {"type": "zoom"}}}),
        ("client.annotate", drawing({"type": "star"})),
        ("client.annotate", drawing({"type": "arrow", "from": HALF})),
        ("client.annotate", drawing({"type": "pen", "points": [[0, 2]]})),
        ("client.annotate", drawing({"type": "pen", "points": [[0, 0]]}, colour="red")),
        ("client.point", {"type": "point", "data": {"track": "t1", "at": {"x": 2, "y": 0}}}),
        ("server.sdp_update", {"type": "sdp_update", "data": {"peer": "subscribe", "sdp": OFFER}}),
        ("server.refused", {"type": "refused", "data": {"code": "forbidden"}}),
        ("server.joined", {"type": "joined", "data": {"participant": "anna"}}),
    ],
)
def test_schema_of_rooms_refuses(name, frame):
    assert not validator(f"schemas/rooms/{name}.json").is_valid(frame)


@pytest.mark.parametrize(
    "name, data, is_taken",
    [
        ("client.hello", {"abilities": {}}, True),
        ("client.hello", {"abilities": {"publish": True, "zoom": 4, "mute": ["audio"]}}, True),
        ("client.hello", {"abilities": {"zoom": 0.5}}, False),
        ("client.done", {"number": 0}, False),
        ("client.refused", {"number": 1, "code": "unavailable", "msg": "no light"}, True),
        ("client.health", {}, True),
        ("client.health", {"link": "live", "cpu": 0.5, "temperature_c": None, "disk_free_mib": 512, "humidity": 3}, True),
        ("client.health", {"cpu": 1.5}, False),
        ("client.health", {"link": "on air"}, False),
        ("client.health", {"frames": -1}, False),
        ("server.order", {"number": 1, "order": {"type": "publish"}}, True),
        ("server.order", {"number": 1, "order": {"type": "rotate", "degrees": 45}}, False),
    ],
)
def test_schema_of_cameras(name, data, is_taken):
    frame = {"type": name.split(".")[1], "data": data}
    assert validator(f"schemas/cameras/{name}.json").is_valid(frame) == is_taken


@pytest.mark.parametrize("shape", [{"type": "arrow", "from": HALF, "to": HALF}, {"type": "text", "text": "here", "at": HALF}])
def test_schema_of_rooms_takes_drawings(shape):
    validator("schemas/rooms/client.annotate.json").validate(drawing(shape))


def test_asyncapi_refers_to_every_schema_and_only_to_files_that_exist():
    text = (CONTRACT / "asyncapi.yaml").read_text()
    document = yaml.safe_load(text)
    assert document["asyncapi"] == "3.0.0"
    named = set(re.findall(r"\$ref: (schemas/\S+)", text))
    messages = {name for name in SCHEMAS if name.startswith("schemas/") and not name.endswith("/common.json")}
    assert named == messages
    for pointer in re.findall(r"\$ref: '#/(\S+)'", text):
        node = document
        for part in pointer.split("/"):
            node = node[part]


class WithoutDoubles(yaml.SafeLoader):
    """A loader that takes no member twice."""


def members(loader, node):
    names = [loader.construct_object(name, deep=True) for name, _ in node.value]
    assert len(set(names)) == len(names), f"line {node.start_mark.line + 1}: doubled {names}"
    return loader.construct_mapping(node, deep=True)


WithoutDoubles.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, members)


@pytest.mark.parametrize("file", sorted(CONTRACT.glob("http/*.openapi.yaml")), ids=lambda file: file.name)
def test_openapi_is_whole(file):
    """It can be read, its references lead somewhere, and what stands among its paths are operations."""
    text = file.read_text()
    document = yaml.load(text, WithoutDoubles)
    for pointer in set(re.findall(r"""\$ref: ["']?#/([^"'}\s,]+)""", text)):
        node = document
        for part in pointer.split("/"):
            node = node[part]
    for path, operations in document["paths"].items():
        assert path.startswith("/")
        assert operations.keys() <= {"parameters", "get", "put", "post", "delete", "patch", "options", "head", "summary", "description"}, path
        for name, operation in operations.items():
            assert name in ("parameters", "summary", "description") or operation["responses"], f"{name} {path}"


def test_schemas_and_errors_name_the_same_codes():
    errors = json.loads((CONTRACT / "errors.json").read_text())
    properties = lambda name: SCHEMAS[f"schemas/server.{name}.json"]["properties"]["data"]["properties"]
    assert set(properties("error")["code"]["enum"]) == set(errors["rtm"])
    assert set(properties("session_terminated")["termination_cause"]["enum"]) == set(errors["termination_cause"])
    assert set(properties("recording_state")["state"]["enum"]) == set(errors["recording_state"])


def test_the_documented_webhook_example_is_valid():
    example = json.loads(
        '{"status":"upload_ready","msg":"recording uploaded","client_id":"client-0",'
        '"rec_id":"b7c1c1de-0000-4000-8000-000000000001","recording_started_at":"2024-03-01T09:00:01.120Z",'
        '"recording_first_frame_written_at":"2024-03-01T09:00:01.480Z",'
        '"recording_first_peerframe_captured_at":"2024-03-01T09:00:01.301Z",'
        '"recording_stopped_at":"2024-03-01T09:04:01.500Z","recording_file_duration_ms":240020,'
        '"recording_file_size_bytes":31457280,"session_id":"98f06660-5434-4a9c-ae65-0291d5622624",'
        '"event_at":"2024-03-01T09:04:03.007Z"}'
    )
    validator("webhooks/upload_ready.json").validate(example)
