"""`python -m benchmarks.fill_models [--data FOLDER] [--write]`: measures fill models on real bars."""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks import ROOT

parser = argparse.ArgumentParser(prog="python -m benchmarks.fill_models", description=__doc__)
parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the bar files")
parser.add_argument("--write", action="store_true", help="write README.md and its pictures beside this file")
parser.add_argument("--errors", type=Path, help="CSV file for every error of every study")
arguments = parser.parse_args()
os.environ.setdefault("ADMF_CACHE_DIR", str(ROOT / ".jit-cache"))

from benchmarks.fill_models.page import write  # noqa: E402  # the cache folder is read on import
from benchmarks.fill_models.study import jobs, measure  # noqa: E402

found = jobs(arguments.data)
if not found:
    place = f"{arguments.data} holds no bar file of the study" if arguments.data.is_dir() else f"no {arguments.data}"
    print(f"no data: {place}; --data names a folder laid out as that of the study", file=sys.stderr)
    sys.exit(2)
started = time.perf_counter()
rows = [row for job in found for row in measure(job)]  # each study works on all cores
folder = Path(__file__).parent if arguments.write else None
text, errors = write(rows, arguments.data, time.perf_counter() - started, folder)
print(text)
if folder is not None:
    (folder / "README.md").write_text(text, encoding="utf-8")
if arguments.errors is not None:
    errors.write_csv(arguments.errors, float_precision=6)
