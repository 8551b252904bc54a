"""What a pass tells others: networks that are ready or gone while it runs, and a report at its end."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netmend.intent.network import Network
from netmend.kernel.netns import Netns
from netmend.reconcile.resync import Problem, Reason
from netmend.reconcile.steps import Plan


@dataclass(frozen=True, slots=True)
class Mended:
    """A setting of ours that somebody else had changed, and that is as it was: `text` is the step that made it so."""

    network_id: str
    text: str


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass did: networks found or made right, and those with reasons left."""

    planned_steps: int = 0
    right: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()
    new_reasons: tuple[Reason, ...] = ()
    mended: tuple[Mended, ...] = ()
    defects: tuple[Exception, ...] = ()  # of netmend itself, each the reason of networks that are wrong


@dataclass(frozen=True, slots=True)
class Ready:
    """A network that can be served now: from `device` (`mac`), inside `namespace`."""

    network: Network
    namespace: Netns
    device: str
    mac: str
    anew: bool


@dataclass(slots=True)
class Listener:
    """Who is told what: `ready` when a network's namespace and DHCP device are as intent says (each pass; `anew` when
    either was just made), and gives back what is wrong with serving it; `gone` before a network is removed; `planned`
    when steps are about to be taken."""

    ready: Callable[[Ready], Iterable[Problem] | None] = lambda ready: None
    gone: Callable[[str], None] = lambda network_id: None
    planned: Callable[[Plan], None] = lambda plan: None
