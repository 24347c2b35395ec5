"""`python -m benchmarks.fill_models [--data FOLDER] [--write]`: measures fill models on real bars."""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import ROOT

parser = argparse.ArgumentParser(prog="python -m benchmarks.fill_models", description=__doc__)
parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the bar files")
parser.add_argument("--write", action="store_true", help="write README.md beside this file")
parser.add_argument("--errors", type=Path, help="CSV file for every error of every study")
arguments = parser.parse_args()
if not arguments.data.is_dir():
    print(f"no data: {arguments.data} is no folder; --data names one laid out as that of the study", file=sys.stderr)
    sys.exit(2)
os.environ.setdefault("ADMF_CACHE_DIR", str(ROOT / ".jit-cache"))

from benchmarks.fill_models.study import jobs, measure, page  # noqa: E402  # the cache folder is read on import

started = time.perf_counter()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    found = [row for rows in pool.map(measure, jobs(arguments.data)) for row in rows]
text, errors = page(found, time.perf_counter() - started)
print(text)
if arguments.write:
    Path(__file__).with_name("README.md").write_text(text, encoding="utf-8")
if arguments.errors is not None:
    errors.write_csv(arguments.errors, float_precision=6)
