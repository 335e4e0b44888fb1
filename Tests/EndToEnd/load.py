"""`viaduct load` as an operator runs it, and what it reports."""

import json
import subprocess

from bridge import BINARY, ENVIRONMENT


class LoadRun:
    """A finished run: exit status, report, and what it said on standard error."""

    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    @property
    def report(self):
        assert self.output.startswith("{"), f"status {self.status}, no report: {self.output}{self.errors}"
        return json.loads(self.output)

    def __repr__(self):
        return f"status {self.status}: {self.output}{self.errors}"


def start(*arguments, json_report=True):
    """A run that goes on."""
    options = ["--json"] if json_report else []
    return subprocess.Popen(
        [BINARY, "load", *map(str, arguments), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def finish(process, timeout):
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"viaduct load did not end within {timeout} s: {output}{errors[-2000:]}") from None
    return LoadRun(process.returncode, output, errors)


def run(*arguments, timeout=60, json_report=True):
    return finish(start(*arguments, json_report=json_report), timeout)


def by_http(bridge, stream, publishes=True, token=None):
    """The options of a run that publishes and watches by WHIP and WHEP."""
    token = token or bridge.operator_token
    whip = ["--whip", f"{bridge.base}/whip/{stream}"] if publishes else []
    return [*whip, "--whep", f"{bridge.base}/whep/{stream}", "--token", token]


def by_rtm(bridge, stream):
    """The same by RTM of the native API."""
    return ["--rtm", bridge.base, "--stream", stream, "--publish", "--token", bridge.operator_token]
