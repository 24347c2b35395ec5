"""What a run gives back: `Result`, made in constant time from `RunRecords`; frames are built when asked for."""

from admf.results.records import RecordLevel, RunRecords
from admf.results.result import Result

__all__ = ["RecordLevel", "Result", "RunRecords"]
