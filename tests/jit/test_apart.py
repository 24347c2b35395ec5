"""A cold start on two cores: one kernel compiles in a process of its own, and that process only where it helps."""

import sys
from typing import Any, ClassVar

import pytest

from admf_kernels import _parts
from admf_kernels._build import units
from admf_kernels._jit import compile_now, specialise
from admf_kernels._parts import Part, compile_parts
from admf_kernels.run import run
from jit.conftest import Child

TWO_SMALL_ONES = """
from admf_kernels._parts import compile_parts
from admf_kernels._build import units
from admf_kernels._jit import compile_stats, specialise
from admf_kernels.run import run

chosen = [part for part in units[specialise(run)].parts if part.name.startswith(("close_out", "call_margin"))]
compile_parts([part._replace(apart=part.name.startswith("close_out")) for part in chosen])
report(compiled=compile_stats()["compiled"], stored=[part.dispatcher._cache.has_entry() for part in chosen])
"""


class Never:
    """Stands for a kernel that is not compiled and not stored."""

    overloads: ClassVar[dict[Any, Any]] = {}
    _cache: Any = type("Empty", (), {"has_entry": lambda self: False})()


def missing(name: str, apart: bool) -> Part:
    return Part(name, Never(), (1,), apart)  # type: ignore[arg-type]


def test_kernels_take_what_they_say() -> None:
    """Else they would compile twice."""
    import admf
    from admf_kernels.arena import Sizes, allocate
    from admf_kernels.views import handles

    market = admf.Market([admf.generate(bars=5, seed=1)])
    kernel = specialise(run)
    tables = handles(market.arrays), handles(allocate(Sizes(1, 5, 8, 0)))
    compile_now(kernel, (*tables, allocate(Sizes(1, 5, 8, 0)).account, 0, 0, 1))
    parts = units[kernel].parts
    assert [part.name.rpartition("_")[0] for part in parts if part.apart] == ["match"]
    assert len(parts) == 4
    for part in parts:
        assert list(part.dispatcher.overloads) == [part.takes], part.name


def test_two_processes_share_the_work(child: Child) -> None:
    found = child(TWO_SMALL_ONES)
    assert (found["compiled"], found["stored"]) == (1, [True, True])


@pytest.mark.parametrize("why", ["one core", "one is missing", "none to compile apart", "an application", "no folder"])
@pytest.mark.usefixtures("cache_dir")
def test_no_process_is_started_where_it_cannot_help(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(_parts, "_start", started.append)
    monkeypatch.setattr(_parts.os, "cpu_count", lambda: 1 if why == "one core" else 2)
    if why == "an application":
        monkeypatch.setattr(sys, "executable", "/opt/front-end/bin/charts")
    if why == "no folder":
        monkeypatch.setattr(_parts, "can_store", lambda: False)
    parts = [missing("large", apart=why != "none to compile apart"), missing("small", apart=False)]
    compile_parts(parts[:1] if why == "one is missing" else parts)
    assert not started
