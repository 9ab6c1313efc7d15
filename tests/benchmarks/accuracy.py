"""How exact: the largest error of each peer in each range, as `ulps` measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .measure import in_child, verdict

COUNT = 100_000  # points in each range
PEERS = ("ours", "book", "scipy", "torch")
TARGETS = {"float64": 4.0, "float32": 1.0, "float16": 1.0}  # ULP


@dataclass(frozen=True)
class Errors:
    """The largest error of each peer in a range, in units in the last place."""

    function: str
    dtype: str
    low: int
    high: int
    ulps: dict[str, float]

    @property
    def name(self) -> str:
        """What the range is called."""
        return f"{self.function}, {self.dtype}, {self.low} … {self.high}".replace("-", "−")

    @property
    def target(self) -> float:
        """The largest error that ours may have."""
        return TARGETS[self.dtype]

    @property
    def verdict(self) -> str:
        """Whether the target holds."""
        return verdict(self.ulps["ours"], self.target)


def accuracy(peers: Sequence[str], count: int, environment: Mapping[str, str]) -> list[Errors]:
    """Return the errors of the peers, from a process of its own."""
    found = in_child("ulps", str(count), *peers, environment=environment)
    return [Errors(*values) for values in found]
