"""Worlds whose truth is known, for tests, power and teaching."""
