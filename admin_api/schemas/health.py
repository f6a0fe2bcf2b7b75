"""Whether this process lives and can work, in JSON."""

from typing import Literal

from .types import View


class HealthView(View):
    """The process lives."""

    status: Literal["alive"] = "alive"


class ReadyView(View):
    """Everything that is needed answers."""

    status: Literal["ready"] = "ready"
