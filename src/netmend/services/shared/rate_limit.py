"""A token bucket for each key, kept as one number: when the bucket will be full again (GCRA, ITU-T I.371)."""

_PRUNE_AT = 1024


class RateLimit:
    """Allows `rate` events a second for each key, and `burst` at once."""

    __slots__ = ("_full_at", "_interval", "_prune_at", "_tolerance")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1) * self._interval
        self._full_at: dict[object, float] = {}
        self._prune_at = _PRUNE_AT

    def allow(self, key: object, now: float) -> bool:
        """Take a token from the key's bucket; False when it is empty. `now` is in seconds, of any monotonic clock."""
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        elif full_at - now > self._tolerance:
            return False
        self._full_at[key] = full_at + self._interval
        if len(self._full_at) > self._prune_at:
            self._forget_full(now)
        return True

    def spent(self, key: object, now: float) -> bool:
        """Whether the key's bucket is empty; takes nothing from it."""
        return self._full_at.get(key, now) - now > self._tolerance

    def _forget_full(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._prune_at = 2 * len(self._full_at) + _PRUNE_AT
