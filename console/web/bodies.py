"""Bodies of requests, read no further than a limit."""

from __future__ import annotations

from fastapi import Request


class TooLarge(Exception):
    """A body is larger than it may be."""


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request of at most so many bytes. Raises `TooLarge`, before reading where the header says so."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > most:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge
    return bytes(body)
