"""Namespaces: made, entered, pinned, and never believed by name."""

import errno
from pathlib import Path

import pytest

from netmend.kernel import links, netns, nsdir
from netmend.kernel.errors import KernelError, NotANamespace
from netmend.kernel.netlink import RouteSocket
from netmend.kernel.netns import Netns
from netmend.kernel.sysctl import SysctlDirectory


def link_names(namespace: Netns) -> set[str]:
    with namespace.entered(), RouteSocket() as route:
        return {link.name for link in links.dump_links(route)}


def test_a_pinned_namespace_is_found_and_entered_by_name() -> None:
    nsdir.prepare()
    with Netns.create("blue") as made:
        netns.pin(made, "/run/netns/blue", "netmend:test")
    with Netns.open("/run/netns/blue") as found:
        assert found.inode == made.inode
        assert link_names(found) == {"lo"}
    assert nsdir.names() == {"blue"}


def test_a_plain_file_is_not_a_namespace() -> None:
    nsdir.prepare()
    Path("/run/netns/dead").touch()
    with pytest.raises(NotANamespace) as error:
        Netns.open("/run/netns/dead")
    assert error.value.code == errno.EINVAL
    assert "the file is there, the namespace is not" in str(error.value)
    with pytest.raises(KernelError) as missing:
        Netns.open("/run/netns/none")
    assert missing.value.code == errno.ENOENT


def test_pin_takes_over_a_plain_file_but_never_hides_a_namespace() -> None:
    nsdir.prepare()
    Path("/run/netns/x").touch()
    with Netns.create("first") as first:
        netns.pin(first, "/run/netns/x", "netmend:test")
    with Netns.create("second") as second, pytest.raises(KernelError) as error:
        netns.pin(second, "/run/netns/x", "netmend:test")
    assert error.value.code == errno.EEXIST
    assert Netns.open("/run/netns/x").inode == first.inode


def test_unpin_takes_the_name_away_and_is_idempotent() -> None:
    nsdir.prepare()
    with Netns.create("x") as made:
        netns.pin(made, "/run/netns/x", "netmend:test")
    netns.unpin("/run/netns/x", "netmend:test")
    netns.unpin("/run/netns/x", "netmend:test")
    assert nsdir.names() == set()


def test_prepare_twice_makes_one_mount() -> None:
    nsdir.prepare()
    before = Path("/proc/self/mountinfo").read_text()
    nsdir.prepare()
    assert Path("/proc/self/mountinfo").read_text() == before
    assert before.count(" /run/netns ") == 1
    assert "shared:" in next(line for line in before.splitlines() if " /run/netns " in line)


def test_a_deleted_directory_says_what_it_means() -> None:
    nsdir.prepare()
    with Netns.create("x") as made, pytest.raises(KernelError) as error:
        netns.pin(made, "/run/nowhere/x", "netmend:test")
    assert "was deleted under this mount namespace" in str(error.value)


def test_entering_and_leaving_moves_only_the_thread() -> None:
    home = Netns.current().inode
    with Netns.create("x") as made:
        assert Netns.current().inode == made.inode != home
    assert Netns.current().inode == home
    with made.entered():
        assert Netns.current().inode == made.inode
    assert Netns.current().inode == home


def test_one_inside_another() -> None:
    def here() -> int:
        with Netns.current() as current:
            return current.inode

    home = here()
    with Netns.create("x") as x:
        pass
    with Netns.create("y") as y, x.entered():
        assert here() == x.inode
    with x.entered():
        with x.entered():
            assert here() == x.inode
        assert here() == x.inode
        with y.entered():
            assert here() == y.inode
            with x.entered():
                assert here() == x.inode
            assert here() == y.inode
        with Netns.create("z") as z:
            assert here() == z.inode
            with x.entered():
                assert here() == x.inode
            assert here() == z.inode
        with x.duplicate() as again, again.entered():
            assert here() == x.inode
    assert here() == home


def test_a_directory_of_sysctls_stays_with_its_namespace() -> None:
    def accepted() -> str:
        return Path("/proc/sys/net/ipv6/conf/default/accept_ra").read_text().strip()

    with Netns.create("x") as made:
        conf = SysctlDirectory("ipv6/conf")
    with conf, SysctlDirectory("ipv6/conf") as conf_here:
        conf.write("default/accept_ra", 0)
        conf.write("default/no_such_sysctl", 1)
        assert accepted() == "1"
        with made.entered():
            assert accepted() == "0"
            conf_here.write("default/accept_ra", 2)
            assert accepted() == "0"
    assert accepted() == "2"


def test_sysctls_that_this_kernel_does_not_have_are_no_error() -> None:
    with SysctlDirectory("no/such/directory") as nothing:
        nothing.write("accept_ra", 1)


def test_somebody_elses_file_stays_as_it_was() -> None:
    nsdir.prepare()
    theirs = Path("/run/netns/x")
    theirs.write_text("theirs")
    with Netns.create("x") as made:
        netns.pin(made, str(theirs), "netmend:test")
    assert netns.is_namespace(str(theirs))
    netns.unpin(str(theirs), "netmend:test")
    assert theirs.read_text() == "theirs"
