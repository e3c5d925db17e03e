"""Whether an event costs more as the outbox and the inbox grow: the same chains over 10 thousand and 5 million rows."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.platform import USERS, people, running

SMALL, LARGE = 10_000, 5_000_000
CHAINS = 1500
TAKEN = {
    "identity": ("user.created", "none"),
    "orders": ("order.created", "orders.on_user_created"),
    "payments": ("payment.completed", "payments.on_order_created"),
    "courses": ("student.enrolled", "courses.on_order_paid"),
}
"""Of each service, a topic it records and a handler it has."""
OUTBOX = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO outbox
(id, source, topic, version, tenant, key, time, request_id, traceparent, data)
SELECT printf('01000000-0000-7000-8000-%012d', i), ?, ?, 1, 'tenant', printf('%036d', i),
strftime('%Y-%m-%dT%H:%M:%S+00:00'), 'filler', '', printf('{"filler": "%0300d"}', i) FROM n"""
INBOX = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO inbox
(handler, event_id, status, tenant, topic, key, sequence, taken_at, expires, attempts)
SELECT ?, printf('01000000-0000-7000-8000-%012d', i), 'done', 'tenant', ?, printf('%036d', i), i, 0, NULL, 1 FROM n"""


def growth() -> dict[str, Any]:
    """Measure the processor time of a chain over small and over large tables."""
    small, large = _chain_cpu_ms(SMALL), _chain_cpu_ms(LARGE)
    return {"growth_ratio": large / small, "cpu_ms_at_10_thousand": small, "cpu_ms_at_5_million": large}


def _chain_cpu_ms(rows: int) -> float:
    with tempfile.TemporaryDirectory(prefix="aulario-bench-") as folder:
        data = Path(folder)
        with running(data) as platform:
            platform.wait_for_chains(platform.count("identity", USERS))
        for service in TAKEN:
            _fill(data, service, rows)
        with running(data) as platform:
            platform.post_users(people(300))
            before = platform.count("identity", USERS)
            platform.wait_for_chains(before)
            cpu = platform.cpu_seconds()
            platform.post_users(people(CHAINS))
            platform.wait_for_chains(before + CHAINS)
            return (platform.cpu_seconds() - cpu) / CHAINS * 1000


def _fill(data: Path, service: str, rows: int) -> None:
    """Add events that were taken long since, and move every handler's place behind them."""
    with closing(sqlite3.connect(data / f"{service}.db")) as file:
        file.execute("PRAGMA synchronous=OFF")
        with file:
            topic, handler = TAKEN[service]
            file.execute(OUTBOX, (rows, service, topic))
            file.execute(INBOX, (rows, handler, topic))
        with file:
            file.execute("UPDATE positions SET position = position + ?", (rows,))
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
