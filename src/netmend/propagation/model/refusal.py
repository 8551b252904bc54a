"""What the modelled kernel refuses."""

from __future__ import annotations

import errno
import os


class KernelRefusal(Exception):
    """A system call that fails; ``errno`` is what the kernel would give, ``why`` the rule that it breaks."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{os.strerror(code)} ({errno.errorcode[code]}): {why}")
        self.errno = code
        self.why = why
