"""Trying proposals on cases that they were not made from (docs/gate.md)."""
