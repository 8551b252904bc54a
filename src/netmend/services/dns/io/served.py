"""One network that is served: its responder, what it has under way, and what its sockets ask of both."""

import time

from netmend.services.dns import DnsResponder, Forward
from netmend.services.dns.guests import OUTSIDE
from netmend.services.dns.io.forwarder import Asking, Deliver, Forwarder, Waiting
from netmend.services.dns.io.limits import Traffic


class Served:
    """Made in any thread, used in the loop's."""

    def __init__(self, network_id: str, responder: DnsResponder, asking: Asking, forwarder: Forwarder) -> None:
        self.network_id, self.responder, self.asking = network_id, responder, asking
        self.traffic: Traffic = asking.traffic
        self._forwarder = forwarder

    def may_ask(self, guest: str, now: float) -> bool:
        """Whether this source is one of the network's, and has not asked too often."""
        guests = self.responder.guests
        if guests.kind(guest) == OUTSIDE:
            self.traffic.outside += 1
            return False
        if guests.allows(guest, now):
            return True
        self.traffic.limited += 1
        return False

    def answer(self, message: bytes, guest: str, asker: object, deliver: Deliver, *, tcp: bool) -> bool:
        """Deliver the answer to a message, now or later; False when it gets none."""
        self.traffic.received += 1
        answer = self.responder.handle(message, time.monotonic(), tcp=tcp)
        if isinstance(answer, Forward):
            waiting = Waiting(answer.query, guest, (asker, answer.query.id, answer.query.question), deliver)
            return self._forwarder.submit(self.asking, answer, waiting)
        if answer is not None:
            deliver(answer)
        return answer is not None

    def drop(self) -> None:
        self._forwarder.drop(self.asking)
