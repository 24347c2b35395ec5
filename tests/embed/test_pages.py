"""The pages for embedders are true: their Python runs, one block after the other, and prints what stands below it."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from repo.checkout import ROOT, text_of

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PAGES: dict[str, tuple[str, ...]] = {  # page → packages it needs beside ours
    "kernels/README.md": (),
    "engine/embed/core.md": (),
    "engine/embed/data.md": (),
    "engine/embed/c.md": (),
    "engine/adapters/backtesting.md": ("backtesting",),
    "engine/adapters/gymnasium.md": ("gymnasium",),
    "engine/adapters/backtrader.md": ("backtrader",),
    "engine/adapters/vectorbt.md": ("vectorbt",),
    "engine/adapters/returns.md": ("quantstats",),
}


def blocks(page: str, language: str) -> str:
    found = [match["text"] for match in BLOCK.finditer(text_of(ROOT / page)) if match["language"] == language]
    return "".join(found)


@pytest.mark.filterwarnings("ignore")  # what the packages of the pages have to say
@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_and_prints_what_it_shows(
    page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in PAGES[page]:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    code = blocks(page, "python")
    module = ModuleType("page")  # some packages look a class's module up
    monkeypatch.setitem(sys.modules, "page", module)
    exec(compile(code, page, "exec"), module.__dict__)
    assert capsys.readouterr().out == blocks(page, "text")
    assert code


def test_the_kernels_run_where_nothing_else_of_ours_can_be_imported(tmp_path: Path) -> None:
    forbidden = ("admf", "polars", "pyarrow", "pandas", "pydantic")
    head = f"import sys\nsys.modules.update(dict.fromkeys({forbidden!r}))\nsys.path[:0] = [{str(ROOT / 'kernels')!r}]\n"
    script = tmp_path / "alone.py"
    script.write_text(head + blocks("kernels/README.md", "python"), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout == blocks("kernels/README.md", "text"), done.stderr
