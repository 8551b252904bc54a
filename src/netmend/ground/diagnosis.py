"""What is wrong with a host, for a person: what was read, why it is wrong, and what mends it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is wrong. The doctor's and the linter's findings are diagnoses that say more."""

    summary: str  # one line
    evidence: tuple[str, ...]  # what was read, and where
    cause: str
    mend: str  # shell commands, one a line, to be typed on the host as root as they stand; `#` starts a remark

    def as_json(self) -> dict[str, Any]:
        """`summary`, `evidence` (a list), `cause`, `mend`: the shape of a diagnosis wherever netmend prints JSON."""
        return {"summary": self.summary, "evidence": list(self.evidence), "cause": self.cause, "mend": self.mend}

    def as_log_fields(self) -> dict[str, Any]:
        """The same as fields of a line in the log, where the summary is called `fault`."""
        fields = self.as_json()
        return {"fault": fields.pop("summary"), **fields}
