"""Named crash points: nothing at all until a test arms one, then a real SIGKILL on the spot."""

import os
import signal

POINTS = (
    "unit.before_commit",
    "unit.after_commit",
    "handler.after_effect",
    "inbox.after_commit",
    "call.before",
    "call.after",
    "relay.before_commit",
    "relay.after_commit",
)
"""Every point the code names; the crash suite fails when one of them was never hit."""

_armed: dict[str, int] = {}


def arm(spec: str) -> None:
    """Arm points from `service/point:count`, comma separated: the process dies at the count-th passage."""
    for part in filter(None, spec.split(",")):
        name, _, count = part.partition(":")
        if name.partition("/")[2] not in POINTS:
            message = f"no crash point is named {name!r}; they are {', '.join(POINTS)}"
            raise ValueError(message)
        _armed[name] = int(count or 1)


def crash_point(service: str, point: str) -> None:
    """Die here if this point is armed for this service and its count has run out."""
    if not _armed:
        return
    name = f"{service}/{point}"
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            # SIGKILL to ourselves: no `finally`, no flush, no atexit, exactly as `kill -9` from outside.
            os.kill(os.getpid(), signal.SIGKILL)
