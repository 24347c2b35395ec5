"""In which order components that require each other are initialised."""

from collections.abc import Mapping
from functools import lru_cache


@lru_cache(maxsize=256)
def in_order(requires: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names so that each comes after those it requires, and those for which there is no such place.

    Most containers of a process are made of the same components.
    """
    waiting = {name: [one for one in needed if any(one == other for other, _ in requires)] for name, needed in requires}
    done: dict[str, None] = {}
    while ready := next((name for name, needed in waiting.items() if all(one in done for one in needed)), None):
        done[ready] = None
        del waiting[ready]
    return tuple(done), tuple(waiting)


def circle_of(requires: Mapping[str, tuple[str, ...]], waiting: tuple[str, ...]) -> list[str]:
    """Names of which each requires the next, the first one again at the end."""
    path = [waiting[0]]
    while path[-1] not in path[:-1]:
        path.append(next(one for one in requires[path[-1]] if one in waiting))
    return path[path.index(path[-1]) :]
