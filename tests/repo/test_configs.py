"""Every example in configs/ is a valid configuration."""

from pathlib import Path

import pytest

from repo.checkout import ROOT

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*") if path.suffix in {".yaml", ".yml"})


def test_there_are_examples() -> None:
    assert CONFIGS


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CONFIGS])
def test_config_loads(path: Path) -> None:
    from admf.config import load_config

    assert load_config(path) is not None
