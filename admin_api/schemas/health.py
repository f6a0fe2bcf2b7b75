"""Whether this process lives and can work, in JSON."""

from datetime import datetime
from typing import Literal

from kleanxmpp.model import Door

from .types import View


class HealthView(View):
    """The process lives."""

    status: Literal["alive"] = "alive"


class LateView(View):
    """A source of people that is silent for too long."""

    company: str
    """Its domain."""
    door: Door
    since: datetime


class ReadyView(View):
    """Everything that is needed answers."""

    status: Literal["ready", "degraded"]
    """`degraded`: a source of people is late. Restarting helps nothing: look at what should send."""
    late: list[LateView]
