"""A container: what it is given, its life, what fails at which point, what is refused."""

import logging
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest

import admf
from admf.container import (
    ComponentRegistry,
    ContainerFactory,
    ContainerState,
    ScopedContainer,
    SharedService,
    TeardownError,
    whole_digest,
)
from admf.errors import ConfigError, RunError
from containers.parts import Part, container, three
from containers.support import market

HOOKS = ("initialize", "start", "stop", "reset", "teardown")


class Needs(Part):
    requires: ClassVar[tuple[str, ...]] = ("third",)


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    Part.calls.clear()


def live(box: ScopedContainer) -> None:
    """Through every point of its life."""
    with box:
        box.initialize_scope()
        box.start()
        box.stop()
        box.reset()


def test_hooks_are_called_in_order_and_undone_in_reverse() -> None:
    with three() as box:
        box.initialize_scope()
        box.start()
        box.reset()
    made = [f"{name}.made" for name in ("first", "second", "third")]
    up = [[f"{name}.{hook}" for name in ("first", "second", "third")] for hook in ("initialize", "start")]
    stop = [f"{name}.stop" for name in ("third", "second", "first")]
    reset = [f"{name}.reset" for name in ("first", "second", "third")]
    down = [f"{name}.teardown" for name in ("third", "second", "first")]
    assert Part.calls == [*made, *up[0], *up[1], *stop, *reset, *down]


def test_a_component_comes_after_what_it_requires() -> None:
    box = container({"name": "first", "class": Needs}, {"name": "third"})
    box.initialize_scope()
    assert [call for call in Part.calls if "initialize" in call] == ["third.initialize", "first.initialize"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("hook", HOOKS)
def test_everything_is_torn_down_whatever_fails(hook: str, error: type[BaseException]) -> None:
    expected = error if error is KeyboardInterrupt else (RunError if hook != "teardown" else TeardownError)
    box = three(fails=hook, error=error)
    with pytest.raises(expected) as caught:
        live(box)
    down = [call for call in Part.calls if call.endswith(".teardown")]
    assert down == ["third.teardown", "second.teardown", "first.teardown"]
    assert box.state is ContainerState.TORN_DOWN
    assert box.event_bus.subscriptions == 0
    if error is ValueError:
        assert "box" in str(caught.value)
        assert f"second fails in {hook}" in str(caught.value)


def test_a_component_that_fails_when_it_is_made_leaves_nothing() -> None:
    factory = ContainerFactory()
    parts = [{"name": "first", "class": Part, "params": {"name": "first"}}]
    parts += [{"name": "second", "class": Part, "params": {"name": "second", "fails": "made"}}]
    with pytest.raises(RunError, match=r"box.second: Part failed: ValueError: second fails in made"):
        factory.create(parts, "box")
    assert Part.calls[-1] == "first.teardown"


def test_all_errors_of_a_teardown_are_told() -> None:
    box = container(*({"name": name, "params": {"fails": "teardown"}} for name in ("first", "second")))
    box.initialize_scope()
    with pytest.raises(TeardownError) as caught:
        box.teardown_scope()
    assert [name for name, _ in caught.value.errors] == ["second.teardown", "first.teardown"]
    box.teardown_scope()  # a second call does nothing


def test_what_went_wrong_first_is_raised_and_the_rest_noted() -> None:
    box = container(
        {"name": "first", "params": {"fails": "start"}}, {"name": "second", "params": {"fails": "teardown"}}
    )
    with pytest.raises(RunError, match="first fails in start") as caught:
        live(box)
    assert "second fails in teardown" in caught.value.__notes__[0]


# --------------------------------------------------------------------------------------------------- shared services


def test_services_are_read_only() -> None:
    box = ScopedContainer("box")
    prices = np.arange(3.0)
    box.register_shared_service("config", {"limits": {"size": 3}, "prices": prices, "names": ["a"]})
    config = box.resolve("config")
    assert isinstance(config, MappingProxyType)
    with pytest.raises(TypeError):
        config["new"] = 1
    with pytest.raises(TypeError):
        config["limits"]["size"] = 9
    with pytest.raises(ValueError, match="read-only"):
        config["prices"][0] = 9.0
    assert config["names"] == ("a",)
    prices[0] = 1.0  # the owner's own array stays the owner's


class Settings:
    def __init__(self) -> None:
        self.values = [1, 2]


def test_a_write_to_a_service_is_found_at_teardown() -> None:
    settings = Settings()
    box = ScopedContainer("box")
    box.register_shared_service("config", {"settings": settings})
    box.resolve("config")["settings"].values.append(3)
    with pytest.raises(TeardownError, match=r"config: RunError: box.config: was written to"):
        box.teardown_scope()


def test_whole_digests_see_every_byte() -> None:
    before = whole_digest({"market": market(50)})
    assert whole_digest({"market": market(50)}) == before
    assert whole_digest({"market": market(50, seed=4)}) != before
    prices = np.arange(1_000.0)
    service = SharedService.of({"prices": prices})
    before = whole_digest(service.value)
    prices[700] += 1e-12
    assert whole_digest(service.value) != before


def test_a_factory_freezes_once() -> None:
    factory = ContainerFactory({"config": {"a": 1}})
    assert factory.create().resolve("config") is factory.create().resolve("config")
    assert SharedService.of(factory.services["config"]) is factory.services["config"]


# ---------------------------------------------------------------------------------------------------------- bad input


def torn_down() -> ScopedContainer:
    box = three()
    box.teardown_scope()
    return box


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "unknown class": (
        lambda: ScopedContainer("box").create_component({"name": "portfolio", "class": "Portfolo"}),
        r"box.portfolio.class: unknown class; found 'Portfolo'; allowed: .*did you mean 'Portfolio'\?",
    ),
    "unknown module": (
        lambda: ScopedContainer("box").create_component({"name": "x", "class": "no_such_module:Thing"}),
        r"box.x.class: no such module; found 'no_such_module'",
    ),
    "missing parameter": (
        lambda: ScopedContainer("box").create_component({"name": "first", "class": Part}),
        r"box.first.params.name: missing",
    ),
    "unknown parameter": (
        lambda: ScopedContainer("box").create_component(
            {"name": "p", "class": "Portfolio", "params": {"inital_cash": 1.0}}
        ),
        r"box.p.params: unknown parameter; found 'inital_cash'; allowed: account, currency, initial_cash",
    ),
    "wrong value": (
        lambda: ScopedContainer("box").create_component(
            {"name": "p", "class": "Portfolio", "params": {"initial_cash": -1.0}}
        ),
        r"box.p.initial_cash: out of range; found -1.0",
    ),
    "duplicate name": (
        lambda: container({"name": "first"}, {"name": "first"}),
        r"box.create_component: the name is taken; found 'first'",
    ),
    "the name of the bus": (
        lambda: container({"name": "event_bus"}),
        r"box.create_component: the name is taken; found 'event_bus'",
    ),
    "unresolved dependency": (
        lambda: container({"name": "first", "class": Needs}).initialize_scope(),
        r"box.first.requires: unknown component or service; found 'third'; allowed: first, event_bus",
    ),
    "unknown key": (
        lambda: ScopedContainer("box").create_component({"name": "x", "class": Part, "parms": {}}),
        r"box.create_component: unknown key; found 'parms'; allowed: name, class, params; did you mean 'params'\?",
    ),
    "unknown name": (lambda: three().resolve("forth"), r"box.resolve: unknown component or service; found 'forth'"),
    "after teardown": (lambda: torn_down().resolve("first"), r"box.resolve: used after teardown"),
    "too late": (
        lambda: (box := three(), box.initialize_scope(), box.create_component({"name": "x", "class": Part})),
        r"box.create_component: not at this point of its life; found 'initialized'; allowed: created",
    ),
}


