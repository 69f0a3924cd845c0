"""Rates and count regression."""
