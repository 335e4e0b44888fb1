"""Real browsers, driven over their own protocols: Chromium over CDP, Firefox over WebDriver BiDi. Nothing of theirs leaves this machine."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time

import av
from websockets.sync.client import connect

MESSAGE_LIMIT = 64 * 1024 * 1024


class BrowserError(Exception):
    """The page threw, or the browser refused."""


class Channel:
    """Numbered commands and their answers over one WebSocket; events in between are dropped."""

    def __init__(self, url):
        self.socket = connect(url, max_size=MESSAGE_LIMIT, open_timeout=10)
        self.number = 0

    def call(self, method, timeout=20, **message):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, **message}))
        end = time.monotonic() + timeout
        while True:
            answer = json.loads(self.socket.recv(timeout=max(0.01, end - time.monotonic())))
            if answer.get("id") != self.number:
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']} {answer.get('message', '')}")
            return answer["result"]

    def close(self):
        self.socket.close()


class Page:
    """What tests do with a page, whatever the browser. It is closed at the end of a `with` block."""

    def evaluate(self, expression):
        """The JSON value of a JavaScript expression; promises are awaited."""
        raise NotImplementedError

    def screenshot(self, path):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def click(self, element_id):
        self.evaluate(f"document.getElementById({json.dumps(element_id)}).click()")

    def picture(self, element_id, path):
        """The grey values, row by row, of what the screen shows in an element's box."""
        box = self.evaluate(
            f"(({{x, y, width, height}}) => [x, y, x + width, y + height].map(Math.round))"
            f"(document.getElementById({json.dumps(element_id)}).getBoundingClientRect())")
        self.screenshot(path)
        with av.open(path) as image:
            plane = next(image.decode(video=0)).reformat(format="gray").planes[0]
        left, top, right, bottom = (max(0, edge) for edge in box)
        data = bytes(plane)
        rows = (data[row * plane.line_size:][left:min(right, plane.width)] for row in range(top, min(bottom, plane.height)))
        return b"".join(rows)

    def wait_for(self, expression, timeout, every=0.1):
        """Waits until the expression is truthy and returns its value."""
        end = time.monotonic() + timeout
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() >= end:
                state = self.evaluate("JSON.stringify(window.viaduct ?? null, (k, v) => k === 'session' ? undefined : v)")
                raise AssertionError(f"not within {timeout} s: {expression}; the page says {state}")
            time.sleep(every)


class Browser:
    """A process with a profile of its own; both are gone after `close`."""

    name = ""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix=f"viaduct-{self.name}-")
        self.log = open(os.path.join(self.profile, "browser.log"), "w")
        self.process = None

    def launch(self, arguments, environment=None):
        self.process = subprocess.Popen(
            arguments, stdout=self.log, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}, start_new_session=True)

    def wait_for_text(self, read, what, timeout=30):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            text = read()
            if text:
                return text
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        with open(self.log.name) as log:
            raise BrowserError(f"{self.name} gave no {what}: {log.read()[-2000:]}")

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Chromium(Browser):
    name = "chromium"

    def __init__(self, *flags):
        super().__init__()
        self.launch([
            "chromium", "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={self.profile}",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
            "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
            "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-first-run", "--no-default-browser-check",
            "--disable-features=MediaRouter,OptimizationHints,Translate,AutofillServerCommunication", "--mute-audio", "--no-pings",
            "--window-size=960,900", "--disable-gpu", "--disable-dev-shm-usage", *flags, "about:blank",
        ])
        self.port = self.wait_for_text(self._port, "debugging port")
        self.pages = []

    def _port(self):
        try:
            with open(os.path.join(self.profile, "DevToolsActivePort")) as file:
                return file.read().splitlines()[0]
        except (FileNotFoundError, IndexError):
            return None

    def open(self, url, script=None):
        """A page in front of the others; `script` runs in it before its own ones."""
        page = self._new_page()
        if script is not None:
            page.channel.call("Page.enable")
            page.channel.call("Page.addScriptToEvaluateOnNewDocument", params={"source": script})
        page.navigate(url)
        return page

    def _new_page(self):
        with connect(self._endpoint(), max_size=MESSAGE_LIMIT) as socket:
            socket.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
            while True:
                answer = json.loads(socket.recv(timeout=20))
                if answer.get("id") == 1:
                    break
        page = ChromiumPage(f"ws://127.0.0.1:{self.port}/devtools/page/{answer['result']['targetId']}")
        self.pages.append(page)
        return page

    def _endpoint(self):
        with open(os.path.join(self.profile, "DevToolsActivePort")) as file:
            return f"ws://127.0.0.1:{self.port}{file.read().splitlines()[1]}"

    def close(self):
        for page in self.pages:
            page.channel.close()
        super().close()


