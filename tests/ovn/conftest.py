"""Every test of this folder runs in a sandbox of its own, beside OVN's own programs."""

from tests.sandboxed import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
