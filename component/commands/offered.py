"""The list of all commands, in the order in which people see them."""

from collections.abc import Sequence

from .base import Command
from .contact import Contact
from .groups import Groups
from .help import Help
from .who import Who

_OTHERS: Sequence[Command] = (Groups(), Who(), Contact())
HELP: Command = Help(_OTHERS)
COMMANDS: Sequence[Command] = (HELP, *_OTHERS)
