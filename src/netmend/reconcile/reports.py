"""What a pass reports: networks that are ready or gone while it runs, and all it did at its end."""

from collections.abc import Callable, Iterable

from msgspec import Struct

from netmend.intent.network import Network
from netmend.kernel.netns import Netns
from netmend.reconcile.resync import Problem, Reason
from netmend.reconcile.steps import Plan


class Mended(Struct, frozen=True):
    """A setting of netmend's that another program had changed, and that is as it was."""

    network_id: str | None  # None: not of one network alone
    text: str  # the step that made it so


class Taken(Struct, frozen=True):
    """A step that was taken."""

    network_id: str
    text: str  # names each device, port of the switch and address that was made or removed


class PassReport(Struct, frozen=True):
    """What a pass did."""

    planned_steps: int = 0
    right: frozenset[str] = frozenset()  # ids of networks that it found or made right
    wrong: frozenset[str] = frozenset()  # ids of networks with reasons left
    new_reasons: tuple[Reason, ...] = ()
    mended: tuple[Mended, ...] = ()
    taken: tuple[Taken, ...] = ()  # steps, less those that were undone
    defects: tuple[Exception, ...] = ()  # of netmend itself, each the reason of networks that are wrong


class Ready(Struct, frozen=True):
    """A network that can be served now."""

    network: Network
    namespace: Netns  # to serve it in
    device: str  # netmend's own, in the namespace
    mac: str  # of the device
    anew: bool  # namespace or device were just made


class Listener(Struct):
    """What a pass calls while it runs, in the threads of its workers. `ready` returns what is wrong with serving."""

    ready: Callable[[Ready], Iterable[Problem] | None] = lambda ready: None  # devices are as intent says; each pass
    gone: Callable[[str], None] = lambda network_id: None  # before a network (its id) is removed
    planned: Callable[[Plan], None] = lambda plan: None  # before the steps of a plan are taken
