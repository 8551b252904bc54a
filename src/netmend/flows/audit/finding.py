"""One thing that is wrong with a switch."""

from dataclasses import dataclass
from typing import Any, Literal

Effect = Literal["leak", "blocked", "leftover"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`effect`: a packet passes that must not, or does not that should, or something lies about and does neither yet.
    `problem` says what, `evidence` where that was read, `mend` what ends it."""

    check: str
    effect: Effect
    bridge: str
    port: str | None
    problem: str
    evidence: str
    mend: str
    neutron_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "effect": self.effect,
            "bridge": self.bridge,
            "port": self.port,
            "id": self.neutron_id,
            "problem": self.problem,
            "evidence": self.evidence,
            "mend": self.mend,
        }

    def lines(self) -> list[str]:
        """For a person: what, then where that was read, and what ends it."""
        place = f"{self.port} on {self.bridge}" if self.port else self.bridge
        place += f" ({self.neutron_id})" if self.neutron_id else ""
        return [f"{self.effect}: {place}: {self.problem}", f"    seen: {self.evidence}", f"    mend: {self.mend}"]


AGENT = "restart neutron-openvswitch-agent, which writes VLANs and flows anew; its log says why it did not"
