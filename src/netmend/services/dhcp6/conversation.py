"""The answer to each message: RFC 8415 section 18.3. `Bindings` says which addresses a client has.

| client says | answer |
|---|---|
| Solicit | Advertise of its addresses; Reply at once if it asks for rapid commit; status NoAddrsAvail if it has none |
| Request | Reply with its addresses; NotOnLink where it names one of another link |
| Renew | Reply with its addresses; others that it names, with lifetimes of zero; NoBinding if it has none |
| Rebind | the same, but silence about addresses that another server may have given |
| Confirm | Success or NotOnLink, by the prefixes of the link; silence when it names no address |
| Release, Decline | Success, with NoBinding for what it does not have |
| Information-request | Reply with what the link's subnet says |

On a network without dynamic addresses, a client that is no port gets no answer to a message for all servers; to a
message for netmend the answer is that it has no addresses. Temporary addresses and prefixes are not given, and the
answer says so.
"""

from collections.abc import Callable, Sequence

from netmend.services.dhcp6 import wire
from netmend.services.dhcp6.counters import Drop
from netmend.services.dhcp6.exchange import Answer, AssociationAnswer, Bindings, Bound
from netmend.services.dhcp6.link import Scope, find_scope
from netmend.services.dhcp6.request import Association, Request
from netmend.services.dhcp6.wire import MessageType, Status

Link = tuple[Scope, ...]


def answer(request: Request, link: Link, bindings: Bindings | None) -> Answer | Drop:
    """The answer to an accepted request from `link`; without `bindings`, the client is unknown."""
    kind = request.type
    if kind == MessageType.INFORMATION_REQUEST:
        return Answer(MessageType.REPLY, _first(link))
    if kind == MessageType.CONFIRM:
        return _confirm(request, link)
    if kind == MessageType.SOLICIT:
        return Drop.UNKNOWN_CLIENT if bindings is None else _solicit(request, link, bindings)
    if kind == MessageType.REQUEST:
        return _reply(link, [_requested(each, link, bindings) for each in request.associations])
    if kind == MessageType.RENEW:
        return _reply(link, [_renewed(each, link, bindings) for each in request.associations])
    if kind == MessageType.REBIND:
        return _rebind(request, link, bindings)
    act: Callable[[Association, bytes], bool] | None = None
    if bindings is not None:
        act = bindings.release if kind == MessageType.RELEASE else bindings.decline
    return _given_back(request, act)


def _solicit(request: Request, link: Link, bindings: Bindings) -> Answer:
    rapid = wire.RAPID_COMMIT in request.options
    if rapid:
        bound = [_granted(each, bindings.bind) for each in request.associations]
        if any(each.bound for each in bound):
            return _reply(link, bound)._replace(rapid=True)
    offered = [_granted(each, bindings.offer) for each in request.associations]
    scope = _scope_of(offered, link)
    return Answer(MessageType.ADVERTISE, scope, tuple(offered), preferred=bindings.decides)


def _requested(association: Association, link: Link, bindings: Bindings | None) -> AssociationAnswer:
    if any(find_scope(link, address) is None for address in association.addresses):
        return AssociationAnswer(association, status=Status.NOT_ON_LINK)
    return _granted(association, _nothing if bindings is None else bindings.bind)


def _renewed(association: Association, link: Link, bindings: Bindings | None) -> AssociationAnswer:
    if association.code != wire.IA_NA:
        return AssociationAnswer(association, status=Status.NO_BINDING)
    bound = () if bindings is None else tuple(bindings.bind(association))
    if not bound and (bindings is None or not bindings.decides or not association.addresses):
        return AssociationAnswer(association, ended=_off_link(association, link), status=Status.NO_BINDING)
    return AssociationAnswer(association, bound, _others(association, bound))


def _rebind(request: Request, link: Link, bindings: Bindings | None) -> Answer | Drop:
    answers = []
    for association in request.associations:
        bound = () if bindings is None or association.code != wire.IA_NA else tuple(bindings.keep(association))
        if bound or (bindings is not None and bindings.decides):
            ended = _others(association, bound)
        else:
            ended = _off_link(association, link)
        if bound or ended:
            answers.append(AssociationAnswer(association, bound, ended))
    return _reply(link, answers) if answers else Drop.NO_RECORD


def _confirm(request: Request, link: Link) -> Answer | Drop:
    addresses = [address for association in request.associations for address in association.addresses]
    if not addresses:
        return Drop.NOTHING_TO_CONFIRM
    on_link = all(find_scope(link, address) for address in addresses)
    return Answer(MessageType.REPLY, status=Status.SUCCESS if on_link else Status.NOT_ON_LINK)


def _given_back(request: Request, act: Callable[[Association, bytes], bool] | None) -> Answer:
    """Release (18.3.7) and Decline (18.3.8): success in all, and of which association nothing is known."""
    unknown = []
    for association in request.associations:
        known = False
        for address in association.addresses:
            known |= act is not None and act(association, address)
        if not known:
            unknown.append(AssociationAnswer(association, status=Status.NO_BINDING))
    return Answer(MessageType.REPLY, associations=tuple(unknown), status=Status.SUCCESS)


def _granted(association: Association, give: Callable[[Association], Sequence[Bound]]) -> AssociationAnswer:
    if association.code == wire.IA_PD:
        return AssociationAnswer(association, status=Status.NO_PREFIX_AVAILABLE)
    bound = tuple(give(association)) if association.code == wire.IA_NA else ()
    return AssociationAnswer(association, bound, status=None if bound else Status.NO_ADDRESSES_AVAILABLE)


def _nothing(_: Association) -> Sequence[Bound]:
    return ()


def _others(association: Association, bound: Sequence[Bound]) -> tuple[bytes, ...]:
    given = {each.address for each in bound}
    return tuple(address for address in association.addresses if address not in given)


def _off_link(association: Association, link: Link) -> tuple[bytes, ...]:
    return tuple(address for address in association.addresses if find_scope(link, address) is None)


def _reply(link: Link, answers: Sequence[AssociationAnswer]) -> Answer:
    return Answer(MessageType.REPLY, _scope_of(answers, link), tuple(answers))


def _scope_of(answers: Sequence[AssociationAnswer], link: Link) -> Scope:
    """The subnet that gives the options: that of the first address in the answer."""
    for each in answers:
        for bound in each.bound:
            return bound.scope
    return _first(link)


def _first(link: Link) -> Scope:
    return next(scope for scope in link if scope.speaks)
