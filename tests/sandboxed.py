"""Runs the body of a test in a sandbox of its own: whatever it makes, or fails to clean up, dies with the sandbox.

The test function is called in a forked child inside fresh user, mount, network and pid namespaces
(`netmend.kernel.sandbox`); its outcome comes back over a pipe. Marker `root_sandbox` keeps the host's user namespace
(for what the kernel allows to real root only) and skips where we are not root.

A folder whose tests all run so says it in its conftest.py: `from tests.sandboxed import pytest_pyfunc_call`.
"""

import os
import pickle
import traceback
from typing import Any

import pytest

from netmend.kernel.sandbox import SandboxUnavailable, run


class FailedInSandbox(Exception):
    """Carries the traceback of a test that failed in its sandbox, as text."""

    def __str__(self) -> str:
        return str(self.args[0])


def call_in_sandbox(function: pytest.Function) -> None:
    """Call the test in a sandbox; raises FailedInSandbox, or skips, as the test did."""
    as_root = function.get_closest_marker("root_sandbox") is not None
    if as_root and os.geteuid() != 0:
        pytest.skip("needs real root")
    arguments = {name: function.funcargs[name] for name in function._fixtureinfo.argnames}
    read, write = os.pipe()

    def body() -> int:
        os.close(read)
        outcome: tuple[str, Any] = ("passed", None)
        try:
            function.obj(**arguments)
        except pytest.skip.Exception as skipped:
            outcome = ("skipped", str(skipped))
        except BaseException:
            outcome = ("failed", traceback.format_exc())
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pickle.dumps(outcome))
        return 0

    try:
        code = run(body, user_namespace=not as_root)
    except SandboxUnavailable as why:
        pytest.fail(f"no sandbox to test in: {why}", pytrace=False)
    finally:
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            raw = pipe.read()
    if not raw:
        raise FailedInSandbox(f"the sandbox ended with code {code} before the test did")
    verdict, text = pickle.loads(raw)
    if verdict == "skipped":
        pytest.skip(text)
    if verdict == "failed":
        raise FailedInSandbox(text)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """The hook of pytest that calls a test: in a sandbox."""
    call_in_sandbox(pyfuncitem)
    return True
