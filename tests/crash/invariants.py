"""The six invariants, compared from outside: what was promised, what is stored, what was told, what was charged."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.crash.installation import Installation
from tests.crash.traffic import Ledger

_EVENTS = "SELECT json_extract(data, ?) FROM outbox WHERE topic = ?"
_DISORDERED = """SELECT handler, key FROM (SELECT handler, key, taken_at, lag(taken_at) OVER
(PARTITION BY handler, tenant, key ORDER BY sequence) AS before FROM inbox) WHERE taken_at < before"""


def violations(installation: Installation, ledger: Ledger) -> list[str]:
    """Give a sentence for each broken invariant; call it when the installation is quiet."""
    held = (_lost(installation, ledger), _doubled(installation), _disordered(installation))
    return [sentence for found in (*held, _unpaired(installation), _strayed(installation)) for sentence in found]


def _lost(installation: Installation, ledger: Ledger) -> Iterator[str]:
    """L and H: what was acknowledged is there, nobody is there unasked, and every chain came to its end."""
    users = dict(installation.rows("identity", "SELECT email, id FROM users"))
    for attempt in ledger.acknowledged:
        if users.get(attempt.email) != attempt.user_id:
            yield f"L: {attempt.email} was acknowledged as {attempt.user_id} and is {users.get(attempt.email)}"
    for email in users.keys() - ledger.attempts.keys():
        if not email.startswith("admin@"):
            yield f"L: nobody asked for {email}"
    for (order,) in installation.rows(
        "orders",
        "SELECT id FROM orders WHERE status NOT IN ('paid', 'failed') OR (status = 'failed' AND reason IS NULL)",
    ):
        yield f"L: order {order} is neither paid nor failed for a stated reason"
    for service in ("courses", "orders", "payments"):
        for handler, error in installation.rows(service, "SELECT handler, error FROM inbox WHERE status <> 'done'"):
            yield f"H: {handler} is not through: {error}"


def _doubled(installation: Installation) -> Iterator[str]:
    """D: one order a person, one charge a payment whatever was repeated, one enrolment a paid order and none else."""
    users = [one for (one,) in installation.rows("identity", "SELECT id FROM users")]
    orders = [one for (one,) in installation.rows("orders", "SELECT user_id FROM orders WHERE welcome")]
    yield from _differing("D: users and their welcome orders", users, orders)
    made = installation.rows("orders", "SELECT id, attempt FROM orders")
    owed = [f"{order}/{attempt + 1}" for order, attempts in made for attempt in range(attempts)]
    paid = installation.rows("payments", "SELECT order_id || '/' || attempt FROM payments")
    yield from _differing("D: attempts to pay and payments", owed, (one for (one,) in paid))
    stored = installation.rows("payments", "SELECT id || ' ' || reference FROM payments")
    charged = installation.charges()
    told = (f"{payment} {reference}" for payment, calls in charged.items() for _, reference in calls)
    yield from _differing("D: payments and charges", (one for (one,) in stored), told)
    earned = [one for (one,) in installation.rows("orders", "SELECT id FROM orders WHERE status = 'paid'")]
    enrolled = (one for (one,) in installation.rows("courses", "SELECT order_id FROM enrolments"))
    yield from _differing("D: paid orders and enrolments", earned, enrolled)


def _disordered(installation: Installation) -> Iterator[str]:
    """O: each handler took the events of a key in the order they were recorded."""
    for service in ("courses", "orders", "payments"):
        for handler, key in installation.rows(service, _DISORDERED):
            yield f"O: {handler} took the events of {key} out of order"


def _unpaired(installation: Installation) -> Iterator[str]:
    """G: a row for each event and an event for each row."""
    pairs = (
        ("identity", "SELECT id FROM tenants", "tenant.created", "tenant_id"),
        ("identity", "SELECT id FROM users", "user.created", "user_id"),
        ("orders", "SELECT id FROM orders WHERE product_id IS NOT NULL", "order.created", "order_id"),
        ("orders", "SELECT id FROM orders WHERE status = 'paid'", "order.paid", "order_id"),
        ("payments", "SELECT id FROM payments WHERE status = 'paid'", "payment.completed", "payment_id"),
        ("payments", "SELECT id FROM payments WHERE status = 'failed'", "payment.failed", "payment_id"),
        ("courses", "SELECT id FROM enrolments", "student.enrolled", "enrolment_id"),
        ("courses", "SELECT id FROM courses", "course.published", "course_id"),
    )
    for service, statement, topic, name in pairs:
        stored = (one for (one,) in installation.rows(service, statement))
        # Poison that a test put there has no such field, and no row is owed for it.
        told = installation.rows(service, f"{_EVENTS} AND json_valid(data) AND version = 1", f"$.{name}", topic)
        yield from _differing(f"G: {topic} and its rows", stored, (one for (one,) in told if one))


def _strayed(installation: Installation) -> Iterator[str]:
    """T: what happened for a person happened in that person's academy."""
    homes = dict(installation.rows("identity", "SELECT id, tenant_id FROM users"))
    courses = dict(installation.rows("courses", "SELECT id, tenant_id FROM courses"))
    effects = (
        ("orders", "SELECT user_id, tenant_id FROM orders"),
        ("payments", "SELECT user_id, tenant_id FROM payments"),
        ("courses", "SELECT user_id, tenant_id FROM enrolments"),
    )
    for service, statement in effects:
        for user, tenant in installation.rows(service, statement):
            if homes.get(user) != tenant:
                yield f"T: {service} did something in {tenant} for {user} of {homes.get(user)}"
    for course, tenant in installation.rows("courses", "SELECT course_id, tenant_id FROM enrolments"):
        if courses.get(course) != tenant:
            yield f"T: somebody of {tenant} is enrolled in {course} of {courses.get(course)}"


def _differing(what: str, left: Iterable[str], right: Iterable[str]) -> Iterator[str]:
    """Compare two bags, and name what is in one more often than in the other."""
    first, second = Counter(left), Counter(right)
    if first != second:
        yield f"{what} differ: {dict(first - second)} and {dict(second - first)}"
