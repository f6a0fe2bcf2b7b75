"""From a handler's signature to a checked request, an OpenAPI document and a page that people read.

Our own because no library for aiohttp does this with OpenAPI 3.1, pydantic 2 and problem documents.
"""
