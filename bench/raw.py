"""The raw cost of the same work: the SQLite driver alone, and FastAPI alone. They tell machines apart, not programs."""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import uvloop
from fastapi import FastAPI
from pydantic import BaseModel
from uvicorn import Config, Server

from bench.figures import p95
from bench.platform import free_port, load, people, started, wait_ready

CHAINS = 20_000
GROUP = 64
# What one welcome chain stores, over its four services: a row and its mark, an event, a look-up, a change.
STATEMENTS = (
    "INSERT INTO rows VALUES (?, 'tenant', 'user', 'new', '{}')",
    "INSERT INTO outbox (id, key, data) VALUES (?, 'key', '{\"a\": 1}')",
    "INSERT INTO inbox VALUES ('handler', ?, 'done') ON CONFLICT DO NOTHING",
    "SELECT * FROM rows WHERE id = ? AND tenant = 'tenant'",
    "UPDATE rows SET state = 'paid' WHERE id = ?",
)
STEPS = 5


def driver() -> dict[str, Any]:
    """Store as many rows as a chain does, in groups, each group durable, on the driver's cursor alone."""
    with (
        tempfile.TemporaryDirectory(prefix="aulario-bench-") as folder,
        closing(sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)) as file,
    ):
        file.executescript("""PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            CREATE TABLE rows (id TEXT PRIMARY KEY, tenant TEXT, user TEXT, state TEXT, data TEXT);
            CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, key TEXT, data TEXT);
            CREATE TABLE inbox (handler TEXT, id TEXT, status TEXT, PRIMARY KEY (handler, id));""")
        begun = time.perf_counter()
        for group in range(CHAINS // GROUP):
            file.execute("BEGIN IMMEDIATE")
            for unit in range(GROUP * STEPS):
                for statement in STATEMENTS:
                    file.execute(statement, (f"{group}-{unit}",))
            file.execute("COMMIT")
        return {"driver_chains_per_second": CHAINS / (time.perf_counter() - begun)}


class Person(BaseModel):
    """The body of `POST /api/users`."""

    email: str
    name: str


def fastapi_alone() -> dict[str, Any]:
    """Post the same bodies, at the same concurrency, to an endpoint that stores nothing."""
    port = free_port()
    with started([sys.executable, "-m", "bench.raw", str(port)], dict(os.environ)) as child:
        wait_ready(f"http://127.0.0.1:{port}/docs", child)
        work = {"port": port, "token": "none", "path": "/api/users", "bodies": people(5000)}
        load(work)
        posted = load(work)
    return {"fastapi_posts_per_second": 5000 / posted["total"], "fastapi_p95_ms": p95(posted["seconds"]) * 1000}


def _serve(port: int) -> None:
    api = FastAPI()

    @api.post("/api/users", status_code=201)
    async def create(person: Person) -> Person:
        return person

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    Server(Config(api, port=port, access_log=False, log_level="warning", lifespan="off")).run()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
