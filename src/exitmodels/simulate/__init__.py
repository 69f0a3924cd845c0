"""Worlds whose truth is known, for tests, power and teaching.

Third floor. `exits` makes the records of a clerk who writes down people leaving (dates, reasons as text,
a policy that changes the hazard); `dirty` writes them as a register full of known defects; `spells` makes a plain
table of censored stays for a regression; `newsletter` makes items of one publication that another carries later or
never. Nothing made here describes a real person, and everything printed says so.

>>> from exitmodels import simulate
>>> world = simulate.exits(n=50, rng=1)
>>> len(world.frame), world.truth["policy"]["date"]
(50, '2014-06-29')
"""

from exitmodels.simulate.clerk import exits
from exitmodels.simulate.items import TOPICS, SimulatedItems, newsletter
from exitmodels.simulate.made import SimulatedExits, SimulatedSpells
from exitmodels.simulate.reasons import REASONS, first_mentioned
from exitmodels.simulate.register import DirtyRecords, dirty
from exitmodels.simulate.stays import spells

__all__ = [
    "REASONS",
    "TOPICS",
    "DirtyRecords",
    "SimulatedExits",
    "SimulatedItems",
    "SimulatedSpells",
    "dirty",
    "exits",
    "first_mentioned",
    "newsletter",
    "spells",
]
