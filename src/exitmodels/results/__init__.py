"""Second floor: what was concluded. Regressions, curves, tests, and the papers behind each number."""
