"""What a run gives back: `Result`, made in constant time from `RunRecords`; frames are built when asked for."""

from admf.results.metrics import Metrics
from admf.results.records import RecordLevel, RunRecords
from admf.results.result import Result

__all__ = ["Metrics", "RecordLevel", "Result", "RunRecords"]
