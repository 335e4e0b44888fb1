"""The bridge's pages in Chromium, with the times of their milestones."""

import contextlib
import pathlib

MILESTONES = (pathlib.Path(__file__).parent / "milestones.js").read_text()
PATIENCE = 20


@contextlib.contextmanager
def open_page(browser, url):
    """A tab that notes its milestones; it leaves its page in the end, and with it the session."""
    page = browser.open("about:blank")
    page.channel.call("Page.enable")
    page.channel.call("Page.addScriptToEvaluateOnNewDocument", params={"source": MILESTONES})
    page.navigate(url)
    try:
        yield page
    finally:
        page.navigate("about:blank")


def publish_once(browser, base, stream, token):
    """Milliseconds from `session_start` to the connection state `connected`, from the publish page with Chromium's fake camera."""
    with open_page(browser, f"{base}/publish/{stream}#token={token}") as page:
        page.wait_for("document.readyState === 'complete'", PATIENCE)
        page.evaluate("document.getElementById('start').click()")
        milestones = page.wait_for("window.milestones.connected && window.milestones", PATIENCE)
        page.evaluate("document.getElementById('stop').click()")
        return milestones["connected"] - milestones["sessionStart"]


def watch_once(browser, base, stream):
    """Milliseconds from the beginning of the navigation to the first frame on the screen, on the watch page."""
    with open_page(browser, f"{base}/watch/{stream}") as page:
        return page.wait_for("window.milestones.firstFrame", PATIENCE)
