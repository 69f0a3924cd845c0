"""Names for the arrays that kernels take and give."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
AnyArray = NDArray[Any]

CHUNK = 1 << 16
"""Rows per streaming pass: the temporaries of one pass stay in cache."""
