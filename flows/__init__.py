"""Prefect flows and the use cases that they share with the console."""
