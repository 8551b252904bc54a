"""Ids and MACs for objects that nobody gave one."""

from os import urandom
from uuid import uuid4

MAC_PREFIX = "fa:16:3e"  # Neutron's `base_mac`
MAC_TRIES = 32  # with 65,000 of 2^24 taken, one in 250 fails


def new_id() -> str:
    return str(uuid4())


def new_mac() -> str:
    return f"{MAC_PREFIX}:{urandom(3).hex(':')}"
