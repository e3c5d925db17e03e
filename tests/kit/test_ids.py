"""Identifiers are UUIDv7."""

from uuid import UUID

from aulario.kit.ids import uuid7


def test_is_a_uuid_of_version_7() -> None:
    """The text is a UUID of version 7, in its usual form."""
    made = uuid7()
    assert UUID(made).version == 7
    assert str(UUID(made)) == made


def test_ids_of_one_process_are_unique_and_in_order() -> None:
    """Many made within a millisecond differ, and sort as they were made."""
    made = [uuid7() for _ in range(10_000)]
    assert sorted(set(made)) == made
