"""By keyboard alone, and by those who do not see: a walk with keys, and axe-core's rules on every view."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.web.host import browser, host, networks, opened

OUTLINE = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return { style: outlineStyle, width: outlineWidth };
}"""
VIEWS = ("#/", "#/networks", "#/topology?from=vm-0001-001&to=vm-0002-001", "#/ports", "#/mounts", "#/events")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim().replace(/\\s+/g, ' ').slice(0, 60)"))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_walk_by_keyboard() -> None:
    with host(networks(150, 120)), browser() as chromium, opened(chromium) as page:
        expect(page.locator("#verdict")).to_contain_text("150 networks are served")
        press(page, "Tab")
        assert focused(page) == "Skip to what is shown"
        press(page, "Tab")
        assert focused(page) == "Now"
        press(page, "Tab", "Enter")
        expect(page.get_by_role("heading", name="Networks")).to_be_visible()
        assert page.evaluate("document.activeElement.id") == "main"  # a reader goes on from what is new

        row = page.locator("#main .rows .row[tabindex='0']")
        expect(row).to_have_attribute("aria-rowindex", "2")
        row.focus()
        press(page, "ArrowDown", "ArrowDown")
        assert index(page) == 4
        press(page, "End")
        assert index(page) == 151
        expect(page.locator(":focus")).to_be_in_viewport()
        expect(page.locator(":focus")).to_contain_text("network-0149")
        press(page, "Home", "PageDown")
        assert index(page) > 5
        press(page, "Home", "ArrowDown", "Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("network-0001")

        page.keyboard.press("Tab")  # the way back, then into the ports
        assert focused(page) == "← Networks"
        port = page.locator(".ports .rows .row[tabindex='0']")
        port.focus()
        press(page, "End")
        expect(page.locator(":focus")).to_contain_text("vm-0001-119")
        page.go_back()
        expect(page.get_by_role("heading", name="Networks")).to_be_visible()


def index(page: Page) -> int:
    return int(page.evaluate("document.activeElement.getAttribute('aria-rowindex')"))


def test_focus_can_be_seen() -> None:
    with host(networks(3, 3)), browser() as chromium, opened(chromium, "#/networks") as page:
        page.wait_for_timeout(500)
        seen = 0
        for _ in range(14):
            press(page, "Tab")
            style: dict[str, str] = page.evaluate(OUTLINE)
            if page.evaluate("document.activeElement !== document.body && document.activeElement.id !== 'main'"):
                assert style["style"] != "none", focused(page)
                assert float(style["width"].removesuffix("px")) >= 1, focused(page)
                seen += 1
        assert seen >= 10


def test_the_curve_is_read_out_by_arrow_keys() -> None:
    with host(networks(2, 2)), browser() as chromium, opened(chromium) as page:
        curve = page.get_by_role("img", name="netmend's devices against intent")
        expect(curve).to_have_attribute("aria-label", re.compile("4 found, 4 wanted"))
        page.wait_for_timeout(2500)
        curve.focus()
        press(page, "ArrowLeft", "ArrowLeft")
        expect(page.locator(".devices .reading").first).to_contain_text("4 found, 4 wanted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["desk", "phone"])
def test_no_rule_of_axe_is_broken(scheme: str, place: str) -> None:
    intent = networks(40, 6)
    intent["networks"][0]["ports"][0]["plug"] = {"netns": "guest-not-there"}
    settings: dict[str, Any] = {"color_scheme": scheme}
    if place == "phone":
        settings |= {"viewport": {"width": 360, "height": 740}, "is_mobile": True}
    found: list[str] = []
    with host(intent), browser() as chromium:
        for view in (*VIEWS, "one"):
            with opened(chromium, "#/networks" if view == "one" else view, **settings, bypass_csp=True) as page:
                page.wait_for_timeout(800)
                if view == "one":
                    page.locator(".rows .row a").first.click()
                    page.wait_for_timeout(800)
                result = Axe().run(page).response
                assert len(result["passes"]) > 15
                found += [
                    f"{view}: {broken['id']} ({broken['impact']}): {broken['help']}: {broken['nodes'][0]['html'][:150]}"
                    for broken in result["violations"]
                ]
    assert not found, "\n".join(found)
