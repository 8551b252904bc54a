"""The intent of the node, from the networks as the server sends them; what did not change is the same object."""

from dataclasses import dataclass, field

from netmend.ground.log import get_logger
from netmend.intent import Intent, MetadataProxy, Network
from netmend.sources.neutron.dhcp_port import own_port
from netmend.sources.neutron.dhcp_scopes import DhcpScope, dhcp_scopes
from netmend.sources.neutron.names import Raw
from netmend.sources.neutron.policy import Policy
from netmend.sources.neutron.translate import Translated, TranslationError, translate

log = get_logger()


@dataclass(slots=True)
class _Known:
    """A network of Neutron's: what intent has of it, by id in intent."""

    scopes: list[DhcpScope] = field(default_factory=list)
    translated: dict[str, Translated] = field(default_factory=dict)


class IntentBuilder:
    """Takes networks one by one, and gives whole intents. `problems` are sentences by network id, `options_not_sent`
    ones about ports' extra DHCP options, by network id and port id; both may be read in any thread."""

    def __init__(self, policy: Policy, metadata_proxy: MetadataProxy | None) -> None:
        self.intent = Intent(metadata_proxy=metadata_proxy)
        self.problems: dict[str, str] = {}
        self.options_not_sent: dict[str, dict[str, str]] = {}
        self._policy = policy
        self._known: dict[str, _Known] = {}
        self._changed: dict[str, Network | None] = {}

    def scopes_of(self, network_id: str) -> list[DhcpScope]:
        """What of the network was to be served when the server last described it."""
        known = self._known.get(network_id)
        return known.scopes if known else []

    def networks_of(self, network_id: str) -> list[Network]:
        known = self._known.get(network_id)
        return [translated.network for translated in known.translated.values()] if known else []

    def put(self, network_id: str, raw: Raw | None) -> None:
        """The network is now like this; None: it is not ours to serve."""
        before = self._known.get(network_id, _Known())
        try:
            wanted = dhcp_scopes(raw, self._policy.host) if raw is not None else []
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            self.problems[network_id] = f"network {network_id}: {type(error).__name__}: {error}"
            return  # what was right goes on
        now = _Known(wanted)
        self.problems.pop(network_id, None)
        for scope in wanted:
            previous = before.translated.get(scope.id)
            try:
                translated = translate(raw, scope, self._policy, previous) if raw is not None else None
            except TranslationError as error:
                self.problems[network_id] = str(error)
                translated = None
            if translated is None and previous is not None and not _is_of_another(previous, scope, wanted, raw):
                # Our port there is gone or not made yet, or the server speaks in riddles: what was right goes on.
                translated = previous
            if translated is not None:
                now.translated[scope.id] = translated
                if previous is None or translated.network is not previous.network:
                    self._changed[scope.id] = translated.network
        for scope_id in before.translated.keys() - now.translated.keys():
            self._changed[scope_id] = None
        self._note_options(network_id, now)
        if raw is None:
            self._known.pop(network_id, None)
        else:
            self._known[network_id] = now

    def _note_options(self, network_id: str, now: _Known) -> None:
        found = {
            port_id: "; ".join(sentences)
            for translated in now.translated.values()
            for port_id, sentences in translated.problems.items()
        }
        before = self.options_not_sent.get(network_id, {})
        for port_id, sentence in found.items():
            if before.get(port_id) != sentence:
                log.warning("not sent to a guest", network=network_id, port=port_id, why=sentence)
        if found:
            self.options_not_sent[network_id] = found
        else:
            self.options_not_sent.pop(network_id, None)

    def build(self) -> Intent | None:
        """The intent as of now, None when it is what was built last."""
        if not self._changed:
            return None
        networks = dict(self.intent.networks)
        for scope_id, network in self._changed.items():
            if network is None:
                networks.pop(scope_id, None)
            else:
                networks[scope_id] = network
        self._changed = {}
        self.intent = Intent(networks, self.intent.metadata_proxy)
        return self.intent


def _is_of_another(previous: Translated, scope: DhcpScope, wanted: list[DhcpScope], raw: Raw | None) -> bool:
    """Whether `previous` belongs to another scope now: its DHCP port can be on one of them."""
    ours = previous.network.dhcp_port
    ports = [own_port(raw, other.device_id) for other in wanted if raw is not None and other is not scope]
    return any(port is not None and ours is not None and port["id"] == ours.id for port in ports)
