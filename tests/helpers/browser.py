"""A headless browser of the system, driven by Playwright."""

import contextlib
import shutil

import pytest

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)


@contextlib.contextmanager
def new_page():
    """A page of a new browser, which ends with the context. Skips without one."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"needs a browser on the PATH: {', '.join(NAMES)}")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(permissions=["clipboard-read", "clipboard-write"])
        page.set_default_timeout(90_000)  # Machines that run tests may be busy.
        yield page
        browser.close()
