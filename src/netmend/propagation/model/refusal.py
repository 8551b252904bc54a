"""What the modelled kernel refuses."""

from __future__ import annotations

import errno
import os


class KernelRefusal(OSError):
    """A system call that fails; ``errno`` is what the kernel would give, ``why`` the rule that it breaks."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(code, os.strerror(code))
        self.why = why

    @property
    def code(self) -> int:
        """The errno, always an int."""
        return self.errno or 0

    def __str__(self) -> str:
        return f"{self.strerror} ({errno.errorcode[self.code]}): {self.why}"
