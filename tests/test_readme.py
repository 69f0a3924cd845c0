"""The README's example prints what the README says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_example_prints_its_output() -> None:
    text = README.read_text(encoding="utf-8")
    code, output = re.findall(r"```python\n(.*?)```\s+```text\n(.*?)```", text, re.DOTALL)[0]
    assert 10 <= len([line for line in code.splitlines() if line.strip()]) <= 20
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue().strip() == output.strip()


def test_the_two_commands_and_the_figure_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    assert "pip install -e . && python examples/quickstart.py" in text
    assert 'pip install -e ".[test]" && python -m pytest' in text
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (README.parent / link).exists(), link
