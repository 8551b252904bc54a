"""How each fuzzer of this folder runs: from its seeds, or one input again."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

SECONDS_PER_INPUT = 2


def run(one_input: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Fuzz `one_input` as the command line says (libFuzzer's options), and end the process.

    A file that is named is one to run again; otherwise the seeds are the corpus.
    """
    again = any(not argument.startswith("-") for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        child = os.fork()  # libFuzzer ends its process without a word to Python, and the directory must go
        if child == 0:
            atheris.Setup([*sys.argv, f"-timeout={SECONDS_PER_INPUT}", *([] if again else [corpus])], one_input)
            atheris.Fuzz()
        _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
