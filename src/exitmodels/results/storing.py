"""Saving and loading: plain JSON, readable in twenty years, never a pickle.

Second floor. A result class lists nothing: every dataclass field that is made
of numbers, text, arrays, ledgers or other results is stored; fields that hold
the data or functions of them are left out (`field(metadata={"stored": False})`)
and a loaded result says so when it would need them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.shapes.ledger import Ledger
from exitmodels.version import VERSION

__all__ = ["Stored", "load", "unstored"]

FORMAT = 1
Held = TypeVar("Held")


class Stored:
    """A result that can be written to a file and read back."""

    def save(self, path: str | Path) -> None:
        """Write the result as JSON (numbers at full precision); read it back with `exitmodels.load`."""
        content = {"format": FORMAT, "exitmodels": VERSION, "result": _encode(self)}
        Path(path).write_text(json.dumps(content, allow_nan=False, indent=1), encoding="utf-8")


def unstored(value: Held | None, what: str, verb: str = "needs") -> Held:
    """Return a field that is never stored; where a loaded result lacks it, say what needed it."""
    if value is None:
        raise DataError(
            f"{what} {verb} the data of the fit, which a saved result does not hold.",
            code="no-data",
            hint="Fit the model again on the data.",
        )
    return value


def load(path: str | Path) -> Any:
    """Read a result that was written with ``.save(path)``.

    Parameters
    ----------
    path : str or path
        A file written by any result's `save`.

    Returns
    -------
    The same kind of result, with the same numbers. What needs the data themselves (residuals, other
    variances) is refused with a message, since data are never stored.

    Raises
    ------
    DataError
        If the file is not one of ours, or was written by a later format.
    """
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(
            f"{path} is not a result saved by this version of exitmodels.",
            code="format",
            hint="Give a file written by .save(path); update exitmodels if the file is newer.",
        )
    return _decode(content["result"])


def _encode(value: Any) -> Any:
    if isinstance(value, Ledger):
        return {"": "Ledger", "value": value.to_dict()}
    if is_dataclass(value) and not isinstance(value, type):
        stored = {f.name: _encode(getattr(value, f.name)) for f in fields(value) if f.metadata.get("stored", True)}
        return {"": f"{type(value).__module__}:{type(value).__qualname__}", "value": stored}
    if isinstance(value, np.ndarray):
        data = value.astype(str) if value.dtype.kind in "MOU" else value
        return {"": "array", "dtype": "str" if data.dtype.kind == "U" else str(data.dtype), "value": _plain(data)}
    if isinstance(value, np.generic):
        return _encode(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return {"": "float", "value": str(value)}
    if isinstance(value, Mapping):
        return {"": "dict", "value": [[_encode(k), _encode(v)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"": "tuple", "value": [_encode(v) for v in value]}
    if isinstance(value, list):
        return [_encode(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _plain(array: AnyArray) -> Any:
    """Lists of numbers; NaN and infinity as text, for JSON has no numbers for them."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    return np.where(np.isfinite(array), array.astype(object), array.astype(str)).tolist()


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind, content = value[""], value["value"]
    if kind == "Ledger":
        return Ledger.from_dict(content)
    if kind == "array":
        return np.asarray(content, dtype=None if value["dtype"] == "str" else value["dtype"])
    if kind == "float":
        return float(content)
    if kind == "dict":
        return {_decode(k): _decode(v) for k, v in content}
    if kind == "tuple":
        return tuple(_decode(v) for v in content)
    made = {name: _decode(v) for name, v in content.items()}
    return _class(kind)(**made)


def _class(kind: str) -> Any:
    module, _, name = kind.partition(":")
    if not module.startswith("exitmodels."):
        raise DataError(f"The file names a class outside exitmodels: {kind}.", code="format", hint="Do not trust it.")
    return getattr(import_module(module), name)
