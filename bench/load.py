"""A load generator: bare HTTP/1.1 over kept connections, in a process of its own, so it costs the server little."""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop


@dataclass
class Load:
    """Requests to post, read as JSON from standard input by `python -m bench.load`."""

    port: int
    token: str
    path: str
    bodies: list[str]
    concurrency: int = 64
    per_second: float = 0
    """0: as fast as answers come; otherwise at these instants, whatever the answers do."""
    expect: int = 201
    seconds: list[float] = field(default_factory=list)
    replied: dict[int, float] = field(default_factory=dict)
    """When each body, by its number, was answered: seconds since 1970."""
    wrong: list[str] = field(default_factory=list)

    async def run(self) -> dict[str, Any]:
        """Post all bodies; gives the seconds of each, and of all."""
        self._next = iter(enumerate(self.bodies))
        self._began = time.perf_counter()
        await asyncio.gather(*(self._client() for _ in range(self.concurrency)))
        total = time.perf_counter() - self._began
        replied = [self.replied[number] for number in range(len(self.bodies))]
        return {"total": total, "seconds": self.seconds, "replied": replied, "wrong": self.wrong[:3]}

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for number, body in self._next:
            if self.per_second:
                await asyncio.sleep(max(0.0, self._began + number / self.per_second - time.perf_counter()))
            await self._post(reader, writer, body.encode())
            self.replied[number] = time.time()
        writer.close()
        await writer.wait_closed()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
        begun = time.perf_counter()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        content = await reader.readexactly(length)
        self.seconds.append(time.perf_counter() - begun)
        if int(answer[9:12]) != self.expect:
            self.wrong.append(f"{answer[:15]!r} {content[:200]!r}")


if __name__ == "__main__":
    # A buffer of our own: unbuffered, a large write to a pipe may be cut short.
    with open(sys.stdout.fileno(), "w", encoding="ascii", closefd=False) as out:
        json.dump(uvloop.run(Load(**json.load(sys.stdin)).run()), out)
