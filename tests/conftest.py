"""What every test may lean on: Hypothesis profiles, the shared data and cases, cache folders of its own."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# No deadline in any profile: the first example of a compiled path pays for the compiler.
# "ci" (the default) draws the same examples every time, so a failure is reproducible and `make test` never flickers;
# HYPOTHESIS_PROFILE=dev draws new ones, =deep draws many.
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile(
    "deep", deadline=None, max_examples=5_000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _shared_folder(name: str) -> Path:
    variable = f"ADMF_SHARED_{name.upper()}"
    folder = Path(os.environ.get(variable, REPOSITORY.parent / "shared" / name))
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the shared {name} lie beside the checkout; {variable} names another place")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real bar files that lies beside the checkout; skips where there is none."""
    return _shared_folder("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of worked cases that lies beside the checkout; skips where there is none."""
    return _shared_folder("cases")


@pytest.fixture
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty compile cache of the test's own, also for the processes it starts."""
    folder = tmp_path / "jit-cache"
    folder.mkdir()
    monkeypatch.setenv("ADMF_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def bare_environment(cache_dir: Path) -> dict[str, str]:
    """The environment of a child process that imports our packages from the checkout, installed or not."""
    roots = os.pathsep.join(str(REPOSITORY / root) for root in ("engine", "kernels"))
    return {**os.environ, "PYTHONPATH": roots, "ADMF_CACHE_DIR": str(cache_dir)}
