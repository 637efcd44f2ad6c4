"""The page in a real browser: a visitor uploads a picture and moves the controls."""

import base64
import threading
import time

import keras
import numpy as np
import pytest
from helpers.browser import new_page
from helpers.visitor import decoded
from helpers.visitor import encoded
from helpers.visitor import running

import keras_mra
from keras_mra.app.repaints import Repaints
from keras_mra.app.serve import address_of
from keras_mra.app.serve import listen

pytestmark = pytest.mark.once
PICTURES = ("#seen", "#attention", ".kept >> nth=0", ".repaint >> nth=0")


@pytest.fixture(scope="module")
def address(mae, preset):
    server = listen(mae, preset, "127.0.0.1", 0)
    with running(server):
        yield address_of(server)


@pytest.fixture(scope="module")
def page(address):
    with new_page() as page:
        page.errors = []
        page.on("console", lambda m: m.type == "error" and page.errors.append(m.text))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        own = (address, "data:")
        page.on("request", lambda r: r.url.startswith(own) or page.errors.append(r.url))
        yield page


@pytest.fixture(autouse=True)
def loaded(page, address):
    """The page as a visitor finds it."""
    page.errors.clear()
    page.goto(address)
    ready(page)
    yield
    assert not page.errors


def ready(page, state="ready"):
    page.wait_for_selector(f"body[data-state={state}]")


def shown(page, selectors=PICTURES):
    """The sources of pictures, once they are painted."""
    ready(page)
    return [page.locator(selector).get_attribute("src") for selector in selectors]


def upload(page, content, name="mine.png"):
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    page.locator("#file").set_input_files(file)


def test_the_first_page_shows_a_sample(page):
    assert "8×12 pixels" in page.locator("#facts").inner_text()
    assert page.locator("#samples img").count() == 4
    assert page.locator("#status").inner_text() == "10 of 16 patches kept"
    first = shown(page)
    assert all(first) and len(set(first)) == 4
    painted = page.locator(".repaint").evaluate_all(
        "images => images.filter(i => i.naturalWidth === 12).length"
    )
    assert painted == 4
    page.locator("#samples button").nth(1).click()
    page.wait_for_selector('#samples button:nth-child(2)[aria-pressed="true"]')
    assert all(a != b for a, b in zip(first, shown(page)))


def test_an_upload_and_the_controls_change_the_pictures(page, pixels):
    upload(page, encoded(pixels))
    seen, attention, kept, repaint = shown(page)
    np.testing.assert_array_equal(decoded(seen), pixels)

    page.locator("#mask_ratio").fill("0.75")
    assert page.locator("#mask_ratio_value").inner_text() == "0.75"
    more = shown(page)
    assert more[:2] == [seen, attention] and more[3] != repaint
    assert page.locator("#status").inner_text() == "4 of 16 patches kept"
    assert (decoded(more[2])[..., 3] > 0).sum() == 4 * 6

    page.locator("#attention_block").select_option("0")
    earlier = shown(page)
    assert earlier[0] == seen and earlier[1] != attention

    page.locator("#temperature").press("Home")
    assert (
        "repaints keep the same patches"
        in page.locator("#temperature_help").inner_text()
    )
    ready(page)
    sources = page.locator(".repaint").evaluate_all("images => images.map(i => i.src)")
    assert len(set(sources)) == 1

    page.locator("#rate").press("Home")
    assert decoded(shown(page)[3]).tolist() == pixels.tolist()
    assert page.locator(".unchanged").all_inner_texts() == ["unchanged"] * 4

    page.locator("#strategy").select_option("random")
    assert page.locator("#temperature").is_disabled()
    page.locator("#again").click()
    ready(page)
    assert page.locator(".seed").all_inner_texts() == [f"seed {i}" for i in range(4, 8)]


def test_the_copied_line_paints_the_first_picture(page, pixels):
    upload(page, encoded(pixels))
    ready(page)
    page.locator("#mask_ratio").fill("0.5")
    picture = decoded(shown(page)[3])
    page.locator("#copy").click()
    page.locator("#copy", has_text="Copied").wait_for()
    line = page.evaluate("navigator.clipboard.readText()")
    assert "mask_ratio=0.5" in line
    layer = eval(line, {"keras_mra": keras_mra})
    np.testing.assert_array_equal(picture, keras.ops.convert_to_numpy(layer(pixels)))


def drop(page, content, zeros=0):
    """Drops a file of the content and then so many zeros."""
    page.evaluate(
        """([content, zeros]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const file = new File([bytes, new Uint8Array(zeros)], "a.png");
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(file);
            const options = {dataTransfer, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("drop", options));
        }""",
        [base64.b64encode(content).decode(), zeros],
    )


