"""Draws the screenshot of `docs/app.md`: the first page of the app of a preset.

    python tools/screenshot_app.py mae_nano_photos docs/app.png

It needs Playwright, and Chromium or Chrome on the PATH.
"""

import argparse
import shutil
import threading

from playwright.sync_api import sync_playwright

import keras_mra
from keras_mra.app.serve import address_of
from keras_mra.app.serve import listen

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
SIZE = {"width": 1200, "height": 800}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", help="preset with weights")
    parser.add_argument("out", help="PNG file to write")
    parser.add_argument("--sample", type=int, default=0, help="sample picture to show")
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        parser.error(f"A browser must be on the PATH: {', '.join(BROWSERS)}.")
    mae = keras_mra.MAE.from_preset(options.preset, load_weights=True)
    server = listen(mae, options.preset, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=ARGUMENTS)
        page = chromium.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address_of(server))
        page.wait_for_selector("body[data-state=ready]")
        if options.sample:
            page.locator("#samples button").nth(options.sample).click()
            page.wait_for_selector(
                f"#samples button:nth-child({options.sample + 1})[aria-pressed=true]"
            )
            page.wait_for_selector("body[data-state=ready]")
            page.locator("h1").hover()
        page.wait_for_timeout(500)  # until the pictures have faded in
        page.screenshot(path=options.out, full_page=True)
        chromium.close()
    server.shutdown()


if __name__ == "__main__":
    main()
