"""A window of time: problems released from one day to another, both included.

    Window.split("livecodebench@v6:2025-01-01..")   # ("livecodebench@v6", Window(after=...))

A model can't have seen what was released after it was trained, so a score is one of a window, and
the window is part of the benchmark's name.
"""

import re
from dataclasses import dataclass
from datetime import date

from harness.errors import ConfigError

_SUFFIX = re.compile(r":(\d{4}-\d{2}-\d{2})?\.\.(\d{4}-\d{2}-\d{2})?$")


@dataclass(frozen=True, slots=True)
class Window:
    after: date | None = None
    """The first day."""
    before: date | None = None
    """The last day."""

    @classmethod
    def split(cls, name: str) -> "tuple[str, Window | None]":
        """A benchmark's name without the window at its end, and that.

        >>> Window.split("livecodebench@v6")
        ('livecodebench@v6', None)
        >>> Window.split("livecodebench:a.jsonl:..2024-12-31")
        ('livecodebench:a.jsonl', Window(after=None, before=datetime.date(2024, 12, 31)))

        Raises:
            ConfigError: it ends in what looks like a day and is none.
        """
        found = _SUFFIX.search(name)
        if found is None:
            return name, None
        try:
            days = [date.fromisoformat(day) if day else None for day in found.groups()]
        except ValueError as error:
            raise ConfigError(f"{name}: {error}") from None
        return name[: found.start()], cls(*days)

    @property
    def suffix(self) -> str:
        """What stands at the end of a name; empty where there is no bound."""
        return f":{self.after or ''}..{self.before or ''}" if self.after or self.before else ""

    def holds(self, day: str) -> bool:
        """Whether a day, in ISO form, lies in it."""
        first, last = (str(bound) if bound else "" for bound in (self.after, self.before))
        return first <= day and (not last or day <= last)

    def describe(self) -> str:
        bounds = [f"from {self.after}"] if self.after else []
        bounds += [f"to {self.before}"] if self.before else []
        return " ".join(bounds)
