"""Names replaced by keyed hashes before anything is fitted.

Third floor, in the room of records. Read next: names.py.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray
from exitmodels.errors import DataError
from exitmodels.records.comparing import text_codes
from exitmodels.records.names import fold_distinct
from exitmodels.shapes.frames import Table

__all__ = ["pseudonyms"]

_SHORTEST = 16


def pseudonyms(
    values: Any, salt: str | bytes, *, fold: bool = False, bits: int = 128, method: str = "hmac-sha256"
) -> AnyArray:
    """Replace names or numbers of persons by salted hashes.

    Parameters
    ----------
    values : sequence of str, or a text column of a frame
        None, NaN and blank texts stay missing.
    salt : str or bytes
        The secret, 16 characters or bytes or more: ``secrets.token_hex(32)``. Keep it apart from the data, and destroy
        it when nothing needs to be linked any more.
    fold : bool
        Fold names first (`fold_names`, words sorted), so that spellings of one name share a pseudonym.
    bits : int
        Width of the pseudonym, a multiple of 8 from 32 to 256.
    method : {"hmac-sha256", "blake2b"}

    Returns
    -------
    (n,) array of hexadecimal text, None where missing. The same value, salt and options give the same text anywhere.

    Raises
    ------
    DataError
        For an empty or short salt, or when two different values would share a pseudonym at this width.

    Notes
    -----
    What this does not protect from: whoever has the salt can hash a list of names and find everyone in it; equal
    pseudonyms show that two records are of one name, and rare patterns of dates, places and reasons identify people
    without any name. It is pseudonymous, not anonymous. Hashes cannot be compared by likeness, so link by names first
    and hash afterwards.
    Source: HMAC, Bellare, Canetti and Krawczyk (1996); BLAKE2, RFC 7693.

    Examples
    --------
    >>> made = pseudonyms(["Omar Said", "Umar Saeed", None], "not a secret: example", fold=True, bits=32)
    >>> bool(made[0] == made[1]), made[2]
    (True, None)
    """
    key = salt.encode() if isinstance(salt, str) else bytes(salt)
    if len(key) < _SHORTEST:
        raise DataError(
            f"The salt has {len(key)} bytes; with a short one, names can be found by trying.",
            column="salt",
            code="salt",
            hint="Make one with secrets.token_hex(32), and keep it apart from the data.",
        )
    if bits % 8 or not 32 <= bits <= 256:
        raise DataError(
            f"bits={bits!r} is not possible.", column="bits", code="choice", hint="A multiple of 8, 32 to 256."
        )
    table = Table({"values": list(values)} if not hasattr(values, "to_frame") else values.to_frame("values"))
    column = table.column("values")
    if column.kind != "text" and not column.is_missing.all():
        raise DataError(
            f"The column holds {column.kind} values such as {column.examples(3)}.",
            column="values",
            code="kind",
            hint="Give text: numbers may print in several ways, so turn them into text yourself.",
        )
    distinct, (codes,) = text_codes((column,))
    texts = distinct
    if fold:
        folds = fold_distinct(distinct)
        texts = tuple(" ".join(sorted(f.text.split())) + (f" ({f.kunya})" if f.kunya else "") for f in folds)
    digest = _hasher(method, key, bits // 8)
    made = {text: digest(text.encode()) for text in set(texts)}
    if len(set(made.values())) < len(made):
        raise DataError(
            f"At {bits} bits two of {len(made):,} different values share a pseudonym.",
            column="bits",
            code="collision",
            hint="Take more bits; 128 are enough for any list.",
        )
    return np.array([made[text] if text else None for text in texts] + [None], dtype=object)[codes]


def _hasher(method: str, key: bytes, size: int) -> Callable[[bytes], str]:
    if method == "hmac-sha256":
        return lambda text: hmac.new(key, text, hashlib.sha256).digest()[:size].hex()
    if method == "blake2b":
        # blake2b takes keys up to 64 bytes; longer salts are condensed first.
        short = key if len(key) <= 64 else hashlib.sha512(key).digest()
        return lambda text: hashlib.blake2b(text, key=short, digest_size=size).hexdigest()
    raise DataError(
        f"method={method!r} is not known.", column="method", code="choice", hint='"hmac-sha256" or "blake2b".'
    )
