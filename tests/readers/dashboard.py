"""Opens a dashboard in headless Chromium and tells what is on it.

usage: dashboard.py PAGE.html [--screenshot-dir DIR] [--expect-text TEXT]...

Opens the file in each of MODES and prints one JSON object: `chromium`, its version; `modes`, by mode what was seen; and
`no_script`, the text of the page without JavaScript. It judges nothing: whoever calls it does. Of each mode:

  console       messages of the browser's console, as {type, text}
  page_errors   exceptions that nothing caught
  requests      addresses asked for, but for the page itself
  dialogs       what alert, confirm and prompt said
  overflow_px   by how much the page is wider than the window; with all tables open as `overflow_open_px`
  charts        by id {drawn, clipped_px}: shapes and texts in it, and by how much it sticks out of its box
  tiles         by name {value, said}: the headline
  sections      by id {title, tables}: rows of each table, in order
  scripts       number of <script> elements
  expected      by TEXT whether it stands on the page as text, tables open
  violations    what axe-core found against WCAG 2 A and AA, tables open and cut after some rows, as {id, impact, nodes}

With DIR there are LIGHT.png and so on, of the whole page, and print.pdf. Chromium is CHROMIUM of the environment, else
`chromium` of the PATH.
"""

import argparse
import json
import os
import pathlib
import shutil

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

MODES = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2, "has_touch": True},
    "print": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "resultTypes": ["violations"]}

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

CHARTS = """Object.fromEntries([...document.querySelectorAll('.chart')].map((box) => {
    const svg = box.querySelector('svg');
    const clipped = svg ? svg.getBoundingClientRect().right - box.getBoundingClientRect().right : 0;
    const drawn = svg ? svg.querySelectorAll('path, rect, text, circle, polygon').length : 0;
    return [box.id, { drawn, clipped_px: Math.max(0, Math.round(clipped)) }];
}))"""

TILES = """Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) => {
    const text = (name) => tile.querySelector(name).textContent;
    return [text('dt'), { value: text('.value'), said: text('.said') }];
}))"""

SECTIONS = """Object.fromEntries([...document.querySelectorAll('main section')].map((section) => {
    const tables = [...section.querySelectorAll('table')].map((table) => table.tBodies[0].rows.length);
    return [section.id, { title: section.querySelector('h2').textContent, tables }];
}))"""

OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

# Rows are alike, and axe-core takes minutes for those of a long table.
CUT_TABLES = "document.querySelectorAll('tbody tr:nth-child(n + 20)').forEach((row) => row.remove())"

# Text of the page and of its charts, as it is rendered.
SHOWN = "document.body.innerText"


def executable():
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        raise SystemExit("expected a Chromium, found none: set CHROMIUM, or install Debian's package `chromium`")
    return found


def listen(page, address):
    seen = {"console": [], "page_errors": [], "requests": [], "dialogs": []}

    def asked(request):
        if request.url != address and not request.url.startswith("data:"):
            seen["requests"].append(request.url)

    def told(dialog):
        seen["dialogs"].append(dialog.message)
        dialog.dismiss()

    page.on("console", lambda message: seen["console"].append({"type": message.type, "text": message.text}))
    page.on("pageerror", lambda error: seen["page_errors"].append(str(error)))
    page.on("request", asked)
    page.on("dialog", told)
    return seen


def violations(page):
    found = Axe().run(page, options=WCAG).response["violations"]
    return [{"id": one["id"], "impact": one["impact"], "nodes": [node["html"][:200] for node in one["nodes"]][:5]} for one in found]


def facts(page, expected):
    told = {
        "overflow_px": page.evaluate(OVERFLOW),
        "charts": page.evaluate(CHARTS),
        "tiles": page.evaluate(TILES),
        "sections": page.evaluate(SECTIONS),
        "scripts": page.evaluate("document.scripts.length"),
    }
    page.evaluate(OPEN_ALL)
    shown = page.evaluate(SHOWN)
    told["expected"] = {text: text in shown for text in expected}
    told["overflow_open_px"] = page.evaluate(OVERFLOW)
    page.evaluate(CUT_TABLES)
    told["violations"] = violations(page)
    return told


def visit(browser, mode, address, expected, directory):
    context = browser.new_context(**MODES[mode])
    page = context.new_page()
    seen = listen(page, address)
    page.goto(address, wait_until="load")
    if mode == "print":
        page.emulate_media(media="print")
    # A turn of the event loop after the last redrawing.
    page.wait_for_timeout(300)
    if directory:
        page.screenshot(path=directory / f"{mode}.png", full_page=True)
        if mode == "print":
            page.pdf(path=directory / "print.pdf", format="A4", prefer_css_page_size=True)
    told = facts(page, expected)
    context.close()
    return {**seen, **told}


def without_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.locator("main").inner_text()
    context.close()
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshot-dir", type=pathlib.Path)
    parser.add_argument("--expect-text", action="append", default=[])
    options = parser.parse_args()
    directory = options.screenshot_dir
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
    address = options.page.resolve().as_uri()
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable(), args=arguments)
        modes = {mode: visit(browser, mode, address, options.expect_text, directory) for mode in MODES}
        told = {"chromium": browser.version, "modes": modes, "no_script": without_script(browser, address)}
        browser.close()
    print(json.dumps(told, ensure_ascii=False))


main()
