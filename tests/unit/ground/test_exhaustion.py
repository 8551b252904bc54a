"""Which errors mean that a limit is reached, and which do not."""

import errno
import os
import resource

import pytest

from netmend.ground.exhaustion import exhausted


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "LimitNOFILE"),
        (OSError(errno.ENFILE, "Too many open files in system"), "fs.file-max"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "ENOMEM"),
        (OSError(errno.ENOSPC, "No space left on device", "/var/lib/netmend/store.sqlite"), "/var/lib/netmend/store"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "TasksMax"),
    ],
)
def test_a_limit_is_named(error: BaseException, word: str) -> None:
    assert word in (exhausted(error) or "")


def test_a_limit_behind_another_error_is_named() -> None:
    wrapped = ValueError("cannot")
    wrapped.__cause__ = OSError(errno.EMFILE, "Too many open files")
    assert "LimitNOFILE" in (exhausted(wrapped) or "")


@pytest.mark.parametrize("error", [ValueError(), RuntimeError("no"), OSError(errno.ENOENT, "no"), OSError("no number")])
def test_a_defect_is_none(error: BaseException) -> None:
    assert exhausted(error) is None


def test_the_limit_of_descriptors_for_real() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, hard))
        with pytest.raises(OSError, match="Too many open files") as caught:
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "file descriptor" in (exhausted(caught.value) or "")
