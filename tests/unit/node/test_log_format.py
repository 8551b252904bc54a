"""Lines as oslo.log writes them."""

import os

from netmend.node.log_format import oslo_text


def test_a_line_and_its_traceback() -> None:
    line = {"timestamp": "2026-11-30 09:13:51.482", "level": "warning", "event": "it failed", "network": "n 1"}
    assert oslo_text(line) == (f"2026-11-30 09:13:51.482 {os.getpid()} WARNING netmend [-] it failed network='n 1'")
    line |= {"level": "error", "logger": "aiohttp.server", "exception": "Traceback:\n  why"}
    begin = f"2026-11-30 09:13:51.482 {os.getpid()} ERROR aiohttp.server"
    assert oslo_text(line).splitlines() == [
        f"{begin} [-] it failed network='n 1'",
        f"{begin} Traceback:",
        f"{begin}   why",
    ]
