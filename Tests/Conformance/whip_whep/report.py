"""Checks, who makes them, and what came of each."""

import json
import traceback
from typing import NamedTuple

MUST, SHOULD, MAY = "MUST", "SHOULD", "MAY"
DOCUMENTS = {"whip": "RFC 9725", "whep": "draft-ietf-wish-whep"}
PASSED, FAILED, WARNED, SKIPPED = "passed", "failed", "warned", "skipped"


class Check(NamedTuple):
    name: str
    section: str
    level: str
    text: str


class Scenario(NamedTuple):
    """One conversation with the server, and the checks that it makes."""

    run: object
    protocol: str
    checks: tuple
    needs_media: bool


SCENARIOS = []


def scenario(protocols, checks, media=False):
    """Registers a function for one or both protocols. A check is (name, section, level, text); a section is of the protocol's own document
    unless it names another, and may be given for each protocol as a pair."""
    def register(function):
        for protocol in protocols.split():
            made = tuple(Check(f"{protocol}-{name}", place(section, protocol), level, text) for name, section, level, text in checks)
            SCENARIOS.append(Scenario(function, protocol, made, media))
        return function
    return register


def place(section, protocol):
    own = section if isinstance(section, str) else section[protocol == "whep"]
    return own if own[0].isalpha() else f"{DOCUMENTS[protocol]} section {own}"


class Recorder:
    """Takes the results of one scenario: each of its checks gets one, and no other does."""

    def __init__(self, protocol, checks, results):
        self.protocol, self.results = protocol, results
        self.open = {check.name: check for check in checks}

    def __call__(self, name, is_right, detail=""):
        """The result of a check; only the first failure of one counts."""
        check = self.open.get(f"{self.protocol}-{name}")
        assert check is not None, f"the scenario has not declared {name}"
        outcome = PASSED if is_right else FAILED if check.level == MUST else WARNED
        known = self.results.get(check.name)
        if known is None or known[1] == PASSED:
            self.results[check.name] = (check, outcome, "" if is_right else str(detail)[:300])
        return bool(is_right)

    def skip(self, name, reason):
        check = self.open[f"{self.protocol}-{name}"]
        self.results.setdefault(check.name, (check, SKIPPED, reason))

    def close(self, reason, outcome):
        """Gives what has no result yet this one."""
        for name, check in self.open.items():
            self.results.setdefault(name, (check, outcome, reason))


class Broken(Exception):
    """The server's answer does not let the conversation go on."""


def perform(chosen, suite, results, progress):
    recorder = Recorder(chosen.protocol, chosen.checks, results)
    side = suite.side(chosen.protocol)
    if side is None:
        return recorder.close("no URL was given", SKIPPED)
    if chosen.needs_media and not suite.has_media:
        return recorder.close("media is left out", SKIPPED)
    try:
        suite.run(chosen.run, side, recorder)
        recorder.close("the scenario did not come to it", SKIPPED)
    except Broken as broken:
        recorder.close(f"the conversation broke off: {broken}", FAILED)
    except Exception as error:  # a server may fail in any way, and the others are still to be asked
        place = traceback.extract_tb(error.__traceback__)[-1]
        recorder.close(f"the conversation broke off: {type(error).__name__} {error} (line {place.lineno})", FAILED)
    for check in chosen.checks:
        progress(*results[check.name])


def counts(results):
    outcomes = [outcome for _, outcome, _ in results.values()]
    return {outcome: outcomes.count(outcome) for outcome in (PASSED, FAILED, WARNED, SKIPPED)}


def line(check, outcome, detail):
    mark = {PASSED: "ok  ", FAILED: "FAIL", WARNED: "warn", SKIPPED: "skip"}[outcome]
    return f"{mark} {check.level:<6} {check.name:<44} {check.section}" + (f"\n       {check.text}: {detail}" if detail else "")


def document(results, suite):
    """The report as JSON."""
    return json.dumps(
        {
            "server": {"whip": suite.whip and suite.whip.url, "whep": suite.whep and suite.whep.url},
            "counts": counts(results),
            "checks": [{**check._asdict(), "outcome": outcome, "detail": detail} for check, outcome, detail in results.values()],
        }, indent=2)
