"""Code that a configuration names: registered strategies, and classes and functions of the user's own modules."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from admf.errors import ConfigError, StrategyError
from admf.models import nearest, unknown_name

if TYPE_CHECKING:
    from admf.events import EventStrategy
    from admf.strategy import CompiledStrategy

FORMS = ("module:Name", "path/to/file.py:Name")


def find_strategy(name: str, folder: Path, field: str) -> "type[CompiledStrategy | EventStrategy]":
    """A registered strategy by its name, or a class of the user's.

    ConfigError for what is not there, StrategyError for a module that fails to run.
    """
    from admf.events import EventStrategy
    from admf.strategies import EVENT_REGISTRY, REGISTRY
    from admf.strategy import CompiledStrategy

    if ":" not in name:
        registered: dict[str, type[CompiledStrategy | EventStrategy]] = {**REGISTRY, **EVENT_REGISTRY}
        if name not in registered:
            raise unknown_name(name, [*registered, *FORMS], field=field, what="strategy")
        return registered[name]
    found = find(name, folder, field)
    if not (isinstance(found, type) and issubclass(found, CompiledStrategy | EventStrategy)):
        allowed = "a subclass of admf.CompiledStrategy or admf.EventStrategy"
        raise ConfigError("not a strategy", field=field, found=name, allowed=allowed)
    return found


def find(name: str, folder: Path, field: str) -> Any:
    """What `module:Name` or `path/to/file.py:Name` stands for; modules and files are looked for in `folder` first.

    ConfigError for what is not there, StrategyError for a module that fails to run.
    """
    module_name, colon, object_name = name.rpartition(":")
    if not colon or not module_name or not object_name:
        raise ConfigError("not a name in a module", field=field, found=name, allowed=" or ".join(FORMS))
    if module_name.endswith(".py"):
        module = run_file(folder / module_name, field)
    else:
        module = run_module(module_name, folder, field)
    if not hasattr(module, object_name):
        own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        raise ConfigError(
            f"{module_name} does not define it",
            field=field,
            found=object_name,
            allowed=", ".join(own) or "nothing is defined there",
            remedy=nearest(object_name, own),
        )
    return getattr(module, object_name)


def run_module(name: str, folder: Path, field: str) -> ModuleType:
    """A module by its name, from `folder` first."""
    with importing(name, folder, field):
        return importlib.import_module(name)


def run_file(path: Path, field: str) -> ModuleType:
    """A module by its file, run afresh; its name is its own, so that no other module is replaced by it."""
    if not path.is_file():
        raise ConfigError("no such file", field=field, found=str(path), allowed=FORMS[1])
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    spec = importlib.util.spec_from_file_location(f"{path.stem}_{place}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with importing(path.name, path.parent, field):
        spec.loader.exec_module(module)
    return module


@contextmanager
def importing(name: str, folder: Path, field: str) -> Iterator[None]:
    """Imports from `folder` and the current folder; what goes wrong is one error that names the module."""
    before = list(sys.path)
    sys.path[:0] = [str(folder.resolve()), str(Path.cwd())]
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            remedy = f"put it beside the configuration ({folder.resolve()}), or install it"
            raise ConfigError("no such module", field=field, found=name, remedy=remedy) from None
        raise StrategyError(f"{name} imports {error.name}, which is not there", field=field) from error
    except Exception as error:
        raise StrategyError(f"{name} fails on import: {type(error).__name__}: {error}", field=field) from error
    finally:
        sys.path[:] = before
