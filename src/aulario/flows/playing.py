"""Plays a flow against a running system and draws it from the trace of that run."""

from collections.abc import Callable

import httpx

from aulario.flows.drawing import sequence_diagram
from aulario.flows.stage import Flow, Login, Stage


async def played(flow: Flow, client: httpx.AsyncClient, login: Login, told: Callable[[str], None]) -> str:
    """Give the Mermaid diagram of a run; raises FlowError where the story stops."""
    stage = Stage(client, told)
    who = await flow.play(stage, login)
    return sequence_diagram(await stage.spans(who))
