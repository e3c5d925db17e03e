"""The part of a story that is the same in every service: what waits in its inbox, and what it gave up."""

from aulario.contracts.story import Step
from aulario.core import inbox
from aulario.core.unit_of_work import View


def held_steps(view: View, service: str, key: str) -> list[Step]:
    """Tell what a service is not through with of the events of one key."""
    steps = []
    for held in inbox.about(view.transaction, view.tenant, key):
        dead = held.status == "dead"
        facts = {
            "service": service,
            "handler": held.handler,
            "attempts": str(held.attempts),
            "error": held.history[-1].error if held.history else "",
            "event": held.envelope.id,
        }
        steps.append(
            Step(
                at=held.history[-1].at if held.history else view.now,
                service=service,
                code="event.dead" if dead else "event.waiting",
                outcome="failed" if dead else "waiting",
                facts=facts,
            )
        )
    return steps
