"""Identifiers for everything that is stored or sent."""

import uuid_utils


def uuid7() -> str:
    """Make a UUIDv7 (RFC 9562): unique everywhere, and in order among those this process makes."""
    return str(uuid_utils.uuid7())
