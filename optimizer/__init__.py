"""Pure computing."""
