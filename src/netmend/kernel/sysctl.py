"""Network sysctls of the calling thread's namespace (Documentation/networking/ip-sysctl.rst)."""

import os

from netmend.kernel.changes import changing
from netmend.kernel.errors import KernelError


def write(name: str, value: int) -> None:
    """Set `net.<name with / as separator>`; one that this kernel does not have is no error. Raises KernelError."""
    path = f"/proc/sys/net/{name}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
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
