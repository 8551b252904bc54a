"""The doctor's drawing, live: which mount namespaces exchange mounts around each directory of names, and findings."""

import asyncio
import re
import time
from typing import Any, Final

_MOST: Final = 100  # findings
_FRESH: Final = 5.0
"""Seconds for which a look is shown again: a look walks /proc."""
_OPENING: Final = re.compile(r'<svg ([^>]*) style="max-width:(\d+)px"')


class PropagationView:
    """Looks of the doctor: one at a time, in a thread, and only when a reader asks."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._last: dict[str, Any] | None = None
        self._until = 0.0
        self._drawings: list[str] = []

    async def get(self) -> dict[str, Any]:
        """`taken_at`, `summary`, `problem`, `drawings` (`title`, `about`) and `findings`, the worst first."""
        async with self._lock:
            last = self._last
            if last is None or time.monotonic() >= self._until:
                looked, self._drawings = await asyncio.to_thread(_look)
                self._last, self._until = looked, time.monotonic() + _FRESH
                return looked
            return last

    def drawing(self, number: int) -> str | None:
        """A drawing of the last look, as an SVG document; None when there is none with that number."""
        return self._drawings[number] if 0 <= number < len(self._drawings) else None


def _look() -> tuple[dict[str, Any], list[str]]:
    from netmend.doctor.diagnose import diagnose_steadily  # loading the doctor must not delay the first answer
    from netmend.doctor.drawing import draw
    from netmend.doctor.look import CannotLook, look
    from netmend.doctor.places import HostView
    from netmend.doctor.report import summary
    from netmend.doctor.sentences import count

    try:
        observation, findings = diagnose_steadily(look)
    except CannotLook as error:
        return {"taken_at": time.time(), "summary": "", "problem": str(error), "drawings": [], "findings": []}, []
    view = HostView(observation)
    culprits = {culprit for finding in findings for culprit in finding.culprits}
    titles, drawings = [], []
    for directory, places in view.shared:
        title = view.title(directory)
        broken: dict[str, int] = {}
        for finding in findings:
            for label in finding.broken_in if finding.directory == title else ():
                broken[label] = broken.get(label, 0) + 1
        titles.append({"title": title, "about": f"seen by {count(len(places), 'mount namespace')}"})
        drawings.append(_standing_alone(draw(view, directory, culprits, broken)))
    found = {
        "taken_at": observation.taken_at,
        "summary": summary(observation, findings),
        "problem": None,
        "drawings": titles,
        "findings": [finding.as_json() for finding in findings[:_MOST]],
    }
    return found, drawings


def _standing_alone(svg: str) -> str:
    """The drawing as an XML document: with its namespace, without the style that the page's policy forbids, and without
    characters that XML does not have."""
    clean = "".join(char for char in svg if char in "\t\n" or (char >= " " and char not in "\x7f\ufffe\uffff"))
    return _OPENING.sub(r'<svg xmlns="http://www.w3.org/2000/svg" \1 width="\2"', clean, count=1)
