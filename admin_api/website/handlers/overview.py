"""The first page: how things are."""

from aiohttp import web

from ..visits import Visit


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show what is out of step, and what waits for somebody."""
    return visit.page("overview.html")
