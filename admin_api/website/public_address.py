"""Under which address people reach the website, for links that are handed to them."""

from yarl import URL

from .visits import Visit


def public_address(visit: Visit) -> str:
    """Return the address without a slash at the end: as the settings say, else as the browser reached us.

    A proxy in front speaks TLS in our place, and the browser's own word for its form (`Origin`) knows that.
    """
    named = visit.services.settings.public_url
    if named is not None:
        return named.rstrip("/")
    said = visit.request.headers.get("Origin")
    if said is not None and URL(said).authority == visit.request.headers.get("Host"):
        return str(URL(said).origin())
    return str(visit.request.url.origin())
