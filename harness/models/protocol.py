"""What a model promises: requests in, replies out, in any order, as they come.

    for reply in model.replies(requests): ...

`replies` is a plain iterator; batches, threads and asyncio are inside. A reply that could not be
had is a reply with `error`: ours to try again, never an answer. What makes all further work
pointless raises.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from harness.prompts import Prompt, Style
from harness.records import Benchmark, Checkpoint, Generation

Key: TypeAlias = tuple[str, int]
"""Problem ID and number of the sample."""


@dataclass(frozen=True, slots=True)
class Request:
    """One sample that is owed."""

    key: Key
    prompt: Prompt
    seed: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came for one request."""

    key: Key
    text: str
    """What the model wrote, marks of thinking included, special tokens not."""
    finish_reason: Literal["stop", "length", "error"]
    thinking: str | None = None
    """Thinking that the endpoint had taken out already."""
    num_tokens_in: int | None = None
    num_tokens_out: int | None = None
    elapsed_s: float | None = None
    error: str = ""
    """Why there is no reply."""
    token_ids: tuple[int, ...] = ()
    """Where the engine tells."""


class Model(Protocol):
    """Who answers prompts."""

    @property
    def checkpoint(self) -> Checkpoint: ...

    @property
    def style(self) -> Style: ...

    @property
    def generation(self) -> Generation: ...

    @property
    def versions(self) -> dict[str, str]:
        """What to note beside a result: versions of the engine."""
        ...

    def requests(self, benchmark: Benchmark, keys: Iterable[Key]) -> Iterable[Request]:
        """The requests for these samples of a benchmark.

        Raises:
            UserError: a prompt that the model can't take.
        """
        ...

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """A reply to each, in any order. The engine is started at the first call.

        Raises:
            UserError: the user can mend it: a wrong key, a model that the server lacks.
            ModelError: it is gone for good.
        """
        ...
