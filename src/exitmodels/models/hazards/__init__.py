"""Regression models of the hazard."""