def test_a_dropped_file(page, pixels):
    drop(page, encoded(pixels))
    np.testing.assert_array_equal(decoded(shown(page)[0]), pixels)


def test_a_bad_file_is_explained_and_the_last_picture_stays(page):
    before = shown(page)
    upload(page, b"no image", "photo.png")
    ready(page, "error")
    assert "must be an image file" in page.locator("#error").inner_text()
    assert pressed(page) == [True, False, False, False]
    drop(page, b"", zeros=16 * 2**20 + 1)
    error = page.locator("#error", has_text="at most 16 MB")
    error.wait_for()
    # The browser logs the status itself.
    page.errors[:] = [e for e in page.errors if "status of 415" not in e]
    page.locator("#again").click()
    assert shown(page)[:2] == before[:2]
    assert page.locator("#error").is_hidden()


def pressed(page):
    """Which of the samples are marked."""
    buttons = page.locator("#samples button").all()
    return [button.get_attribute("aria-pressed") == "true" for button in buttons]


def test_a_busy_server_is_asked_again_for_the_same_picture(page):
    first = shown(page)
    page.locator("#samples button").nth(1).click()
    second = shown(page)
    page.locator("#samples button").nth(0).click()
    assert shown(page) == first
    answer = {"status": 503, "json": {"error": "Busy."}}
    page.route("**/repaint", lambda route: route.fulfill(**answer), times=1)
    page.locator("#samples button").nth(1).click()
    ready(page, "error")
    assert page.locator("#error").inner_text() == "Busy."
    page.errors[:] = [e for e in page.errors if "status of 503" not in e]
    page.locator("#strategy").select_option("random")
    page.locator("#strategy").select_option("attention")
    assert shown(page) == second
    assert pressed(page)[:2] == [False, True]


def test_a_refused_file_stays_refused_while_another_picture_is_painted(
    page, monkeypatch
):
    call = Repaints.__call__
    asked, dropped = [], threading.Event()

    def slow(self, picture, requested):
        asked.append(requested.mask_ratio)
        dropped.wait(20)
        return call(self, picture, requested)

    monkeypatch.setattr(Repaints, "__call__", slow)
    page.locator("#again").click()
    while not asked:
        page.wait_for_timeout(10)
    page.locator("#mask_ratio").fill("0.75")
    drop(page, b"", zeros=16 * 2**20 + 1)
    dropped.set()
    page.locator("#line", has_text="mask_ratio=0.75").wait_for()
    # The pictures have the settings of the page, and the error stays.
    ready(page, "error")
    assert page.locator("#error").is_visible()
    page.locator("#again").click()
    ready(page)
    assert page.locator("#error").is_hidden()


def test_what_is_dropped_must_be_a_file(page):
    page.evaluate(
        """() => document.body.dispatchEvent(new DragEvent("drop", {
            dataTransfer: new DataTransfer(), bubbles: true, cancelable: true}))"""
    )
    ready(page, "error")
    assert "Only image files" in page.locator("#error").inner_text()


def test_without_repaints_all_patches_are_kept(page):
    page.locator("#rate").fill("0")
    ready(page)
    page.locator("#status", has_text="All of").wait_for()


def test_an_answer_that_comes_late_is_not_shown(page, monkeypatch):
    asked, call = [], Repaints.__call__

    def slow(self, picture, requested):
        asked.append(requested.attention_block)
        time.sleep(0.3)
        return call(self, picture, requested)

    monkeypatch.setattr(Repaints, "__call__", slow)
    page.evaluate(
        """() => {
            const line = document.getElementById("line");
            window.lines = [];
            new MutationObserver(() => window.lines.push(line.textContent)).observe(
                line, {childList: true});
        }"""
    )
    page.locator("#attention_block").select_option("0")
    while not asked:
        page.wait_for_timeout(10)
    page.locator("#attention_block").select_option("")
    ready(page)
    assert asked == [0, None]
    (line,) = page.evaluate("window.lines")
    assert "attention_block" not in line


def test_the_last_of_many_changes_is_shown(page):
    slider = page.locator("#mask_ratio")
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
    ready(page)
    assert "mask_ratio=0.6," in page.locator("#line").inner_text()


def test_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 700})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 720})
    assert width <= 360


def test_every_control_has_a_name(page):
    controls = page.locator("input, select, button").all()
    assert len(controls) > 8
    for control in controls:
        name = control.evaluate(
            "c => [...(c.labels || [])].map(l => l.textContent).join() || c.textContent"
            " || c.querySelector('img').alt"
        )
        assert name.strip()
