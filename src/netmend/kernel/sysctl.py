"""Network sysctls (Documentation/networking/ip-sysctl.rst)."""

import os

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError

_CLOSED = -1


def are_writable() -> bool:
    """Whether /proc/sys is mounted read-write here: in containers it often is not."""
    try:
        return not os.statvfs("/proc/sys/net").f_flag & os.ST_RDONLY
    except OSError:
        return False


class SysctlDirectory:
    """`net.<path with / as separator>` of the namespace that the calling thread is in when this is made, from then on
    for every thread.

    To look up a path below /proc/sys/net the kernel goes through those of all namespaces that were ever looked up,
    one by one (fs/proc/proc_sysctl.c, proc_sys_compare). With a thousand, that takes longer than what is written. So
    it is done once.
    """

    def __init__(self, path: str) -> None:
        """Open the directory; one that this kernel does not have is taken for empty. Raises KernelError."""
        self._path = f"/proc/sys/net/{path}"
        try:
            self._descriptor = os.open(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._descriptor = _CLOSED
        except OSError as error:
            raise KernelError("open", self._path, error.errno or 0) from error

    def __enter__(self) -> "SysctlDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor != _CLOSED:
            os.close(self._descriptor)
            self._descriptor = _CLOSED

    def write(self, name: str, value: int) -> None:
        """Set a sysctl; no error when this kernel does not have it. Raises KernelError."""
        if self._descriptor == _CLOSED:
            return
        path = f"{self._path}/{name}"
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise KernelError("set sysctl", path, error.errno or 0) from error
        try:
            with changing("set sysctl", path):
                os.write(descriptor, b"%d" % value)
        except KernelError:
            raise
        except OSError as error:
            raise KernelError("set sysctl", path, error.errno or 0) from error
        finally:
            os.close(descriptor)
