"""Whether this process can serve: each part says what is wrong with it, or nothing."""

from collections.abc import Awaitable, Callable

from aulario.core.errors import Unavailable

Check = Callable[[], Awaitable[str | None]]


class Health:
    """Ready when started, not draining, and every check is content."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}
        self.state = "starting"

    async def check(self) -> dict[str, str]:
        """Give the state of each part; raises Unavailable when one of them cannot serve."""
        found = {name: await check() for name, check in self.checks.items()}
        wrong = {name: fault for name, fault in found.items() if fault is not None}
        if self.state != "ready" or wrong:
            message = f"not ready: {self.state}" if self.state != "ready" else "not ready"
            raise Unavailable(message, retry_after=2, parts=wrong)
        return {"status": "ready", **dict.fromkeys(found, "ready")}
