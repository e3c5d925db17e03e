"""What is to be reached, and how several runs become one line."""

import json
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A figure's bounds; `at_least` tells whether more is better."""

    must: float
    aim: float
    at_least: bool = False

    def verdict(self, value: float) -> str:
        """Say how a value stands to the bounds."""
        sign = -1 if self.at_least else 1
        if value * sign <= self.aim * sign:
            return "aim"
        return "must" if value * sign <= self.must * sign else "MISSED"


TARGETS = {
    "posts_per_second": Target(800, 2000, at_least=True),
    "post_p95_ms": Target(150, 150),
    "chains_per_second": Target(300, 700, at_least=True),
    "lag_p95_ms_at_10": Target(75, 20),
    "lag_p95_ms_at_400": Target(500, 100),
    "start_seconds": Target(3, 1.5),
    "memory_mb": Target(250, 150),
    "growth_ratio": Target(1.5, 1.1),
}


class Bench(NamedTuple):
    """What is run, how many runs its median is of, and what a profile said limits it."""

    run: Callable[[], dict[str, Any]]
    runs: int
    limit: str


def measured(name: str, bench: Bench) -> dict[str, float]:
    """Run several times and print one JSON line of medians and spreads; gives the medians."""
    run, runs, limit = bench
    results = [run() for _ in range(runs)]
    figures = {key: [result[key] for result in results] for key in results[0]}
    medians = {key: statistics.median(values) for key, values in figures.items()}
    spreads = {key: [round(min(values), 2), round(max(values), 2)] for key, values in figures.items()}
    rounded = {key: round(value, 2) for key, value in medians.items()}
    print(json.dumps({"bench": name, "runs": runs, "median": rounded, "spread": spreads, "limit": limit}), flush=True)
    return medians


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]
