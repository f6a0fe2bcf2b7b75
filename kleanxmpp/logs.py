"""What the program writes to stderr: one line per event, as text or JSON, from our own and the libraries' loggers.

Values travel in `extra`, never in the sentence, so an event can be searched for. slixmpp prints whole stanzas at
DEBUG, so its loggers never go below INFO.
"""

import logging
import sys

import structlog

_LIBRARIES = {"slixmpp": logging.WARNING, "aiohttp.access": logging.WARNING, "alembic": logging.WARNING}


def set_up(*, level: str, as_json: bool) -> None:
    """Send all log lines of this process to stderr. `level` is a name like `info`."""
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    colours = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    )
    processors: list[structlog.types.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *([structlog.processors.format_exc_info] if as_json else []),
        renderer,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, root.level))
