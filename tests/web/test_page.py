"""The page in Chromium: what an operator sees, that it is told at once, and that names are only ever text."""

import os
import signal
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.web.host import URL, Host, browser, host, networks, opened

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
VIEWS = ("#/", "#/networks", "#/topology", "#/ports", "#/mounts", "#/events")
HOSTILE = [
    "<img src=x onerror=document.title='owned'>",
    "\"><script>document.title='owned'</script>",
    "{{constructor.constructor('document.title=1')()}}",
    "javascript:document.title='owned'",
    "</title></style></textarea><svg onload=document.title=1>",
    "%3Cscript%3E #/../?q=<b>&amp;\\u003c",
    "'; DROP TABLE networks; --",
    "ok" * 120,
]


def hostile() -> dict[str, Any]:
    intent = networks(len(HOSTILE), 2)
    for network, name in zip(intent["networks"], HOSTILE, strict=True):
        network["name"] = name
        network["ports"][0]["name"] = name
        network["ports"][1]["plug"] = {
            "netns": name.replace("/", "-")[:60]
        }  # waited for: a resync reason with the name
    return intent


def text(page: Page, selector: str) -> str:
    return str(page.locator(selector).inner_text())


def test_hostile_names_are_text_everywhere() -> None:
    with host(hostile()) as found, browser() as chromium:
        found.wait_for("view/events")
        for view in VIEWS:
            with opened(chromium, view) as page:
                page.wait_for_timeout(700)
                check_nothing_came_of_names(page)
        with opened(chromium, "#/networks") as page:
            for name in HOSTILE:
                row = page.get_by_role("link", name=name, exact=True)
                expect(row).to_be_visible()
            page.get_by_role("link", name=HOSTILE[0], exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE[0])
            expect(page.locator(".ports .rows .row").first).to_contain_text(HOSTILE[0])
            check_nothing_came_of_names(page)


def check_nothing_came_of_names(page: Page) -> None:
    assert page.title().endswith("· netmend")
    made = page.evaluate(
        "document.querySelectorAll('main img, script:not([src]), main svg[onload], main iframe').length"
    )
    assert made == 0


def test_the_policy_stops_what_would_get_through_all_the_same() -> None:
    """Were a name ever put in as markup, the browser would refuse: the policy itself is tried."""
    with host(networks(1, 1)), browser() as chromium:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(URL)
        refused = page.evaluate(
            """() => {
              try { document.body.innerHTML = "<img src=x onerror=1>"; } catch (error) { return error.name; }
              return "made";
            }"""
        )
        assert refused == "TypeError"
        page.evaluate(
            """() => {
              const image = document.createElement("img");
              image.src = "http://127.0.0.2:9696/x";
              document.body.append(image);
            }"""
        )
        page.wait_for_timeout(200)
        assert page.evaluate("document.querySelector('img').naturalWidth") == 0


def test_everything_comes_from_the_node() -> None:
    with host(networks(3, 3)), browser() as chromium:
        context = chromium.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for view in VIEWS:
            page.goto(URL + view)
            page.wait_for_timeout(300)
        assert asked
        assert [url for url in asked if not url.startswith(URL)] == []


def test_a_change_of_intent_is_shown_within_a_second() -> None:
    with host(networks(3, 2)) as found, browser() as chromium, opened(chromium, "#/networks") as page:
        expect(page.locator(".rows .row")).to_have_count(3)
        took = []
        for count in (4, 5, 6, 5):
            began = time.monotonic()
            found.write(networks(count, 2))
            expect(page.locator("#count-networks")).to_have_text(str(count))
            took.append(time.monotonic() - began)
            expect(page.locator(".rows .row")).to_have_count(count)
        print(f"from the file to the page: {', '.join(f'{seconds * 1000:.0f} ms' for seconds in took)}")
        assert sorted(took)[1] < 1.0, took


def test_what_is_wrong_is_shown_with_its_reason_and_goes_when_it_is_mended() -> None:
    intent = networks(2, 1)
    intent["networks"][0]["ports"][0]["plug"] = {"netns": "guest-not-there"}
    with host(intent) as found, browser() as chromium, opened(chromium) as page:
        expect(page.locator("#verdict")).to_have_text("Served, with 1 resync reason")
        expect(page.locator(".why")).to_contain_text(
            "waiting for the guest's namespace guest-not-there: no such name yet"
        )
        expect(page.locator(".why")).to_contain_text("next")
        found.write(networks(2, 1))
        expect(page.locator("#verdict")).to_have_text("All 2 networks are served")
        expect(page.locator(".events li").first).to_be_visible()


def test_a_dead_node_is_not_shown_as_living() -> None:
    with host(networks(1, 1)) as found, browser() as chromium:
        page = chromium.new_context().new_page()
        page.goto(URL)
        page.wait_for_selector("[data-connection=live]")
        os.kill(found.pid, signal.SIGSTOP)  # hangs, and keeps its connections
        try:
            expect(page.locator("#connection-text")).to_contain_text("what you see is old", timeout=12_000)
        finally:
            os.kill(found.pid, signal.SIGCONT)
        expect(page.locator("#connection-text")).to_have_text("live", timeout=10_000)
        found.stop()
        expect(page.locator("#connection-text")).to_contain_text("no answer", timeout=10_000)
        expect(page.locator("#verdict")).to_have_text("The node does not answer; before: The one network is served")
        found.start()
        expect(page.locator("#connection-text")).to_have_text("live", timeout=20_000)


def test_devices_above_intent_are_seen_in_the_first_seconds() -> None:
    from netmend.intent.names import DEVICE_GROUP
    from netmend.kernel import links
    from netmend.kernel.netlink import RouteSocket

    with host(networks(2, 1)), browser() as chromium, opened(chromium) as page:
        expect(page.locator("#verdict")).to_have_text("All 2 networks are served")
        with RouteSocket() as route:
            for number in range(5):
                links.create_bridge(route, f"stray{number}", 1500, DEVICE_GROUP, f"02:00:00:00:00:0{number}")
        expect(page.get_by_text("5 above intent")).to_be_visible(timeout=3_000)
        expect(page.locator("path.excess")).to_have_count(1, timeout=3_000)
        expect(page.locator("#verdict")).to_have_text("5 devices above intent")


def test_a_browser_on_the_host_loads_the_page_while_devices_come_and_go() -> None:
    with host(networks(1, 1)) as found, browser() as chromium:
        for count in range(2, 14):
            found.write(networks(count, 1))  # makes devices, and drops the browser's requests
            with opened(chromium, "#/networks") as page:
                expect(page.locator("#count-networks")).to_have_text(str(count))
                expect(page.locator(".rows .row")).to_have_count(count)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_view_without_scrolling_sideways(scheme: str) -> None:
    intent = networks(12, 8)
    intent["networks"][3]["name"] = "a-network-whose-name-is-longer-than-any-phone-is-wide-" + "x" * 60
    with host(intent) as found, browser() as chromium:
        for view in (*VIEWS, f"#/networks/{first_network(found)}"):
            with opened(chromium, view, **PHONE, color_scheme=scheme) as page:
                page.wait_for_timeout(500)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert wide <= 360, f"{view}: {wide} px wide"


def first_network(found: Host) -> str:
    import json

    return str(json.loads(found.get("view/networks?limit=1"))["rows"][0]["id"])
