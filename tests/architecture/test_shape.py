"""The figures of ARCHITECTURE.md, held over every file of the package; a failure names the worst offenders."""

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

import grimp
import pytest

from tests.architecture import shape
from tests.architecture.reading import Source, sources

PACKAGE = "src/aulario"


def each(measure: Callable[[Source], int], folder: str = PACKAGE) -> dict[str, int]:
    return {str(source.path): measure(source) for source in sources(folder)}


def merged(measure: Callable[[Source], dict[str, int]]) -> dict[str, int]:
    return {place: figure for source in sources(PACKAGE) for place, figure in measure(source).items()}


def total(measure: Callable[[Source], int], folder: str = PACKAGE) -> int:
    return sum(each(measure, folder).values())


def worst(figures: dict[str, int], above: int = -1) -> str:
    """Write the ten largest figures, a line each, largest first."""
    found = sorted(((figure, place) for place, figure in figures.items() if figure > above), reverse=True)[:10]
    return "".join(f"\n  {figure:>4}  {place}" for figure, place in found)


def hold(figures: dict[str, int], limits: dict[int, int]) -> None:
    """Fail when a percentile is above its limit; the 50th is the median, the 100th the maximum."""
    for percent, limit in limits.items():
        found = shape.percentile(figures.values(), percent)
        assert found <= limit, f"percentile {percent} is {found}, and {limit} is held:{worst(figures, limit)}"


def test_files_are_short() -> None:
    """A file is read in one sitting."""
    hold(each(shape.lines), {50: 80, 90: 200, 100: 300})


def test_functions_are_short() -> None:
    """A function fits on a screen, and most fit in a glance."""
    hold(merged(shape.function_lines), {50: 8, 90: 22, 100: 50})


def test_functions_take_few_parameters() -> None:
    """A caller keeps at most six things in mind."""
    hold(merged(shape.parameters), {100: 6})


def test_files_import_few_modules() -> None:
    """What a file depends on can be held in one head."""
    hold(each(lambda source: len(shape.imported_modules(source))), {90: 12})


def test_comments_say_why_and_no_more() -> None:
    """Comments are rare enough to be read and present where a reader would ask why."""
    density = 100 * total(shape.comment_lines) / total(shape.code_lines)
    assert 3 <= density <= 8, f"{density:.1f} comment lines per 100 of code:{worst(each(shape.comment_lines))}"


def test_docstrings_are_short() -> None:
    """Docstrings stand where names and types do not say it, most of them on one line."""
    density = 100 * total(shape.docstring_lines) / total(shape.code_lines)
    assert 8 <= density <= 15, f"{density:.1f} docstring lines per 100 of code:{worst(each(shape.docstring_lines))}"
    one_line, count = total(shape.one_line_docstrings), total(lambda source: len(source.docstrings()))
    assert one_line * 2 > count, f"only {one_line} of {count} docstrings stand on one line"


def test_nothing_is_imported_late() -> None:
    """What a file needs is said at its top, where a reader and a linter look for it."""
    late = [place for source in sources(PACKAGE) for place in shape.late_imports(source)]
    assert not late, "\n".join(late)


def test_imports_make_no_circle() -> None:
    """Any file can be read, tested and replaced after the files it imports, never at once with them."""
    graph = grimp.build_graph("aulario", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail("imports in a circle: " + " <- ".join(error.args[1]))


def test_tests_are_short() -> None:
    """A test file is read in one sitting too."""
    hold(each(shape.lines, "tests"), {100: 400})


def test_tests_are_as_long_as_the_code() -> None:
    """Less would leave code unproved; more would make every change wait for its tests."""
    ratio = total(shape.lines, "tests") / total(shape.lines)
    assert 1.0 <= ratio <= 1.8, f"{ratio:.2f} lines of tests for a line of code"


SAMPLE = Source(
    PurePosixPath("sample.py"),
    '''"""A module."""

import json
from os import path, sep  # why

LIMIT = 3
"""Beyond it, nothing helps."""


class Thing:
    def size(self, unit: str, *, exact: bool) -> int:
        """Measure.

        Twice.
        """
        import math

        # because
        return math.ceil(1)

    def declared(self) -> int: ...
''',
)


def test_the_figures_are_measured_right() -> None:
    """A small file, counted by hand."""
    assert shape.lines(SAMPLE) == 21
    assert shape.function_lines(SAMPLE) == {"sample.py:11: size": 9}
    assert shape.parameters(SAMPLE) == {"sample.py:11: size": 2, "sample.py:21: declared": 0}
    assert (shape.comment_lines(SAMPLE), shape.docstring_lines(SAMPLE), shape.code_lines(SAMPLE)) == (3, 5, 8)
    assert (shape.one_line_docstrings(SAMPLE), len(SAMPLE.docstrings())) == (1, 2)
    assert shape.imported_modules(SAMPLE) == {"json", "os", "math"}
    assert shape.late_imports(SAMPLE) == ["sample.py:16: size imports when it runs"]
    assert shape.percentile(range(1, 11), 90) == 9
