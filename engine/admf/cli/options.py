"""Types of the options that several commands share."""

from typing import Annotated, Literal

from cyclopts import Parameter

Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False)]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Sets = Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=False, negative=(), show_default=False)]
Record = Literal["full", "fills", "summary"]
OnDefect = Literal["error", "repair", "drop", "keep"]
OnBadOrder = Literal["error", "reject"]
Label = Literal["open", "close"]
