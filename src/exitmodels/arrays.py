"""Names for the arrays that are passed around.

Below the ground floor: every room may import it. The names say what an array
holds; the element type is left to NumPy, whose own type stubs differ from
version to version.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from numpy.typing import NDArray

Floats: TypeAlias = NDArray[Any]
Ints: TypeAlias = NDArray[Any]
Bools: TypeAlias = NDArray[Any]
AnyArray: TypeAlias = NDArray[Any]

CHUNK = 1 << 16
"""Rows per streaming pass: the temporaries of one pass stay in cache."""
