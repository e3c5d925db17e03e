"""A platform under measurement: `aulario up` in a child process, on a folder of its own."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aulario.backends.secrets.file import FileSecrets
from aulario.core.auth import Tokens
from aulario.core.keys import KeyRing
from aulario.kit.clock import SystemClock

ENDED = "SELECT count(*) FROM orders WHERE status IN ('paid', 'failed')"
PAID = "SELECT count(*) FROM orders WHERE status = 'paid'"
ENROLLED = "SELECT count(*) FROM enrolments"
USERS = "SELECT count(*) FROM users"


@dataclass
class Platform:
    """A running child and its data folder."""

    data: Path
    port: int
    child: subprocess.Popen[bytes]
    ready_seconds: float

    def rows(self, service: str, query: str) -> list[Any]:
        """Look into a service's database from outside."""
        with closing(sqlite3.connect(f"file:{self.data}/{service}.db?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def count(self, service: str, query: str) -> int:
        return int(self.rows(service, query)[0][0])

    def memory_mb(self) -> float:
        """Give the resident memory of the process."""
        status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.child.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def token(self) -> str:
        """Make an administrator's token of the first demo academy with the installation's own key."""
        query = "SELECT u.id, t.id FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE t.slug = 'north' LIMIT 1"
        ((user, tenant),) = self.rows("identity", query)
        keys = asyncio.run(KeyRing.load(FileSecrets(self.data / "secrets"), "signing-keys", SystemClock()))
        return Tokens(keys, "aulario", SystemClock()).access(user, tenant, ["admin"], "bench")[0]

    def post_users(self, bodies: list[str], **options: Any) -> dict[str, Any]:
        """Post people from another process, and give what the load generator measured."""
        return load({"port": self.port, "token": self.token(), "path": "/api/users", "bodies": bodies, **options})

    def wait_for_chains(self, users: int) -> None:
        """Wait until every order ended and every paid one is enrolled."""
        deadline = time.perf_counter() + 120
        while self.count("orders", ENDED) < users or self.count("courses", ENROLLED) < self.count("orders", PAID):
            assert time.perf_counter() < deadline, "the chains did not end"
            time.sleep(0.01)


def load(work: dict[str, Any]) -> dict[str, Any]:
    """Run the load generator in a process of its own."""
    command = [sys.executable, "-m", "bench.load"]
    done = subprocess.run(command, input=json.dumps(work).encode(), stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    assert not result["wrong"], result["wrong"]
    return result


def people(number: int) -> list[str]:
    """Give bodies of people nobody has heard of."""
    stamp = time.time_ns()
    return [json.dumps({"email": f"p{stamp}-{i}@bench.example", "name": f"Person {i}"}) for i in range(number)]


@contextmanager
def running(data: Path | None = None, **settings: str) -> Iterator[Platform]:
    """Start a platform, wait until it is ready, and stop it; a folder that was not given is removed."""
    folder = data or Path(tempfile.mkdtemp(prefix="aulario-bench-"))
    given = {"data": str(folder), "port": str(free_port()), "log_level": "warning", **settings}
    environment = os.environ | {f"AULARIO_{name.upper()}": value for name, value in given.items()}
    begun = time.perf_counter()
    with started([sys.executable, "-m", "aulario", "up"], environment) as child:
        wait_ready(f"http://127.0.0.1:{given['port']}/health/ready", child)
        yield Platform(folder, int(given["port"]), child, time.perf_counter() - begun)
    if data is None:
        shutil.rmtree(folder)


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server as a child, and stop it by its own id."""
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def wait_ready(address: str, child: subprocess.Popen[bytes]) -> None:
    """Ask until the address answers well."""
    while child.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):  # noqa: S310 - our own loopback address
                return
        except OSError:
            time.sleep(0.005)
    message = f"the server ended with {child.returncode}"
    raise RuntimeError(message)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
