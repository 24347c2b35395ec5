"""What a user would time, beside a peer in the same run.

`python -m benchmarks` prints one table of figures and ratios, each with the project's target and the figure that was
expected before anything was measured; `--large` adds the runs over ten million bars, `--readme` puts the table into
README.md. The bench_*.py files give the same workloads to pytest-benchmark: `make bench` runs both. Nothing is timed
that disagrees with the oracle (agreement.py).
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = [str(ROOT / root) for root in ("engine", "kernels", "tests")]  # tests: the oracle and its door
sys.path[:0] = [root for root in SOURCE_ROOTS if root not in sys.path]
