"""Answers to requests as values, before they are encoded; and the source of a client's addresses."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from netmend.services.dhcp6.link import Scope
from netmend.services.dhcp6.request import Association
from netmend.services.dhcp6.wire import Status


class Bound(NamedTuple):
    """An address that is a client's, for as long as its subnet says."""

    address: bytes
    scope: Scope


class Bindings(Protocol):
    """The addresses of one client. What is given, is given to one of its identity associations (IA_NA)."""

    decides: bool  # other addresses that the client names are not its own, and no other server gives them

    def offer(self, association: Association) -> Sequence[Bound]:
        """The addresses that a Request would get."""

    def bind(self, association: Association) -> Sequence[Bound]:
        """Give addresses: those it has, or others; none when there are none left."""

    def keep(self, association: Association) -> Sequence[Bound]:
        """Give the addresses that it has, or can have as it names them; never others."""

    def release(self, association: Association, address: bytes) -> bool:
        """The client gives an address up. False when it is not this association's."""

    def decline(self, association: Association, address: bytes) -> bool:
        """The client has found another host at an address. False when it is not this association's."""


class AssociationAnswer(NamedTuple):
    """The addresses of one identity association in a reply."""

    asked: Association
    bound: tuple[Bound, ...] = ()
    ended: tuple[bytes, ...] = ()  # addresses to stop using at once: lifetimes of zero
    status: Status | None = None


class Answer(NamedTuple):
    """A reply: message type, and what it says. Without a `scope` it carries nothing but what is about addresses."""

    reply: int
    scope: Scope | None = None  # the subnet: its options are sent
    associations: tuple[AssociationAnswer, ...] = ()
    status: Status | None = None
    rapid: bool = False  # two messages in place of four (RFC 8415 section 18.3.1)
    preferred: bool = False  # no other server can know better


TEXTS = {
    Status.SUCCESS: "",
    Status.NO_ADDRESSES_AVAILABLE: "no address is free for this client",
    Status.NO_BINDING: "this client has no such address here",
    Status.NOT_ON_LINK: "an address is of another link",
    Status.USE_MULTICAST: "send to ff02::1:2",
    Status.NO_PREFIX_AVAILABLE: "prefixes are not delegated here",
}
