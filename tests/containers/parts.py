"""Components that write down what is called."""

from typing import Any, ClassVar

from admf.container import ScopedContainer


class Part:
    """Writes down what is called; raises where it is told to."""

    calls: ClassVar[list[str]] = []

    def __init__(self, name: str, fails: str = "", error: type[BaseException] = ValueError) -> None:
        self.name, self.fails, self.error = name, fails, error
        self.note("made")

    def note(self, hook: str) -> None:
        self.calls.append(f"{self.name}.{hook}")
        if hook == self.fails:
            raise self.error(f"{self.name} fails in {hook}")

    def initialize(self, container: ScopedContainer) -> None:
        self.note("initialize")

    def start(self) -> None:
        self.note("start")

    def stop(self) -> None:
        self.note("stop")

    def reset(self) -> None:
        self.note("reset")

    def teardown(self) -> None:
        self.note("teardown")


def container(*parts: dict[str, Any], name: str = "box") -> ScopedContainer:
    made = ScopedContainer(name)
    for part in parts:
        made.create_component({"class": Part, **part, "params": {"name": part["name"], **part.get("params", {})}})
    return made


def three(**params: Any) -> ScopedContainer:
    """first, second (which may fail) and third."""
    return container({"name": "first"}, {"name": "second", "params": params}, {"name": "third"})
