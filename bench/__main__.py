"""`python -m bench [NAME ...]`: measure, print a JSON line a bench, and a table of figures beside their targets."""

import sys

from rich.console import Console
from rich.table import Table

from bench import growth, raw, start, users
from bench.figures import TARGETS, measured

BENCHES = {
    "flood": (users.flood, 5),
    "lag": (users.lag, 3),
    "start": (start.start, 5),
    "driver": (raw.driver, 3),
    "fastapi": (raw.fastapi_alone, 3),
    "growth": (growth.growth, 1),
}
"""Each with how many runs its median is of; growth fills some ten gigabytes, once."""


def main(names: list[str]) -> None:
    """Run what was named, or everything."""
    figures: dict[str, float] = {}
    for name in names or BENCHES:
        run, runs = BENCHES[name]
        figures |= measured(name, run, runs)
    table = Table("figure", "measured", "must", "aim", "reached", box=None, header_style="dim")
    for name, value in figures.items():
        target = TARGETS.get(name)
        bounds = (f"{target.must:g}", f"{target.aim:g}", target.verdict(value)) if target else ("", "", "")
        table.add_row(name, f"{value:,.2f}", *bounds)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
