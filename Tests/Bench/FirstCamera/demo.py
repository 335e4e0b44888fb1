"""`viaduct demo` as a subject of measurement: a bridge with a synthetic camera of its own, and its processes by their roles."""

import json
import subprocess
import time

from bridge import BINARY, ENVIRONMENT, Bridge

PATIENCE = 20
SETTLED_SECONDS = 2  # until what a session starts has started


class Demo(Bridge):
    """Its camera publishes (H.264, the cheapest to encode) and is recorded from the start. `roles`: process ids of its pipelines, by what
    they do."""

    def __init__(self, **settings):
        super().__init__(streams__public="true", log__level="info", **settings)
        self.roles = {}
        self.stream = None

    def start(self, timeout=PATIENCE):
        with open(self.log_path, "a") as log:
            command = [BINARY, "demo", "--codec", "h264", *self.arguments()]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=ENVIRONMENT, start_new_session=True)
        end = time.monotonic() + timeout
        while not (streams := self.live_streams()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"the camera does not publish:\n{self.log()[-2000:]}")
            time.sleep(0.05)
        self.stream = streams[0]["id"]
        return self

    def live_streams(self):
        try:
            return json.loads(self.get("/bridge/v1/streams")[2])["streams"]
        except OSError:
            return []

    def name_new_children(self, *roles):
        """Gives these roles to the children that have none, in the order of their starts. Needs `pipelines.warm=0`: a warm child could be
        anybody's."""
        time.sleep(SETTLED_SECONDS)
        new = sorted(self.children - set(self.roles.values()))
        if len(new) != len(roles):
            raise SystemExit(f"{len(new)} new pipeline processes instead of {len(roles)} ({', '.join(roles)}):\n{self.log()[-2000:]}")
        self.roles |= dict(zip(roles, new))

    @property
    def measured(self):
        """Process ids by role: the bridge and its pipelines, without the camera."""
        return {"bridge": self.process.pid, **{role: pid for role, pid in self.roles.items() if role != "camera"}}
