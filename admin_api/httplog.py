"""What aiohttp says about requests that never reach a handler, without what was in them.

Its errors quote the request's line and headers: addresses with ids and names in them, and tokens.
"""

import logging


class _WithoutValues(logging.Filter):
    """Keeps of an error only its kind."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        record.kind = kind.__name__ if kind else "unknown"
        record.msg, record.args = "request not understood", ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def quiet_http_log() -> logging.Logger:
    """Return the logger that aiohttp's server may write to."""
    log = logging.getLogger(__name__)
    if not log.filters:
        log.addFilter(_WithoutValues())
    return log
