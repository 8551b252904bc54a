"""The socket by which rules of nftables are changed, opened by the first who needs it."""

from netmend.ground.nftables import FAMILY_BRIDGE
from netmend.kernel.nft.socket import NftSocket


class RulesSocket:
    """One socket for tables of one family, in the network namespace of the thread that asks for it first. Not
    thread-safe."""

    def __init__(self, family: int = FAMILY_BRIDGE) -> None:
        self._family = family
        self._opened: NftSocket | None = None

    def __call__(self) -> NftSocket:
        """The socket; raises KernelError."""
        if self._opened is None:
            self._opened = NftSocket(self._family)
        return self._opened

    @property
    def port(self) -> int:
        """By which messages of the kernel say that a change was made here; 0 where none was."""
        return self._opened.port if self._opened else 0

    def close(self) -> None:
        """Close the socket; the rules stay in force."""
        if self._opened:
            self._opened.close()
            self._opened = None
