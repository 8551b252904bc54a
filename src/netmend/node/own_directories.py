"""The node's own directories, and who may read what is in them."""

from typing import Final

from netmend.ground.log import get_logger
from netmend.ground.private_files import make_private_directory, narrow
from netmend.node.settings import Settings

_KEPT: Final = ("*.sqlite", "*.sqlite-wal", "*.sqlite-shm", "api-tokens", "sweep")  # names, as patterns
log = get_logger()


def make_own_directories(settings: Settings) -> None:
    """Make the state directory, and take from others what they may read in it and in the runtime directory."""
    path = settings.state
    try:
        make_private_directory(path)
    except OSError as error:  # ports with fixed IPs are served all the same
        log.error("the state directory cannot be made", directory=str(path), error=error.strerror)
    narrowed = [*narrow(path, _KEPT), *narrow(settings.runtime, (settings.socket.name, "lock"))]
    if narrowed:
        log.warning("others could read what netmend keeps, and can no more", narrowed=narrowed)
