"""`python -m benchmarks [--large] [--readme]`."""

import argparse
import os
from pathlib import Path

from benchmarks import ROOT

parser = argparse.ArgumentParser(prog="python -m benchmarks", description="figures beside targets and peers, one table")
parser.add_argument("--large", action="store_true", help="ten million bars as well: some GB of memory with the peer")
parser.add_argument("--readme", action="store_true", help="write the table into README.md as well")
arguments = parser.parse_args()
cache_dir = Path(os.environ.setdefault("ADMF_CACHE_DIR", str(ROOT / ".jit-cache")))

from benchmarks.report import report  # noqa: E402  # the cache folder is read when the compiler is imported

report(arguments.large, arguments.readme, cache_dir)
