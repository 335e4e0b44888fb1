"""The bridge's own pages, opened in a browser as their users do, and what can be seen of them from outside."""

from urllib.parse import quote

LIVE = "viaduct.state === 'live'"


def open_publish(bridge, browser, stream, script=None, **options):
    """The publish page of a stream, started but not awaited. `options` are those of its address: codec, picture, transport."""
    options = {"picture": "360p", **options}
    query = "&".join(f"{name}={value}" for name, value in options.items())
    page = browser.open(f"{bridge.base}/publish/{quote(stream)}?{query}#token={bridge.token(stream, 'publish')}", script)
    page.wait_for("window.viaduct?.state === 'idle'", 10)
    page.click("start")
    return page


def publish(bridge, browser, stream, **options):
    """The publish page of a stream, live."""
    page = open_publish(bridge, browser, stream, **options)
    page.wait_for(LIVE, 20)
    return page


def watch(bridge, browser, stream, script=None, query=""):
    """The watch page of a stream, as it is just after it was opened."""
    address = f"{bridge.base}/watch/{quote(stream)}{query}#token={bridge.token(stream, 'watch')}"
    page = browser.open(address, script)
    page.wait_for("window.viaduct", 10)
    return page


def statistics(page, kind):
    """The figures of one kind (`inbound-rtp`, `candidate-pair` ...) that the browser itself has about the page's peer."""
    return page.evaluate(
        f"(async () => [...(await viaduct.session.peer.getStats()).values()].filter(({{type}}) => type === '{kind}'))()")


def frames_decoded(page):
    return sum(entry.get("framesDecoded", 0) for entry in statistics(page, "inbound-rtp") if entry["kind"] == "video")


def notice(page):
    """The words over the picture; empty when there are none."""
    return page.evaluate("(n => n.hidden ? '' : n.innerText)(document.getElementById('notice'))")
