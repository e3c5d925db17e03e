"""Wakes those who wait for something to have happened, without saying what."""

import asyncio
from contextlib import suppress


class Bell:
    """Any number of listeners; a ring while a listener is busy is heard when it next waits."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self) -> "Listener":
        listener = Listener()
        self._listeners.append(listener)
        return listener

    def ring(self) -> None:
        for listener in self._listeners:
            listener.rung.set()


class Listener:
    """One who waits for the bell; made within the loop that rings it."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, or after some seconds: another process may have written without ringing."""
        # Not wait_for: in Python 3.11 it loses a cancellation that meets a ring, and whoever stops us waits for ever.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.rung.wait()
        self.rung.clear()
