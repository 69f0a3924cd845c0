"""The defects of a text file, planted one by one in records that can show them.

Third floor, in the room of simulation. Each record carries one defect at most, and only where no other reading of it
fits, so that the list of what was planted is the list of what can be found.

Read next: bed.py, planting_dates.py, planting_cells.py. Called by: register.py.
"""

from __future__ import annotations

from collections.abc import Callable

from exitmodels.simulate.bed import DAY, QUIET, Bed, Keep
from exitmodels.simulate.papers import COLUMNS, Paper, day_text
from exitmodels.simulate.planting_cells import plant_habits, plant_ids, plant_numbers, plant_texts
from exitmodels.simulate.planting_dates import plant_orders, plant_unreadable

__all__ = ["plant_text"]


def plant_text(bed: Bed) -> list[Paper]:
    """Plant everything; returns the rows in the order of the file."""
    plant_orders(bed)
    plant_unreadable(bed)
    plant_texts(bed)
    plant_numbers(bed)
    plant_ids(bed)
    plant_habits(bed)
    return _layout(bed, _copies(bed))


# ---- rows --------------------------------------------------------------------------------------------------------
def _copies(bed: Bed) -> dict[int, list[Paper]]:
    """Records written twice, by the place after which the copy stands."""
    after: dict[int, list[Paper]] = {}

    def add(code: str, place: int, change: Callable[[Paper], None], column: str | None) -> None:
        row = bed.rows[place].copy()
        row.cells["record"] = "1" + row.cells["record"][:0:-1]
        change(row)
        bed.planted.append((code, row, column, None, None))
        after.setdefault(min(place + 3, len(bed.rows) - 1), []).append(row)

    plain: Keep = lambda row: row.cells["name"].isascii() and not row.cells["record"].endswith("0")  # noqa: E731
    for place in bed.pick("duplicate", plain):
        add("duplicate", place, lambda row: None, None)
    shiftable: Keep = lambda row: plain(row) and row.days["left"] < bed.last and row.days["recorded"] > row.days["left"]  # noqa: E731
    for place in bed.pick("near-duplicate", shiftable):
        add("near-duplicate", place, _next_day, "name")
    for place in bed.pick("near-duplicate", plain):
        add("near-duplicate", place, _respelled, "name")
    return after


def _next_day(row: Paper) -> None:
    for name in ("joined", "left"):
        row.cells[name] = day_text(row.days[name] + DAY)


def _respelled(row: Paper) -> None:
    """Vowels as another clerk hears them."""
    row.cells["name"] = row.cells["name"].translate(str.maketrans("aiu", "eyo")).replace("o", "ou", 1)


def _layout(bed: Bed, after: dict[int, list[Paper]]) -> list[Paper]:
    """Rows in the order of the file, with what is no record between them."""
    rows = []
    for place, row in enumerate(bed.rows):
        rows += [row, *after.get(place, [])]
    _cut_off(bed, rows)
    _misplaced(bed)
    _column_wide(bed, rows)
    _between(bed, rows)
    return rows


def _cut_off(bed: Bed, rows: list[Paper]) -> None:
    """Every reason longer than a limit is cut there; the limit is such that many are."""
    lengths = sorted((len(text) for text in {row.cells["reason"] for row in rows}), reverse=True)
    limit = lengths[min(40, len(lengths) // 3)]
    for row in rows:
        text = row.cells["reason"]
        if len(text) >= limit:
            row.cells["reason"] = text[:limit]
            bed.planted.append(("truncated-text", row, "reason", text, text[:limit]))


def _misplaced(bed: Bed) -> None:
    """Cells beyond the last column, too few cells, and cells moved by one."""
    for place in bed.pick("surplus-cells"):
        row = bed.rows[place]
        row.raw = [
            part
            for name in COLUMNS
            for part in ([row.cells[name], "his mother"] if name == "reason" else [row.cells[name]])
        ]
        bed.planted.append(("surplus-cells", row, None, None, None))
    for place in bed.pick("short-row"):
        row = bed.rows[place]
        row.raw = [row.cells[name] for name in COLUMNS[:-2]]
        bed.planted.append(("short-row", row, None, None, None))
    for place in bed.pick("shifted-cells"):
        row, at = bed.rows[place], COLUMNS.index("joined")
        cells = [row.cells[name] for name in COLUMNS]
        row.raw = [*cells[:at], "", *cells[at:-1]]
        bed.planted.append(("shifted-cells", row, None, None, None))


def _column_wide(bed: Bed, rows: list[Paper]) -> None:
    """List the rows of defects that are a habit of a whole column; misplaced rows are passed over."""
    moved = {id(row) for code, row, *_ in bed.planted if code in ("surplus-cells", "shifted-cells")}
    bed.planted = [p for p in bed.planted if p[0] != "truncated-text" or id(p[1]) not in moved]
    held = [row for row in rows if id(row) not in moved]
    entered = [row.cells["recorded"][:10] for row in held]
    bulk = max(set(entered), key=entered.count)
    nothing = {id(row) for code, row, column, *_ in bed.planted if (code, column) == ("sentinel-date", "born")}
    for row in held:
        clock = row.cells["recorded"][11:13]
        if clock and 1 <= int(clock) <= 11:
            bed.planted.append(("twelve-hour-clock", row, "recorded", None, row.cells["recorded"]))
        if row.cells["recorded"][:10] == bulk:
            bed.planted.append(("bulk-day", row, "recorded", None, row.cells["recorded"]))
        if row.cells["born"][:2] in ("01", "15") and id(row) not in nothing:
            bed.planted.append(("heaped-days", row, "born", None, row.cells["born"]))
    bed.headers["form"] = "\ufeffform"
    bed.planted += [
        ("header-mark", None, "\ufeffform", "form", "\ufeffform"),
        ("constant-column", None, "\ufeffform", None, "A"),
    ]
    bed.planted.append(("line-ends", None, None, "LF", "CR LF and LF"))


def _between(bed: Bed, rows: list[Paper]) -> None:
    """Totals, headers, headings and empty rows between the records."""
    width = len(COLUMNS)
    titles = [bed.headers.get(name, name) for name in COLUMNS]
    fees = sum(int(row.cells["fee"]) for row in rows[:QUIET])
    bare = [""] * width
    plan = [("total-row", [*bare[:9], str(fees), ""], QUIET)]
    for k in range(bed.per):
        at = len(rows) * (k + 1) // (bed.per + 1)
        plan += [
            ("repeated-header", titles, at),
            ("section-row", [f"Page {'two' if k == 0 else 'three'}", *bare[1:]], at),
            ("empty-row", bare, at + 7),
            ("total-row", [*bare[:6], "المجموع", "", "", str(fees), ""], at + 11),
        ]
    plan.append(("total-row", ["Total", *bare[1:8], str(len(rows)), "", ""], len(rows)))
    for code, cells, at in sorted(plan, key=lambda item: -item[2]):
        row = Paper(raw=list(cells))
        rows.insert(at, row)
        bed.planted.append((code, row, None, None, None))
