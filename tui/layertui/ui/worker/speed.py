"""How fast something arrives."""

from collections import deque

_SPAN = 3.0
"""Seconds that a speed is the mean of."""
_UNSURE = 0.5
"""Seconds before a speed is known."""


class Speed:
    """Bytes a second, the mean of the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, moment: float, done: int) -> None:
        """Note that ``done`` bytes have come by ``moment``, in seconds."""
        self._seen.append((moment, done))
        while len(self._seen) > 2 and moment - self._seen[1][0] >= _SPAN:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes a second; 0 if that is not known yet, or nothing was received."""
        if not self._seen:
            return 0.0
        (start, before), (end, done) = self._seen[0], self._seen[-1]
        return max(done - before, 0) / (end - start) if end - start >= _UNSURE else 0.0
