"""How often each guest of a network has asked lately, as the haproxy of Neutron's agents counts it (`http_req_rate` of
its stick-tables): the requests of the window under way, and of the one before as much as is less than a window ago.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from msgspec import Struct

from netmend.intent.metadata import RequestRates

_KEPT: Final = 10_240  # guests that are counted; Neutron's tables hold as many


class _Count(Struct):
    began: float
    now: int = 0
    before: int = 0

    def ask(self, at: float, seconds: int) -> float:
        """Count a request; returns how many there were in the last `seconds`."""
        passed = int((at - self.began) // seconds)
        if passed:
            self.before = self.now if passed == 1 else 0
            self.began, self.now = self.began + passed * seconds, 0
        self.now += 1
        return self.now + self.before * (1 - (at - self.began) / seconds)


class RequestCounts:
    """The guests of one network. Used in one thread."""

    def __init__(self) -> None:
        self._counts: dict[IPv4Address | IPv6Address, list[_Count]] = {}
        self._rates: RequestRates | None = None

    def admits(self, source: IPv4Address | IPv6Address, at: float, rates: RequestRates | None) -> bool:
        """Count a request; whether the guest may have an answer. One that is refused counts too. `at` is in seconds."""
        if rates is not self._rates:
            self._counts, self._rates = {}, rates
        if rates is None or source.version != rates.version:
            return True
        counts = self._counts.pop(source, None) or [_Count(at) for _ in rates.windows]
        self._counts[source] = counts  # the last one now: what is forgotten is who has not asked for longest
        if len(self._counts) > _KEPT:
            del self._counts[next(iter(self._counts))]
        asked = [count.ask(at, seconds) for count, (_, seconds) in zip(counts, rates.windows, strict=True)]
        return all(number <= most for number, (most, _) in zip(asked, rates.windows, strict=True))