@pytest.mark.parametrize(("act", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused(act: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        act()


def test_components_that_require_each_other_are_refused() -> None:
    class First(Part):
        requires: ClassVar[tuple[str, ...]] = ("second",)

    class Second(Part):
        requires: ClassVar[tuple[str, ...]] = ("first",)

    box = container({"name": "first", "class": First}, {"name": "second", "class": Second})
    with pytest.raises(ConfigError, match="require each other; found 'first → second → first'"):
        box.initialize_scope()


def test_a_class_of_a_file_is_found(tmp_path: Any) -> None:
    (tmp_path / "mine.py").write_text("class Thing:\n    def __init__(self, size=1):\n        self.size = size\n")
    registry = ComponentRegistry(folder=tmp_path)
    box = ScopedContainer("box", registry=registry)
    made = box.create_component({"name": "thing", "class": "mine.py:Thing", "params": {"size": 4}})
    other = ScopedContainer("other", registry=registry).create_component({"name": "thing", "class": "mine.py:Thing"})
    assert made.size == 4
    assert type(made) is type(other)


def test_log_lines_carry_the_container(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="admf.container"):
        ScopedContainer("box").logger.info("hello")
    assert caplog.records[0].getMessage() == "[box] hello"
    assert caplog.records[0].container_id == "box"


def test_public_names_are_there() -> None:
    for name in ("ScopedContainer", "ContainerFactory", "ContainerPool", "ContainerMetrics", "EventBus"):
        assert getattr(admf, name).__name__ == name
