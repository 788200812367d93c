"""Chromium, driven through a pipe by its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

READY = "'ready' in document.documentElement.dataset"  # of the page of a run
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)


class Tab:
    """A page in the browser: what it says on its console, asks for, and answers."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer, self._count, self._session = b"", 0, {}
        self.console: list[str] = []
        self.requests: list[str] = []
        self._events: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params, **self._session}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            self._note(answer)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser has ended"
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event["method"], event["params"]
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.console.append(json.dumps(params)[:2000])

    def open(
        self,
        page: Path,
        width: int = 1440,
        dark: bool = False,
        still: bool = False,
        query: str = "",
    ) -> None:
        """Load a page and wait until it is there."""
        self.console.clear()
        self.requests.clear()
        self._events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=1000, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if still else ""}
        self.call("Emulation.setEmulatedMedia", features=[scheme, motion])
        self.call("Page.navigate", url=page.resolve().as_uri() + query)
        while "Page.loadEventFired" not in self._events:
            self._note(self._next())

    def evaluate(self, code: str) -> Any:
        """Evaluate an expression in the page, which may be a promise, and return its value."""
        answer = self.call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        self.evaluate(
            "new Promise(done => { const look = () => "
            f"{condition} ? done() : setTimeout(look, 5); look() }})"
        )

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 * shift)

    def _points(
        self, selector: str, places: list[tuple[float, float]]
    ) -> Iterator[dict[str, float]]:
        """Points of the window over the first element that a selector finds."""
        left, top, width, height = self.evaluate(
            f"(() => {{ const e = document.querySelector({selector!r});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height] })()"
        )
        return ({"x": left + x * width, "y": top + y * height} for x, y in places)

    def touch(self, selector: str, places: list[tuple[float, float]]) -> None:
        """Drag as below, with a finger."""
        kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
        for kind, where in zip(kinds, self._points(selector, places), strict=True):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[where])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def drag(
        self,
        selector: str,
        places: list[tuple[float, float]],
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Drag over the first element that a selector finds; (0, 0) and (1, 1) are its corners.

        `then` is called at each place.
        """
        kinds = ["mousePressed", *["mouseMoved"] * (len(places) - 1), "mouseReleased"]
        points = self._points(selector, [*places, places[-1]])
        for kind, where in zip(kinds, points, strict=True):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind, button="left", buttons=1, clickCount=1, **where,
            )  # fmt: skip
            then()

    def picture(self, box: tuple[float, float, float, float] | None = None) -> bytes:
        """A PNG of a box of the page, (left, top, width, height), or of the whole page."""
        if box is None:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            box = (0, 0, size["width"], size["height"])
        clip = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {"scale": 1}
        made = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(made["data"])


@contextmanager
def browser() -> Iterator[Tab]:
    """Start Chromium; its process and its profile end with the block."""
    assert CHROMIUM
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"]
        ends = f"3<&{command_read} 4>&{answer_write}"
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" {ends}', "bash", *words],
            pass_fds=(command_read, answer_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(answer_write)
        try:
            yield Tab(command_write, answer_read)
        finally:
            process.terminate()
            process.wait()
            os.close(command_write)
            os.close(answer_read)
