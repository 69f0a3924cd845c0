"""Small data sets, each with its source, its licence and the numbers it must reproduce.

Third floor. Everything is read from files inside the package; nothing is fetched. See data/README.md.

>>> from exitmodels import datasets
>>> datasets.rossi().shape
(432, 9)
>>> print(datasets.exits431())
SIMULATED DATA, not the leaked records: 431 rows, 2013-03-01 to 2014-08-21, scheme "exits-only".
No row describes a real person; what was planted, and what was imposed, is in .truth.
"""

from exitmodels.datasets.files import exits431_path, rossi, timeline
from exitmodels.datasets.founding import Exits431, exits431

__all__ = ["Exits431", "exits431", "exits431_path", "rossi", "timeline"]
