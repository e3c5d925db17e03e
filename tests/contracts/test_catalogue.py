"""The catalogue knows every event, and every event keeps the rules of its name."""

import importlib
import pkgutil
import re

import msgspec
import pytest

from aulario import contracts, topology
from aulario.contracts.catalogue import SOURCES, events, source_of
from aulario.contracts.event import Event
from aulario.contracts.question import Question

ALL = [(service, shape) for service, shapes in events().items() for shape in shapes]
NAMES = [shape.type for _, shape in ALL]


def subclasses(base: type) -> set[type]:
    found: set[type] = set(base.__subclasses__())
    return found | {below for shape in found for below in subclasses(shape)}


def declared(base: type) -> set[type]:
    """Give what is declared in any module of the contracts, whether the catalogue lists it or not."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"aulario.contracts.{module.name}")
    return {shape for shape in subclasses(base) if shape.__module__.startswith("aulario.contracts.")}


def test_every_event_is_listed() -> None:
    """One that is declared and not listed would reach nobody, and stand in no document."""
    declared_events = {shape for shape in declared(Event) if hasattr(shape, "type")}
    assert declared_events == {shape for _, shape in ALL}


def test_every_source_is_a_service() -> None:
    """Events are recorded by services of this system."""
    assert set(SOURCES) <= {service.name for service in topology.SERVICES}


@pytest.mark.parametrize(("service", "shape"), ALL, ids=NAMES)
def test_an_event_keeps_the_rules(service: str, shape: type[Event]) -> None:
    """Named `<noun>.<past verb>.v<N>`, described, keyed by a field it has, and known by its topic."""
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)*\.[a-z]+ed\.v[1-9][0-9]*|order\.paid\.v1", shape.type)
    assert shape.__doc__
    assert shape.key in {field.name for field in msgspec.structs.fields(shape)}
    assert source_of(shape.topic()) == service


def test_no_two_events_share_a_type() -> None:
    """A type says one thing."""
    assert len(set(NAMES)) == len(NAMES)


def test_a_topic_that_nobody_records_is_an_error() -> None:
    """A handler of it would wait for ever."""
    with pytest.raises(KeyError):
        source_of("nothing.happened")


def test_every_handler_hears_an_event_of_the_catalogue() -> None:
    """Topics have a source, and no service hears a type that the contracts do not have."""
    for service in topology.SERVICES:
        for handler in service.handlers:
            assert handler.event in {shape for _, shape in ALL}, handler.name


def test_every_question_is_answered_by_its_service() -> None:
    """What may be asked has somebody who answers, and it is the one the question names."""
    answered = {question: service.name for service in topology.SERVICES for question in service.answers}
    assert answered == {shape: shape.service for shape in declared(Question) if hasattr(shape, "service")}
