"""What people paste: taken where it is mountinfo, named where it is something else, never called healthy in part."""

import pytest
from tests.unit.doctor.texts import HOST, A

from netmend.doctor import report
from netmend.doctor.diagnose import diagnose
from netmend.doctor.pasted import BadCopy, observe_copies


def found(text: bytes | str, label: str = "host") -> set[str | None]:
    content = text if isinstance(text, bytes) else text.encode()
    observation = observe_copies({label: ("host.txt", content), "a": ("a.txt", A.encode())})
    return {finding.netns for finding in diagnose(observation)}


def each_line(before: str) -> str:
    return "".join(before.format(number=number) + line + "\n" for number, line in enumerate(HOST.splitlines(), 1))


@pytest.mark.parametrize(
    "text",
    [
        HOST.replace(" ", "\t"),
        HOST.replace(" ", "   "),
        HOST.replace(" ", "\u00a0"),
        "| " + HOST.replace("\n", " |\n| "),
        each_line("     {number}\t"),
        each_line("{number}: "),
        each_line("mountinfo:{number}:"),
        each_line("/proc/1/mountinfo:"),
        each_line("Nov 30 08:00:0{number} node1 agent[77]: "),
        each_line("2026-11-30T08:00:00.000001Z stdout F "),
        each_line("dhcp-1  | "),
        each_line("> "),
        "```\n" + HOST + "```\n",
        "\x1b[32m" + HOST.replace(" - ", " \x1b[0m- "),
        HOST.replace("\n", "\r\n"),
        HOST.encode("utf-16"),
        HOST.encode("utf-16-le"),
        HOST.encode("utf-8-sig"),
        "# cat /proc/1/mountinfo\n" + HOST,
    ],
)
def test_a_paste_of_mountinfo_is_read(text: bytes | str) -> None:
    assert found(text) == {"t1", "t2"}


def test_lines_of_several_processes_are_told_apart() -> None:
    text = "".join(f"/proc/1/mountinfo:{line}\n" for line in HOST.splitlines())
    text += "".join(f"/proc/3091/mountinfo:{line}\n" for line in A.splitlines())
    observation = observe_copies({"all": ("grep.txt", text.encode())})
    assert [namespace.label for namespace in observation.namespaces] == ["host", "pid 3091"]
    assert {finding.netns for finding in diagnose(observation)} == {"t1", "t2"}


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ("==> /proc/1/mountinfo <==\n", "==> /proc/3091/mountinfo <==\n", ["host", "pid 3091"]),
        ("root@n1:~# cat /proc/1/mountinfo\n", "root@n1:~# cat /proc/3091/mountinfo\n", ["host", "pid 3091"]),
        ("==> host <==\n", "\n==> dhcp.txt <==\n", ["host", "dhcp.txt"]),
        (
            "$ cat /proc/1/mountinfo\n",
            "$ docker exec -u root dhcp_agent cat /proc/self/mountinfo\n",
            ["host", "dhcp_agent"],
        ),
        ("$ cat /proc/1/mountinfo\n", "$ kubectl -n x exec agent-0 -- cat /proc/self/mountinfo\n", ["host", "agent-0"]),
    ],
)
def test_headings_say_whose_the_lines_below_are(first: str, second: str, labels: list[str]) -> None:
    observation = observe_copies({"all": ("p.txt", (first + HOST + second + A).encode())})
    assert [namespace.label for namespace in observation.namespaces] == labels
    assert {finding.netns for finding in diagnose(observation)} == {"t1", "t2"}


def test_two_mount_namespaces_in_one_file_are_never_taken_for_one() -> None:
    other = "".join(
        f"{int(one) + 5000} {int(two) + 5000} {rest}\n"
        for one, two, rest in (line.split(" ", 2) for line in A.splitlines())
    )
    with pytest.raises(BadCopy, match=r"p\.txt: holds the mounts of more than one mount namespace"):
        observe_copies({"host": ("p.txt", (HOST + other).encode())})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("tmpfs on /run type tmpfs (rw,nosuid)\nnsfs on /run/netns/x type nsfs (rw)\n", r"mount\(8\)"),
        ("tmpfs /run tmpfs rw,nosuid 0 0\nnsfs /run/netns/x nsfs rw 0 0\n", "/proc/mounts"),
        ("TARGET SOURCE FSTYPE OPTIONS PROPAGATION\n/ /dev/sda1 ext4 rw shared\n", "findmnt"),
        (
            "\u251c\u2500/run tmpfs tmpfs rw shared\n\u2502 \u2514\u2500/run/netns tmpfs[/netns] tmpfs rw private\n",
            "findmnt",
        ),
        ('{"filesystems": [{"target": "/"}]}', "findmnt"),
        ("device tmpfs mounted on /run with fstype tmpfs\n", "mountstats"),
        ("Filesystem 1K-blocks Used Available Use% Mounted on\ntmpfs 1 1 1 1% /run\n", "df"),
        ("        NS TYPE NPROCS PID USER NETNSID NSFS COMMAND\n4026531992 net 1 1 root unassigned init\n", "lsns"),
        ("total 0\n-r--r--r-- 1 root root 0 Nov 30 08:00 x\n", r"ls\(1\)"),
        ('[{"Id": "1", "HostConfig": {}}]', "netmend lint"),
        ('{"netmend_doctor_snapshot":1}', "--from"),
    ],
)
def test_what_is_no_mountinfo_is_named_with_what_to_send(text: str, what: str) -> None:
    with pytest.raises(BadCopy, match=what) as refused:
        observe_copies({"host": ("h.txt", text.encode())})
    assert str(refused.value).startswith("h.txt:1: ") and "/proc/" in str(refused.value)


PART = "610 25 0:4 net:[4026532500] /run/netns/x rw shared:300 - nsfs nsfs rw\n"
OLD = "495 24 0:3 / /run/netns/cni-d46a rw,relatime shared:5 - proc proc rw\n"  # Linux 3.10


@pytest.mark.parametrize("text", [PART, OLD, PART + OLD])
def test_a_part_is_never_called_healthy(text: str) -> None:
    observation = observe_copies({"host": ("h", text.encode()), "c": ("c", text.encode())})
    said = report.summary(observation, diagnose(observation))
    assert said.startswith("cannot tell: no line for /, /run or /run/netns in host and c")
    assert report.to_json(observation, [])["parts"].keys() == {"host", "c"}


def test_a_whole_file_is_no_part() -> None:
    assert not observe_copies({"host": ("h", HOST.encode())}).parts


def test_names_of_linux_3_10_which_are_files_of_proc() -> None:
    host = (
        "20 1 8:1 / / rw shared:1 - xfs /dev/sda1 rw\n24 20 0:20 / /run rw shared:2 - tmpfs tmpfs rw\n"
        "495 24 0:3 / /run/netns/cni-1 rw shared:5 - proc proc rw\n"
        "496 24 0:3 / /run/netns/cni-2 rw shared:6 - proc proc rw\n"
    )
    private = (
        "900 800 0:40 / / rw - overlay overlay rw\n901 900 0:20 /netns /run/netns rw - tmpfs tmpfs rw\n"
        "902 901 0:3 / /run/netns/cni-1 rw - proc proc rw\n"
    )
    observation = observe_copies({"host": ("h", host.encode()), "c": ("c", private.encode())})
    (finding,) = diagnose(observation)
    assert (finding.netns, finding.usable_in, finding.broken_in) == ("cni-2", ("host",), ("c",))
    assert "281474" not in "\n".join(finding.evidence)  # no number that is not the kernel's
