"""Environments of gymnasium over this core: `TradingEnv` for one account, `TradingVectorEnv` for thousands."""

from typing import Any

import numpy as np
from gymnasium import Env, spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from admf.adapters.episodes import Episodes
from admf.errors import ConfigError
from admf.execution import Account, Execution

TARGETS = (-1.0, 0.0, 1.0)  # short with all equity, flat, long with all equity


def spaces_of(episodes: Episodes) -> tuple[spaces.Box, spaces.Discrete]:
    """Observations and actions of one environment."""
    return spaces.Box(-np.inf, np.inf, (episodes.width,), np.float32), spaces.Discrete(len(episodes.targets))


class TradingEnv(Env):
    """One account. An action is a place in `targets`: the share of the equity to hold from the next open on.

    Observations, rewards and ends as `admf.adapters.episodes.Episodes` says. `reset(seed=…)` draws the bar from which
    the episode goes; equal seeds and actions give equal episodes, bit for bit. `info` has the bar and the equity.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 -- as gymnasium declares it

    def __init__(
        self,
        bars: Any,
        *,
        targets: ArrayLike = TARGETS,
        window: int = 16,
        episode_bars: int = 256,
        features: ArrayLike | None = None,
        execution: Execution | None = None,
        account: Account | None = None,
    ) -> None:
        """Rules and account as of `admf.backtest`. Raises ConfigError and DataError for what does not fit."""
        self.episodes = Episodes(
            bars, 1, targets=targets, window=window, bars_each=episode_bars, features=features, execution=execution,
            account=account,
        )  # fmt: skip
        self.observation_space, self.action_space = spaces_of(self.episodes)
        self._only = np.zeros(1, np.int64)
        self._open = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new episode."""
        super().reset(seed=seed)
        self.episodes.begin(self._only, self.np_random)
        self._open = True
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One bar; ConfigError for an action that is none, and before `reset`."""
        if not self._open:
            raise ConfigError("no episode", field="step", remedy="call reset() first")
        if not self.action_space.contains(action):
            allowed = f"0 to {len(self.episodes.targets) - 1}"
            raise ConfigError("no such action", field="action", found=action, allowed=allowed)
        reward = self.episodes.play(np.array([action], np.int64), self._only)[0]
        broke, over = bool(self.episodes.are_broke()[0]), bool(self.episodes.are_over()[0])
        self._open = not (broke or over)
        return self._observation(), float(reward), broke, over and not broke, self._info()

    def _observation(self) -> NDArray[np.float32]:
        out = np.empty((1, self.episodes.width), np.float32)
        self.episodes.observe(out)
        return out.reshape(-1)

    def _info(self) -> dict[str, Any]:
        return {"bar": int(self.episodes.cores.bars[0]), "equity": float(self.episodes.equity[0])}


class TradingVectorEnv(VectorEnv):
    """`num_envs` accounts over the same bars, stepped in one call; each as a `TradingEnv` that began at its bar.

    An episode that has ended is begun anew by the next `step`, which gives its first observation and reward 0
    (`AutoresetMode.NEXT_STEP`). The arrays that come back are new ones on each step.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        bars: Any,
        num_envs: int,
        *,
        targets: ArrayLike = TARGETS,
        window: int = 16,
        episode_bars: int = 256,
        features: ArrayLike | None = None,
        execution: Execution | None = None,
        account: Account | None = None,
    ) -> None:
        """As `TradingEnv`."""
        self.episodes = Episodes(
            bars, num_envs, targets=targets, window=window, bars_each=episode_bars, features=features,
            execution=execution, account=account,
        )  # fmt: skip
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = spaces_of(self.episodes)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._all = np.arange(num_envs)
        self._ended = np.ones(num_envs, np.bool_)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """New episodes for all; `seed` is one number for the whole."""
        super().reset(seed=seed)
        self.episodes.begin(self._all, self.np_random)
        self._ended = np.zeros(self.num_envs, np.bool_)
        return self._observations(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One bar of every episode; ConfigError for actions that are none."""
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            allowed = f"whole numbers of shape ({self.num_envs:,},)"
            raise ConfigError("not one action each", field="actions", found=chosen.shape, allowed=allowed)
        if chosen.min() < 0 or chosen.max() >= len(self.episodes.targets):
            allowed = f"0 to {len(self.episodes.targets) - 1}"
            raise ConfigError("no such action", field="actions", found=int(chosen.max()), allowed=allowed)
        rewards = np.zeros(self.num_envs)
        if self._ended.any():
            again, live = np.flatnonzero(self._ended), np.flatnonzero(~self._ended)
            self.episodes.begin(again, self.np_random)
            rewards[live] = self.episodes.play(chosen[live], live) if len(live) else 0.0
        else:
            rewards = self.episodes.play(chosen, self._all)
        broke = self.episodes.are_broke()
        over = self.episodes.are_over() & ~broke
        self._ended = broke | over
        return self._observations(), rewards, broke, over, {}

    def _observations(self) -> NDArray[np.float32]:
        out = np.empty((self.num_envs, self.episodes.width), np.float32)
        self.episodes.observe(out)
        return out
