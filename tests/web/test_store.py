"""The page beside the store's API, at the same address: for bearers of a token, and following what the API changes."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.kernel.store_node import make_guest
from tests.waiting import wait_for
from tests.web.host import URL, Host, browser, opened


@contextmanager
def stored(*arguments: str) -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="netmend-web-") as directory:
        found = Host(Path(directory))
        try:
            found.start_store(*arguments)
            yield found
        finally:
            found.stop()


def token(found: Host) -> str:
    return (found.directory / "state" / "api-tokens").read_text().split()[0]


def post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
    request = urllib.request.Request(
        URL + path, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_browsers_get_the_page_and_clients_the_versions_at_one_address() -> None:
    with stored() as found:
        assert b"<title>netmend" in found.get("", {"Accept": "text/html,*/*"})
        assert json.loads(found.get("", {"Accept": "application/json"}))["versions"][0]["id"] == "v2.0"
        assert json.loads(found.get(""))["versions"]


def test_the_page_asks_for_a_token_and_follows_the_api() -> None:
    with stored() as found, browser() as chromium:
        for path in ("view/overview", "view/live", "view/ports", "metrics", "v2.0/networks"):
            assert found.status(path) == 401, path
        bearer = {"Authorization": f"Bearer {token(found)}"}
        assert b"netmend_networks" in found.get("metrics", bearer)
        page = chromium.new_context().new_page()
        page.goto(URL)
        field = page.get_by_label("Token")
        field.fill("a-token-that-nobody-made")
        field.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("There is no such token.")
        field.fill(token(found))
        field.press("Enter")
        expect(page.locator("#connection-text")).to_have_text("live")
        cookie = page.context.cookies()[0]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert page.evaluate("fetch('/v2.0/networks').then((answer) => answer.status)") == 401  # never by cookie

        network = post("v2.0/networks", {"network": {"name": "<b>lab</b>"}}, bearer)["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24"}
        post("v2.0/subnets", {"subnet": subnet}, bearer)
        began = time.monotonic()
        post("v2.0/ports", {"port": {"network_id": network["id"], "name": "guest"}}, bearer)
        expect(page.locator("#count-ports")).not_to_have_text("0")
        took = time.monotonic() - began
        print(f"from a port's 201 to the page: {took * 1000:.0f} ms")
        assert took < 1.5
        expect(page.locator("#verdict")).to_have_text("The one network is served")
        page.get_by_role("navigation").get_by_role("link", name="Networks").click()
        page.get_by_role("link", name="<b>lab</b>").click()
        expect(page.locator(".ports .rows")).to_contain_text("guest")


def test_a_guest_that_boots_is_watched_on_the_page() -> None:
    """A port made over the API, a guest attached to it by the verb, a real DHCP client in it; seen as it comes."""
    with stored("--api-no-tokens") as found, browser() as chromium:
        network = post("v2.0/networks", {"network": {"name": "lab"}}, {})["network"]
        post("v2.0/subnets", {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24"}}, {})
        port = post("v2.0/ports", {"port": {"network_id": network["id"], "name": "guest"}}, {})["port"]
        # a name made before netmend has prepared the directory would be covered by its mount
        wait_for(lambda: json.loads(found.get("view/overview"))["states"]["served"], "the network is served")
        namespace = make_guest("guest")
        with opened(chromium, f"#/networks/{network['id']}") as page:
            row = page.locator(".ports .rows .row")
            expect(row).to_contain_text("not plugged")
            expect(row).to_contain_text("not yet")
            attach = [sys.executable, "-m", "netmend.cli", "attach", "guest", "--netns", "guest"]
            subprocess.run([*attach, "--runtime-dir", str(found.directory / "run")], check=True, timeout=60)
            with namespace.entered():
                subprocess.run(["busybox", "ip", "link", "set", "eth0", "up"], check=True)
                client = ["udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", "/bin/true"]
                said = subprocess.run(client, check=True, capture_output=True, text=True, timeout=60).stderr
            assert f"lease of {port['fixed_ips'][0]['ip_address']} obtained" in said
            began = time.monotonic()
            expect(row).to_contain_text("ago")
            print(f"from the lease to the page: {(time.monotonic() - began) * 1000:.0f} ms")
            expect(page.locator(".service").first).to_contain_text("ack 1")
            page.goto(URL + "#/")
            expect(page.locator("#verdict")).to_have_text("The one network is served")


def test_without_tokens_a_name_that_somebody_elses_dns_gave_opens_nothing() -> None:
    with stored("--api-no-tokens") as found, browser() as chromium, opened(chromium):
        for path in ("", "view/overview", "metrics", "v2.0/networks"):
            assert found.status(path, {"Accept": "text/html"}) == 200, path
            assert found.status(path, {"Host": "rebound.example:9696"}) == 421, path
            assert found.status(path, {"Origin": "http://elsewhere.example"}) == 403, path
            assert found.status(path, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}) == 403, path
        with pytest.raises(urllib.error.HTTPError, match="403"):
            post("v2.0/networks", {"network": {}}, {"Origin": "http://127.0.0.2:9696"})


def test_to_try_again_takes_the_token_itself() -> None:
    with stored() as found, browser() as chromium:
        bearer = {"X-Auth-Token": token(found)}
        network = post("v2.0/networks", {"network": {"name": "lab"}}, bearer)["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24"}
        post("v2.0/subnets", {"subnet": subnet}, bearer)
        plugged = {
            "network_id": network["id"],
            "name": "guest",
            "binding:host_id": "",
            "netmend": {"plug": {"netns": "gone"}},
        }
        post("v2.0/ports", {"port": plugged}, bearer)
        page = chromium.new_context().new_page()
        page.goto(URL)
        page.get_by_role("textbox", name="Token").fill(token(found))
        page.get_by_role("textbox", name="Token").press("Enter")
        expect(page.locator(".why")).to_contain_text("waiting for the guest's namespace gone")
        page.get_by_role("button", name="Try again now").first.click()
        page.get_by_role("textbox", name="Token").fill("a-token-that-nobody-made")
        page.get_by_role("textbox", name="Token").press("Enter")
        expect(page.locator(".said").first).to_have_text("There is no such token.")
        before = json.loads(found.get("view/overview", bearer))["reconciler"]["passes"]
        page.get_by_role("button", name="Try again now").first.click()
        page.get_by_role("textbox", name="Token").fill(token(found))
        page.get_by_role("textbox", name="Token").press("Enter")
        wait_for(
            lambda: json.loads(found.get("view/overview", bearer))["reconciler"]["passes"] > before, "another pass"
        )
        assert post("view/retry?network=lab", {}, bearer) == {"network": network["id"]}
        with pytest.raises(urllib.error.HTTPError, match="404"):
            post("view/retry?network=nobody", {}, bearer)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post("view/retry", {}, {"Cookie": f"netmend-token={token(found)}"})
