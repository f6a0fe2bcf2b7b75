"""HTML becomes PDF. The library and what it needs from the system are loaded when a document is first asked for.

So the service runs on machines that lack them, and says then what to install. One page at a time and beside the event
loop: rendering takes half a second of pure computing.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import ModuleType
from typing import Any

from kleanxmpp import errors
from kleanxmpp.documents.evidence import evidence_html
from kleanxmpp.documents.facts import EvidenceFacts

PACKAGES = ("libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-open-sans")
"""What Debian must have for it. Any font does; this one is what the pages were made for."""
_MISSING = (
    "PDF documents need WeasyPrint and its system libraries, which are not installed here. Install them: "
    f"pip install 'kleanxmpp[pdf]', and apt-get install {' '.join(PACKAGES)}. Everything else works without."
)
_SIZES = (9.4, 8.8, 8.0, 7.2, 6.4, 6.0)
"""Points. The first is how a page is meant; a fuller one is set smaller and closer."""
_printer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pdf")


async def evidence_pdf(facts: EvidenceFacts, *, locale: str, now: datetime) -> bytes:
    """Return the evidence of an off-boarding as a PDF of one page. Raises NotInstalled."""
    html = evidence_html(facts, locale=locale, now=now)
    return await asyncio.get_running_loop().run_in_executor(_printer, printed, html)


def printed(html: str) -> bytes:
    """Return the page as PDF/A with tags, set closer if it would not fit otherwise. Raises NotInstalled. Blocks."""
    weasyprint = _weasyprint()
    for size in _SIZES:
        kind = "plain" if size == _SIZES[0] else "dense"
        page = html.replace("<body>", f'<body class="{kind}" style="font-size: {size}pt">')
        document = weasyprint.HTML(string=page, url_fetcher=_nothing_from_outside).render()
        if len(document.pages) == 1:
            break
    pdf: bytes = document.write_pdf(pdf_variant="pdf/a-2a")
    return pdf


def _weasyprint() -> ModuleType:
    try:
        import weasyprint  # type: ignore[import-untyped]  # ships no types
    except (ImportError, OSError) as error:  # the package is missing, or a library that it loads
        raise errors.NotInstalled(_MISSING) from error
    module: ModuleType = weasyprint
    return module


def _nothing_from_outside(url: str, *_: Any, **__: Any) -> Mapping[str, Any]:  # noqa: ANN401  the library's protocol
    raise ValueError(f"A document loads nothing, but asked for {url}")
