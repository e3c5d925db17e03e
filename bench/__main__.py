"""`python -m bench [NAME ...]`: measure, print a JSON line a bench, and a table of figures beside their targets."""

import sys

from rich.console import Console
from rich.table import Table

from bench import growth, raw, start, users
from bench.figures import TARGETS, Bench, measured

ONE_THREAD = (
    "the one thread of Python: a third of it is HTTP, over half the units' statements, which cost 20 µs each through "
    "SQLAlchemy where the driver alone takes 4; the disk waits beside it"
)
BENCHES = {
    "flood": Bench(users.flood, 5, ONE_THREAD),
    "lag": Bench(users.lag, 3, "at 10 a second five commits and as many wake-ups; at 400 " + ONE_THREAD),
    "start": Bench(start.start, 5, "importing the libraries: nine tenths of the time, and nearly all of the memory"),
    "driver": Bench(raw.driver, 3, "SQLite itself, and one fsync a group"),
    "fastapi": Bench(
        raw.fastapi_alone, 3, "FastAPI's own layers, and as much again the load generator on the other core"
    ),
    "growth": Bench(growth.growth, 1, "nothing that grows: each look-up is by a key or a partial index"),
}
"""Growth fills some twenty gigabytes for its one run."""


SHARES = {
    "posts_of_fastapi_alone": ("posts_per_second", "fastapi_posts_per_second"),
    "chains_of_driver_alone": ("chains_per_second", "driver_chains_per_second"),
}
"""Ours as a share of the raw cost in the same run: these stay as they are when the machine is slower today."""


def main(names: list[str]) -> None:
    """Run what was named, or everything."""
    figures: dict[str, float] = {}
    for name in names or BENCHES:
        figures |= measured(name, BENCHES[name])
    for name, (ours, raw_cost) in SHARES.items():
        if ours in figures and raw_cost in figures:
            figures[name] = figures[ours] / figures[raw_cost]
    table = Table("figure", "measured", "must", "aim", "reached", box=None, header_style="dim")
    for name, value in figures.items():
        target = TARGETS.get(name)
        bounds = (f"{target.must:g}", f"{target.aim:g}", target.verdict(value)) if target else ("", "", "")
        table.add_row(name, f"{value:,.2f}", *bounds)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
