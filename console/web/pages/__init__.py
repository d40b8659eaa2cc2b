"""One module a page: each gives a router over a `Web`."""
