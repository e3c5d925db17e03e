"""The system on one page: its services, and which addresses belong to which."""

from aulario.services.courses import courses
from aulario.services.identity import identity
from aulario.services.orders import orders
from aulario.services.payments import payments

SERVICES = (identity, courses, orders, payments)

ROUTES = {
    "/api/auth": "identity",
    "/api/users": "identity",
    "/api/tenants": "identity",
    "/.well-known": "identity",
    "/api/courses": "courses",
    "/api/enrolments": "courses",
    "/api/orders": "orders",
    "/api/payments": "payments",
    "/api/system": "edge",
    "/": "edge",
    "/docs": "edge",
    "/health": "edge",
    "/metrics": "edge",
}
"""Public addresses by prefix, the longest that fits; what is not here is not reachable."""
