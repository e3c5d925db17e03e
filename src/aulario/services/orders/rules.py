"""What may follow what in an order's life, and the words in which its story is told."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from aulario.contracts.story import Step


class Status(StrEnum):
    """Where an order stands."""

    AWAITING_COURSE = "awaiting_course"
    CREATED = "created"
    PAID = "paid"
    FAILED = "failed"


LEGAL = {
    Status.AWAITING_COURSE: {Status.CREATED},
    Status.CREATED: {Status.PAID, Status.FAILED},
    # Paid wins over failed: a refusal that arrives late, or a retry, never takes away what was paid for.
    Status.FAILED: {Status.CREATED, Status.PAID},
    Status.PAID: set(),
}


def may_become(status: str, following: Status) -> bool:
    """Tell whether an order may take this step."""
    return following in LEGAL[Status(status)]


def story(steps: Iterable[Step]) -> list[Step]:
    """Put what several services told into one order."""
    return sorted(steps, key=lambda step: (step.at, _RANK.get(step.service, 0)))


def sentence(step: Step, language: str) -> str:
    """Say a step in plain words, in English unless the reader's language is Spanish."""
    english, spanish = _SENTENCES[step.code]
    return (spanish if language == "es" else english).format_map(step.facts)


NOTHING = Decimal(0)

_RANK = {"orders": 0, "payments": 1, "courses": 2}
_SENTENCES = {
    "order.made": (
        "The welcome order was made: {title}, {amount} {currency}.",
        "Se creó el pedido de bienvenida: {title}, {amount} {currency}.",
    ),
    "order.awaiting_course": (
        "The order waits: the academy has no welcome course yet. Publish one and it goes on by itself.",
        "El pedido espera: la academia aún no tiene curso de bienvenida. Publica uno y seguirá solo.",
    ),
    "order.paid": ("The order is paid.", "El pedido está pagado."),
    "order.failed": (
        "The order failed: {reason}. Its owner can try to pay again.",
        "El pedido falló: {reason}. Su dueño puede volver a intentar el pago.",
    ),
    "order.retried": ("Payment is being tried again (attempt {attempt}).", "Se reintenta el pago (intento {attempt})."),
    "payment.opened": (
        "Payment {attempt} of {amount} {currency} was handed to the gateway {gateway}.",
        "El pago {attempt} de {amount} {currency} se entregó a la pasarela {gateway}.",
    ),
    "payment.paid": ("The gateway {gateway} confirmed the payment.", "La pasarela {gateway} confirmó el pago."),
    "payment.failed": (
        "The gateway {gateway} refused: {reason}. Nothing was charged.",
        "La pasarela {gateway} rechazó el pago: {reason}. No se cobró nada.",
    ),
    "student.enrolled": ("The student is enrolled in {title}.", "El estudiante está inscrito en {title}."),
    "event.waiting": (
        "{service} will try again ({handler}, {attempts} failed): {error}",
        "{service} volverá a intentarlo ({handler}, {attempts} fallidos): {error}",
    ),
    "event.dead": (
        "{service} gave up ({handler}, {attempts} attempts): {error}. Replay it: aulario events replay {event}",
        "{service} se rindió ({handler}, {attempts} intentos): {error}. Repítelo: aulario events replay {event}",
    ),
}
