"""Spells seen only because their exit fell inside a window."""
