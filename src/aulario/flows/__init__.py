"""The stories that run through the whole system: each can be played, and is drawn from the trace of its run."""

from aulario.flows.stage import Flow
from aulario.flows.welcome import welcome

FLOWS: dict[str, Flow] = {flow.name: flow for flow in (welcome,)}
