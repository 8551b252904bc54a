"""Intent from a database that an API writes: one SQLite file, one thread that writes it, readers beside it.

`store` is what others hold. A write is an operation (`networks`, `subnets`, `ports`, ...) in a `transaction`, run by
the `writer`; `shapes` is what it may be asked for with. `values` and `intents` make intent of what is stored, `query`
finds it, `api` speaks Neutron's v2.0 over it.
"""

from netmend.sources.store.errors import RefusedError, StoreError
from netmend.sources.store.store import Store

__all__ = ["RefusedError", "Store", "StoreError"]
