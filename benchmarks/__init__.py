"""How fast exitmodels is beside other packages, on the same data, after the answers agree.

Run ``python -m benchmarks.report`` for the table of ratios, or ``python -m pytest benchmarks`` to
follow our own times from change to change. Peers are optional: what is not installed is left out
with the reason.

    data.py     seeded samples           agree.py    what counts as the same answer
    tasks.py    our side of each task    measure.py  time and peak memory
    peers.py    Python packages          report.py   the lines of the table and their aims
    rscript.py  R packages               test_speed.py  cases for pytest-benchmark
"""
