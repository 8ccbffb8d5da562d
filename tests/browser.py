"""A real Chromium for tests of the page: Debian's, headless, with the network off.

    with chromium() as browser:
        with opened(browser, file, width=380, scheme="dark") as page: page.click("text=Types")

A test fails where the page made a request beyond its own files, or said anything on the console.
Where there is no Chromium, tests marked `chromium` are skipped, which CI forbids.
"""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Literal

NAMES = ("chromium", "chromium-browser", "google-chrome")


def why_no_chromium() -> str | None:
    """None where a browser and its driver are there."""
    from importlib.util import find_spec

    if find_spec("playwright") is None:
        return "playwright is not installed (the extra dev)"
    if not any(shutil.which(name) for name in NAMES):
        return "there is no Chromium (apt-get install chromium)"
    return None


@contextmanager
def chromium() -> Generator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    path = next(found for name in NAMES if (found := shutil.which(name)))
    # Programs in the page are text: the sandbox of the browser guards us from the page, not from
    # them, and needs a user that is not root.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any,
    file: Path,
    hash: str = "",
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
    javascript: bool = True,
) -> Generator[Any]:
    """The file in a page of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        offline=True,
        java_script_enabled=javascript,
    )
    page = context.new_page()
    told: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: requests.append(request.url))
    try:
        page.goto(file.resolve().as_uri() + hash)
        if javascript:
            ready(page)
        yield page
        assert not told, told
        foreign = [url for url in requests if not url.startswith(("file:", "data:"))]
        assert not foreign, foreign
    finally:
        context.close()


def ready(page: Any) -> None:
    """Waits until the page shows what its address says."""
    until(page, "document.documentElement.dataset.ready === (location.hash || '#/board')")


def until(page: Any, condition: str) -> None:
    """Asks again and again from outside: the page's policy lets nothing be evaluated in it."""
    deadline = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def go(page: Any, hash: str) -> None:
    page.evaluate("hash => { location.hash = hash }", hash)
    ready(page)


def axe(page: Any) -> list[str]:
    """What axe-core finds serious or critical, one line each."""
    text = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(text)
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node.get('failureSummary')}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
