"""Random sequences of operations, for hypothesis: chosen so that most of them do something."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from tests.kernel.propagation.both import DIRECTORY_PATHS, FILE_PATHS, PATHS, Both

from netmend.propagation.flags import Propagation

MOST_NAMESPACES = 4

_directory = st.sampled_from(DIRECTORY_PATHS)
_below = st.sampled_from(DIRECTORY_PATHS[1:] + FILE_PATHS)
_any = st.sampled_from(PATHS)
_namespace = st.integers(0, MOST_NAMESPACES - 1)
_flag = st.booleans()

operations = st.one_of(
    st.tuples(st.just("bind"), _namespace, _directory, _directory, _flag),
    st.tuples(st.just("bind"), _namespace, _any, _any, _flag),
    st.tuples(st.just("change"), _namespace, _directory, st.sampled_from(Propagation), _flag),
    st.tuples(st.just("change"), _namespace, _any, st.sampled_from([Propagation.SHARED, Propagation.SLAVE]), _flag),
    st.tuples(st.just("umount"), _namespace, _any, _flag),
    st.tuples(st.just("mount_new"), _namespace, _directory),
    st.tuples(st.just("bind_nsfs"), _namespace, st.sampled_from(FILE_PATHS)),
    st.tuples(st.just("move"), _namespace, _any, _any),
    st.tuples(st.just("remove"), _namespace, _below),
    st.tuples(st.just("make"), _namespace, _below),
    st.tuples(st.just("hold"), _namespace, _any),
    st.tuples(st.just("release")),
    st.tuples(st.just("read_only"), _namespace, _any),
    st.tuples(st.just("unshare"), _namespace, _flag),
    st.tuples(st.just("end"), _namespace),
)

#: The first of a sequence: shared mounts and a second namespace, without which little happens.
starts = st.sampled_from(
    [
        (),
        (("change", 0, DIRECTORY_PATHS[0], Propagation.SHARED, False), ("unshare", 0, False)),
        (("change", 0, DIRECTORY_PATHS[0], Propagation.SHARED, False), ("unshare", 0, True)),
        (
            ("change", 0, DIRECTORY_PATHS[0], Propagation.SHARED, False),
            ("unshare", 0, False),
            ("change", 1, DIRECTORY_PATHS[0], Propagation.SLAVE, False),
            ("change", 1, DIRECTORY_PATHS[0], Propagation.SHARED, False),
            ("unshare", 1, False),
        ),
    ]
)


def play(sequence: list[tuple[Any, ...]]) -> None:
    """Do it all on both sides; raises Disagreement."""
    with Both() as both:
        for name, *arguments in sequence:
            if name == "release":
                both.release()
                continue
            if name == "unshare" and len(both.real) >= MOST_NAMESPACES:
                continue
            number = arguments[0] % len(both.real)
            getattr(both, name)(number, *arguments[1:])
