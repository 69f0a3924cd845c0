"""The rule of the arrows: a file imports from its own room and from lower floors; never upward, never across."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "exitmodels"
FLOORS = {
    "errors": -1,
    "arrays": -1,
    "version": -1,
    "kernels": 0,
    "render": 0,
    "shapes": 1,
    "results": 2,
    "models.nonparametric": 3,
    "models.hazards": 3,
    "models.counts": 3,
    "models.truncation": 3,
    "records": 3,
    "simulate": 3,
    "datasets": 3,
    "": 4,
}
OUTSIDE_KERNELS = {"numpy", "scipy", "exitmodels", "__future__"}
HEAVY = {"pandas", "matplotlib", "statsmodels", "formulaic", "narwhals", "hijridate", "duckdb", "pyarrow", "polars"}


def room(module: str) -> str:
    """The room of a module named without the leading ``exitmodels.``."""
    parts = module.split(".") if module else []
    if parts and parts[0] == "models":
        return ".".join(parts[:2])
    return parts[0] if parts and parts[0] in FLOORS else ""


def modules() -> list[tuple[str, Path]]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [
        (".".join(f.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").strip("."), f) for f in files
    ]


def imports(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            packages = [name for name in inside if (PACKAGE.parent / name.replace(".", "/")).is_dir()]
            found += [(name, node.lineno) for name in (packages or [node.module])]
    return found


def climbs(module: str, tree: ast.AST) -> list[str]:
    """Every import of `tree` that breaks the rule, in words."""
    own, wrong = room(module), []
    for target, line in imports(tree):
        if target.split(".")[0] != "exitmodels":
            continue
        other = room(target.removeprefix("exitmodels").strip("."))
        lower = FLOORS[other] < FLOORS[own]
        if own and other != own and not lower:
            wrong.append(f"{module} line {line} imports {target}")
    return wrong


def test_no_import_climbs_or_crosses() -> None:
    wrong = [fault for name, path in modules() for fault in climbs(name, ast.parse(path.read_text()))]
    assert not wrong, "\n".join(wrong)


def test_every_file_has_a_room() -> None:
    assert len(modules()) > 40
    assert {room(name) for name, _ in modules()} >= {"kernels", "render", "shapes", "results", "models.hazards"}


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("kernels.risksets", "from exitmodels.shapes.spells import Spells"),
        ("models.hazards.cox", "from exitmodels.models.counts.rates import rate"),
        ("render.text", "import exitmodels.kernels.exact"),
        ("shapes.spells", "def f():\n    from exitmodels import KaplanMeier"),
        ("results.curve", "from exitmodels import datasets"),
    ],
)
def test_the_rule_sees_a_wrong_arrow(module: str, code: str) -> None:
    assert climbs(module, ast.parse(code))


def test_kernels_know_only_numpy_and_scipy() -> None:
    for name, path in modules():
        if room(name) == "kernels":
            tops = {target.split(".")[0] for target, _ in imports(ast.parse(path.read_text()))}
            strange = {top for top in tops - OUTSIDE_KERNELS if top not in __import__("sys").stdlib_module_names}
            assert not strange, f"{name} imports {strange}"


def test_heavy_packages_are_imported_inside_functions() -> None:
    for name, path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                tops = {target.split(".")[0] for target, _ in imports(ast.Module([node], []))}
                assert not tops & HEAVY, f"{name} line {node.lineno} imports {tops & HEAVY} at its head"
