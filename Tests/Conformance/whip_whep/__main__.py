"""Asks a WHIP and a WHEP endpoint whether they keep RFC 9725 and draft-ietf-wish-whep.

    python Tests/Conformance/whip_whep --whip URL --whep URL --token TOKEN

Both URLs are of one stream, which nobody else publishes meanwhile. `--whep-token` is for a server with a token for each side. Without `--whip`
somebody has to publish the stream. The status is 0 when no check of a MUST failed, 1 when one did, 2 when the server cannot be reached.
"""

import argparse
import fnmatch
import sys
import time

import report
import web
from suite import Side, Suite

# In this order: what needs an unpublished stream, publishers, viewers.
import endpoint  # noqa: F401
import session  # noqa: F401
import extensions  # noqa: F401
import counter_offer  # noqa: F401


def arguments():
    parser = argparse.ArgumentParser(prog="whip_whep", description=__doc__.split("\n\n")[0])
    parser.add_argument("--whip", metavar="URL", help="the WHIP endpoint of the stream")
    parser.add_argument("--whep", metavar="URL", help="the WHEP endpoint of the same stream")
    parser.add_argument("--token", metavar="TOKEN", help="bearer token; of both endpoints unless --whep-token is given")
    parser.add_argument("--whep-token", metavar="TOKEN")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="run scenarios that make a check of such a name, for instance 'whip-post*'")
    parser.add_argument("--no-media", action="store_true", help="leave out what needs a peer connection")
    parser.add_argument("--json", metavar="FILE", help="write the report there too")
    parser.add_argument("--list", action="store_true", help="list the checks and stop")
    parser.add_argument("--quiet", action="store_true", help="print only what is not right, and the end")
    return parser.parse_args()


def chosen(pattern):
    def order(one):
        return (one.protocol == "whep" and not is_first(one), one.needs_media)

    wanted = [one for one in report.SCENARIOS if any(fnmatch.fnmatch(check.name, pattern) for check in one.checks)]
    return sorted(wanted, key=order)


def is_first(one):
    return any(check.name.startswith("whep-unpublished") for check in one.checks)


def is_reachable(side):
    try:
        web.send("OPTIONS", side.url)
        return True
    except OSError as error:
        print(f"{side.url} cannot be reached: {error}", file=sys.stderr)
        return False


def main():
    options = arguments()
    if not options.no_media:
        import media  # noqa: F401
    if options.list:
        for one in chosen(options.only):
            for check in one.checks:
                print(f"{check.level:<6} {check.name:<44} {check.section}: {check.text}")
        return 0
    whip = options.whip and Side("whip", options.whip, options.token)
    whep = options.whep and Side("whep", options.whep, options.whep_token or options.token)
    sides = [side for side in (whip, whep) if side]
    if not sides or not all(is_reachable(side) for side in sides):
        return 2
    return run(Suite(whip or None, whep or None, not options.no_media), options)


def run(suite, options):
    began, results = time.monotonic(), {}

    def progress(check, outcome, detail):
        if not options.quiet or outcome in (report.FAILED, report.WARNED):
            print(report.line(check, outcome, detail), flush=True)

    try:
        for one in chosen(options.only):
            if one.protocol == "whep" and not is_first(one) and suite.whip and suite.source is None and suite.has_media:
                suite.publish()
            report.perform(one, suite, results, progress)
    finally:
        suite.close()
    counts = report.counts(results)
    if options.json:
        with open(options.json, "w") as file:
            file.write(report.document(results, suite))
    print(f"{len(results)} checks in {time.monotonic() - began:.0f} s: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if counts[report.FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