class ChromiumPage(Page):
    def __init__(self, url):
        self.channel = Channel(url)

    def evaluate(self, expression):
        result = self.channel.call("Runtime.evaluate", params={
            "expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True})
        if "exceptionDetails" in result:
            raise BrowserError(json.dumps(result["exceptionDetails"])[:1000])
        return result["result"].get("value")

    def navigate(self, url):
        self.channel.call("Page.navigate", params={"url": url})

    def screenshot(self, path):
        data = self.channel.call("Page.captureScreenshot", params={"format": "png"})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def resize(self, width, height, scheme="light"):
        """A window of so many CSS pixels, whose owner prefers light or dark pages."""
        self.channel.call("Emulation.setDeviceMetricsOverride", params={"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.channel.call("Emulation.setEmulatedMedia", params={"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def press(self, key):
        """A key of the keyboard: a letter, or a name as Tab."""
        text = {"text": key} if len(key) == 1 else {}
        code = {"Tab": 9, "Escape": 27}.get(key) or ord(key.upper())
        for kind in ("keyDown", "keyUp"):
            self.channel.call("Input.dispatchKeyEvent", params={
                "type": kind, "key": key, "windowsVirtualKeyCode": code, **(text if kind == "keyDown" else {})})

    def accessibility(self):
        """What a screen reader is told: `(role, name)` of all that is not left out."""
        self.channel.call("Accessibility.enable")
        nodes = self.channel.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]

    def close(self):
        self.channel.call("Page.close")
        self.channel.close()


# While it hides its own addresses, Firefox leaves a remote candidate on loopback aside, and tests use no other.
FIREFOX_PREFERENCES = {
    "app.normandy.enabled": False, "app.update.enabled": False, "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.activity-stream.feeds.system.topsites": False, "browser.region.network.url": "", "browser.search.update": False,
    "browser.safebrowsing.downloads.remote.enabled": False, "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False, "browser.shell.checkDefaultBrowser": False, "browser.startup.page": 0,
    "datareporting.healthreport.uploadEnabled": False, "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False, "extensions.systemAddon.update.enabled": False, "extensions.update.enabled": False,
    "media.autoplay.default": 0, "media.gmp-manager.url": "", "media.gmp-manager.updateEnabled": False,
    "media.navigator.permission.disabled": True, "media.navigator.streams.fake": True, "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False, "network.dns.disablePrefetch": True,
    "network.prefetch-next": False, "services.settings.server": "data:,", "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "", "remote.prefs.recommended": True,
}


class Firefox(Browser):
    name = "firefox"

    def __init__(self):
        super().__init__()
        with open(os.path.join(self.profile, "user.js"), "w") as file:
            for key, value in FIREFOX_PREFERENCES.items():
                file.write(f"user_pref({json.dumps(key)}, {json.dumps(value)});\n")
        self.launch([
            "firefox-esr", "--headless", "--no-remote", "--profile", self.profile, "--remote-debugging-port=0", "about:blank",
        ], {"MOZ_HEADLESS_WIDTH": "960", "MOZ_HEADLESS_HEIGHT": "900", "HOME": self.profile})
        port = self.wait_for_text(self._port, "BiDi port", timeout=60)
        self.channel = Channel(f"ws://127.0.0.1:{port}/session")
        self.channel.call("session.new", params={"capabilities": {}}, timeout=60)

    def _port(self):
        try:
            with open(os.path.join(self.profile, "WebDriverBiDiServer.json")) as file:
                return json.load(file)["ws_port"]
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def open(self, url, script=None):
        """A page in front of the others; `script` runs in it before its own ones."""
        context = self.channel.call("browsingContext.create", params={"type": "tab"}, timeout=60)["context"]
        if script is not None:
            self.channel.call("script.addPreloadScript", params={"functionDeclaration": f"() => {{ {script} }}", "contexts": [context]})
        self.channel.call("browsingContext.navigate", params={"context": context, "url": url, "wait": "interactive"}, timeout=60)
        return FirefoxPage(self.channel, context)

    def close(self):
        self.channel.close()
        super().close()


class FirefoxPage(Page):
    def __init__(self, channel, context):
        self.channel = channel
        self.context = context

    def evaluate(self, expression):
        # BiDi's own serialisation is verbose: the page's JSON comes back as one string.
        wrapped = f"(async () => JSON.stringify((await ({expression})) ?? null))()"
        result = self.channel.call("script.evaluate", timeout=60, params={
            "expression": wrapped, "awaitPromise": True, "target": {"context": self.context}, "userActivation": True})
        if result["type"] == "exception":
            raise BrowserError(result["exceptionDetails"].get("text", "exception"))
        return json.loads(result["result"]["value"])

    def screenshot(self, path):
        data = self.channel.call("browsingContext.captureScreenshot", timeout=60, params={"context": self.context})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.channel.call("browsingContext.close", timeout=60, params={"context": self.context})
