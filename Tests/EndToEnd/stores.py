"""Real places for recordings, on loopback: an S3 store that checks signatures (SeaweedFS), and a WebDAV server (Apache)."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config

from bridge import free_port

MODULES = "/usr/lib/apache2/modules"


class Server:
    """A process with a folder of its own, ended by its id."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"viaduct-{name}-")
        self.port = free_port()
        self.process = None

    def run(self, *command, **environment):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, env={**os.environ, **environment}, start_new_session=True)

    def wait_until(self, is_ready, timeout=60):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                if is_ready():
                    return
            except (OSError, http.client.HTTPException):
                pass
            assert self.process.poll() is None, f"it ended at once:\n{self.log()}"
            time.sleep(0.1)
        raise AssertionError(f"it does not answer:\n{self.log()}")

    def log(self):
        with open(os.path.join(self.folder, "log")) as file:
            return file.read()[-3000:]

    def get(self, path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(2)  # SeaweedFS takes ten seconds for its goodbyes, and nobody wants what it has
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class S3(Server):
    """`client` is boto3's; the bucket `films` is there."""

    access_key, secret_key, bucket = "films-key", "films-secret-hush", "films"

    def __init__(self):
        super().__init__("s3")
        identity = {"name": "films", "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        with open(os.path.join(self.folder, "s3.json"), "w") as file:
            json.dump({"identities": [identity]}, file)
        # Each has a port for gRPC, 10,000 above its own unless it is told.
        ports = {name: free_port() for name in ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
                                                "filer.port.grpc", "s3.port.grpc")}
        self.run(
            os.path.join(os.path.dirname(sys.executable), "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=.", "-filer", "-s3",
            f"-s3.port={self.port}", "-s3.config=s3.json", "-master.volumeSizeLimitMB=256", "-volume.max=8",
            "-s3.port.iceberg=0", "-s3.port.lance=0",  # which have fixed ports
            "-master.telemetry=false",
            *(f"-{name}={port}" for name, port in ports.items()), WEED_S3_SSE_KEY="a key")
        self.base = f"http://127.0.0.1:{self.port}"
        self.client = boto3.client(
            "s3", endpoint_url=self.base, aws_access_key_id=self.access_key, aws_secret_access_key=self.secret_key,
            region_name="us-east-1", config=Config(retries={"max_attempts": 10}))
        self.wait_until(self.get)
        self.client.create_bucket(Bucket=self.bucket)

    def destination(self, **members):
        return {"s3": {"endpoint": self.base, "bucket": self.bucket, "access_key": self.access_key, "secret_key": self.secret_key, **members}}

    def keys(self):
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def bytes(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()


class WebDAV(Server):
    """Files are in `films`; `user` and `password` are asked for."""

    user, password = "camera", "dav-hush"

    def __init__(self):
        super().__init__("dav")
        self.films = os.path.join(self.folder, "films")
        os.mkdir(self.films)
        done = subprocess.run(["openssl", "passwd", "-apr1", self.password], capture_output=True, text=True, check=True)
        with open(os.path.join(self.folder, "users"), "w") as file:
            file.write(f"{self.user}:{done.stdout}")
        modules = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs"]
        # Apache started by root wants another user for its work.
        user = ["User nobody", "Group nogroup"] if os.getuid() == 0 else []
        if user:
            shutil.chown(self.films, "nobody", "nogroup")
            shutil.chown(self.folder, "nobody", "nogroup")
        with open(os.path.join(self.folder, "conf"), "w") as file:
            file.write("\n".join([
                f"ServerRoot {self.folder}", "ServerName localhost", f"Listen 127.0.0.1:{self.port}", "PidFile pid", "ErrorLog log", *user,
                *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules), f"DocumentRoot {self.folder}",
                f"DavLockDB {self.folder}/locks", "<Directory />", "Require all denied", "</Directory>", f"<Directory {self.films}>",
                "Dav On", "AuthType Basic", "AuthName films", f"AuthUserFile {self.folder}/users", "Require valid-user", "</Directory>", ""]))
        self.run("/usr/sbin/apache2", "-f", os.path.join(self.folder, "conf"), "-DFOREGROUND")
        self.base = f"http://127.0.0.1:{self.port}/films"
        self.wait_until(self.get)

    def destination(self, **members):
        return {"webdav": {"url": self.base, "user": self.user, "password": self.password, **members}}

    def files(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.films) for folder, _, names in os.walk(self.films) for name in names)
