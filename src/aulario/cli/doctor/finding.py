"""What the doctor notes down of each part it looks at."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """What was seen of one part."""

    part: str
    state: Literal["ok", "note", "wrong"]
    text: str
    remedy: str = ""
