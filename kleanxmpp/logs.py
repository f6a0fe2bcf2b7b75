"""What the program writes to stderr: one line per event, as text or JSON, from our own and the libraries' loggers.

Values travel in `extra`, never in the sentence, so an event can be searched for. `level` holds for our own loggers:
libraries tell whole stanzas and the parameters of statements at DEBUG, so they are heard from WARNING on, but for
slixmpp, on which `component.quiet` has the last word.
"""

import logging
import sys

import structlog

OURS = ("kleanxmpp", "admin_api", "component", "ejabberd")


def set_up(*, level: str, as_json: bool) -> None:
    """Send all log lines of this process to stderr. `level` is a name like `info`, and holds for what is ours."""
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
    chosen = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(chosen, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(chosen)
