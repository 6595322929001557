"""What steps take, by their width: the number of tokens or sequences that go through the weights together."""

from __future__ import annotations


class StepTimes:
    """Seconds by width, learnt from every step."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def record(self, width: int, seconds: float) -> None:
        """Learns from the seconds that a step of this width took."""
        old = self._seconds.get(width) or min(seconds, 2 * self.estimate(width) if self._seconds else seconds)
        # A step that was disturbed says nothing of its width: time falls fast and rises slowly.
        self._seconds[width] = old + (0.5 if seconds < old else 0.1) * (seconds - old)

    def knows(self, width: int) -> bool:
        """Whether a step of this width was measured."""
        return width in self._seconds

    def slowdown(self, width: int) -> float:
        """How many times as long a step of this width takes as the narrowest that was measured; 1 if none was."""
        return self.estimate(width) / self.estimate(min(self._seconds)) if self._seconds else 1.0

    def estimate(self, width: int) -> float:
        """Seconds of a step of this width, measured, or reckoned from a narrower one."""
        if width in self._seconds:
            return self._seconds[width]
        # Until it is measured: a tenth of the next narrower step for each column more.
        near = max((w for w in self._seconds if w < width), default=min(self._seconds))
        return self._seconds[near] * (1 + 0.1 * (width - near))
