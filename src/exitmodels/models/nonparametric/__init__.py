"""Curves and tests that assume no shape of the hazard."""
