"""Devices that nobody uses, and that stay until somebody deletes them: by the thousand, if a loop made them."""

from __future__ import annotations

from collections.abc import Iterator

from netmend.doctor.naming import is_well_known, maker_of
from netmend.doctor.observation import NetworkNamespace, SeenLink
from netmend.doctor.places import HostView
from netmend.doctor.sentences import count, script, several
from netmend.ground.finding import Finding, Severity

CHECK = "orphan-devices"
_MANY = 100
_EVIDENCE = {"tap": "no process has it open", "ifb": "the device it was made for is not there"}


def check(view: HostView) -> Iterator[Finding]:
    observation = view.observation
    host = next((n for n in observation.networks if n.inode == observation.host_network), None)
    if host is None or host.links is None:
        return
    orphans: dict[tuple[str, str], list[SeenLink]] = {}
    by_index = {link.index: link for link in host.links}
    names = {link.name for link in host.links}
    for link in host.links:
        maker = maker_of(link)
        why = _orphaned(link, by_index, names) if maker else None
        if maker and why:
            orphans.setdefault((maker, why), []).append(link)
    for (maker, why), links in orphans.items():
        yield _finding(host, maker, why, links)


def _orphaned(link: SeenLink, by_index: dict[int, SeenLink], names: set[str]) -> str | None:
    """Why nobody can be using the device; None when somebody may."""
    if link.kind == "tun":
        return "tap" if link.holders == 0 and not link.carrier else None
    if link.kind == "ifb":  # made for one other device, of which it has the name behind its prefix
        partner = link.name.removeprefix("bw")
        return "ifb" if not link.up and not any(name.startswith(partner[:11]) for name in names) else None
    if link.kind == "veth" and link.peer_netnsid is None:
        peer = by_index.get(link.peer_index)
        if peer is None or link.up or peer.up:
            return None
        # a guest's end is moved at once, so a pair of which both ends are here and down was left half-way
        return "veth" if not (link.master and peer.master) else None
    return None


def _finding(host: NetworkNamespace, maker: str, why: str, links: list[SeenLink]) -> Finding:
    names = [link.name for link in links]
    if why == "tap":
        cause = (
            f"Taps in the manner of {maker}, made to stay, that no process has open: the guest or agent they were "
            f"for is "
            "gone, and nothing is sent through them ever again."
        )
    elif why == "ifb":
        cause = (
            f"Devices in the manner of {maker}, each made to limit the traffic of one other device, which is not there "
            "any more; nothing passes through them."
        )
    else:
        cause = (
            f"Pairs in the manner of {maker} with both ends here, both down: the far end was never moved into its "
            f"namespace. "
            "An agent that makes devices before it has entered the namespace leaves one at each try."
        )
    return Finding(
        check=CHECK,
        severity=_severity(maker, len(links)),
        summary=f"{count(len(links), 'orphan device')} in the manner of {maker}: {several(names, 4)}",
        evidence=(
            f"the host's network namespace, net:[{host.inode}], has {count(len(host.links or ()), 'device')}",
            *(
                f"{link.name}: {link.kind}, {'up' if link.up else 'down'}, "
                + _EVIDENCE.get(why, f"peer is index {link.peer_index}, here")
                for link in links[:5]
            ),
        ),
        cause=cause,
        mend=script([*_deletion(why, names), "netmend doctor  # verifies"]),
        suffers=("host",),
        key=(maker, why, *sorted(link.index for link in links)[:50]),
    )


def _severity(maker: str, number: int) -> Severity:
    if number >= _MANY:
        return Severity.ERROR
    return Severity.WARNING if is_well_known(maker) else Severity.NOTE


def _deletion(why: str, names: list[str]) -> list[str]:
    if len(names) <= 20:
        return [
            f"ip link delete {name}" + (" 2>/dev/null || true  # a pair goes at once" if why == "veth" else "")
            for name in names
        ]
    # one process and one netlink socket for all of them: thousands take seconds
    return [
        f"ip -force -batch - <<'END'  # deletes all {len(names):,}",
        *(f"link delete dev {name}" for name in names),
        "END",
    ]
