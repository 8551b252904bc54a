"""The topology, the question of reach, a port's page, and addresses that can be sent to others."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.host import URL, Host, browser, host, networks, opened


def routed() -> dict[str, Any]:
    """Two networks with a router, which has a way out, and one without."""
    intent = networks(3, 2)
    for network, name in zip(intent["networks"], ("blue", "green", "lonely"), strict=True):
        network["name"] = name
        for number, port in enumerate(network["ports"]):
            port["name"] = f"{name}-{number}"
    intent["routers"] = [
        {
            "name": "edge",
            "networks": ["blue", "green"],
            "uplink": {"device": "outside", "addresses": ["203.0.113.2/24"], "gateways": ["203.0.113.1"]},
            "floating_ips": [{"address": "203.0.113.9", "to": "10.0.0.10"}],
        }
    ]
    return intent


@contextmanager
def routed_host(intent: dict[str, Any] | None = None) -> Iterator[tuple[Host, Browser]]:
    subprocess.run(["ip", "link", "add", "outside", "type", "bridge"], check=True)
    with host(intent or routed()) as found, browser() as chromium:
        yield found, chromium


def says(page: Page) -> Any:
    return expect(page.locator(".says"))


def test_the_drawing_has_networks_routers_guests_and_the_way_out() -> None:
    with routed_host() as (found, chromium), opened(chromium, "#/topology") as page:
        expect(page.locator(".router.box")).to_contain_text("203.0.113.9 is 10.0.0.10")
        expect(page.locator(".uplink")).to_contain_text("out by outside as 203.0.113.2")
        expect(page.locator(".routed .net h3 a")).to_have_text(["blue", "green"])
        expect(page.locator(".island .net h3 a")).to_have_text(["lonely"])
        expect(page.locator(".routed .guests").first).to_contain_text("blue-0 10.0.0.10")
        page.get_by_label("Find").fill("lonely")
        expect(page.locator(".net")).to_have_count(1)
        assert page.url.endswith("#/topology?q=lonely")
        found.write(networks(1, 1))
        page.get_by_label("Find").fill("")
        expect(page.locator(".net h3 a")).to_have_text(["network-0000"])


def test_who_reaches_whom_is_answered_and_drawn_and_stands_in_the_address() -> None:
    with routed_host() as (_, chromium):
        with opened(chromium, "#/topology") as page:
            page.get_by_label("Can", exact=True).fill("blue-0")
            page.get_by_label("reach", exact=True).fill("green-1")
            page.get_by_role("button", name="Ask").click()
            says(page).to_contain_text("blue-0 reaches 10.0.1.11 by TCP port 80")
            expect(page.locator(".map .on-way")).to_have_count(5)
            expect(page.locator(".router.box .step")).to_have_text("3")
            address = page.url
        with opened(chromium, address.removeprefix(URL)) as page:  # sent to somebody else
            says(page).to_contain_text("blue-0 reaches 10.0.1.11 by TCP port 80")
        with opened(chromium, "#/topology?from=lonely-0&to=blue-0&protocol=icmp") as page:
            says(page).to_contain_text("lonely-0 does not reach 10.0.0.10 by ICMP: neither a port nor a router")
            expect(page.get_by_label("port", exact=True)).to_be_disabled()
        page = chromium.new_context().new_page()  # whose console notes the refusal
        page.goto(f"{URL}#/topology?from=nobody&to=blue-0")
        says(page).to_contain_text("from: no port has the id, name or address 'nobody'")


def test_a_port_has_a_page_with_what_guards_it_and_what_passed() -> None:
    intent = routed()
    subprocess.run(["ip", "netns", "add", "guest-blue-0"], check=True)
    intent["networks"][0]["ports"][0] |= {"plug": {"netns": "guest-blue-0"}, "hostname": "one"}
    intent["networks"][1]["ports"][1]["plug"] = {"netns": "guest-not-there"}
    with routed_host(intent) as (_, chromium), opened(chromium, "#/ports?q=blue-0") as page:
        page.locator(".rows .row").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("blue-0 on blue")
        expect(page.locator(".facts")).to_contain_text("edge, published as 203.0.113.9")
        expect(page.get_by_text("It sends by its own addresses alone (port security).")).to_be_visible()
        expect(page.get_by_role("rowheader", name="The guest sent")).to_be_visible()
        page.get_by_role("link", name="What can it reach?").click()
        says(page).to_contain_text("blue-0 reaches the world (192.0.2.1) by TCP port 80")
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("blue-0 on blue")
        page.go_back()
        expect(page.get_by_label("Find")).to_have_value("blue-0")
        expect(page.locator(".rows .row")).to_have_count(1)
        page.get_by_label("Find").fill("green-1")
        page.get_by_role("link", name="green-1").click()
        expect(page.locator(".why")).to_contain_text("waiting for the guest's namespace guest-not-there")
        expect(page.locator(".events")).to_contain_text("green")


def test_where_the_page_only_shows_it_says_how_to_act() -> None:
    intent = networks(1, 1)
    intent["networks"][0]["ports"][0]["plug"] = {"netns": "guest-not-there"}
    with host(intent) as found, browser() as chromium:
        page = chromium.new_context().new_page()
        page.goto(URL)
        page.get_by_role("button", name="Try again now").first.click()
        expect(page.locator(".said").first).to_contain_text("netmend retry [NETWORK]")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(URL + "view/retry", method="POST"), timeout=30)
        assert json.loads(found.get("view/topology"))["networks_total"] == 1


def test_chosen_filters_stand_in_the_address() -> None:
    with host(networks(5, 1)) as found, browser() as chromium:
        found.wait_for("view/networks")
        with opened(chromium, "#/networks?q=0003&sort=name") as page:
            expect(page.locator(".rows .row")).to_have_count(1)
            expect(page.get_by_label("Order")).to_have_value("name")
            page.get_by_label("Find").fill("")
            page.get_by_role("button", name="not served").click()
            expect(page.locator(".note")).to_have_text("No network is like that.")
            expect(page).to_have_url(f"{URL}#/networks?state=not+served&sort=name")  # a moment after the last key
            page.reload()
            expect(page.get_by_role("button", name="not served")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [768, 1440])
def test_no_cell_of_a_list_is_cut(width: int) -> None:
    intent = networks(2, 2)
    for network in intent["networks"]:
        block = f"2001:db8:{network['name'][-1]}"
        network["subnets"].append({"cidr": f"{block}::/64", "address_mode": "slaac", "ra_mode": "slaac"})
    cut = """() => [...document.querySelectorAll(".rows .cell")].filter((cell) =>
      getComputedStyle(cell).display !== "none" && (cell.scrollWidth > cell.clientWidth + 1
        || cell.scrollHeight > cell.clientHeight + 1)).map((cell) => cell.textContent)"""
    with host(intent) as found, browser() as chromium:
        one = json.loads(found.get("view/networks"))["rows"][0]["id"]
        for view in ("#/networks", "#/ports", f"#/networks/{one}"):
            with opened(chromium, view, viewport={"width": width, "height": 900}) as page:
                expect(page.locator(".rows .row").first).to_be_visible()
                page.wait_for_timeout(300)
                assert page.evaluate(cut) == [], view
                assert page.evaluate("document.documentElement.scrollWidth") <= width
