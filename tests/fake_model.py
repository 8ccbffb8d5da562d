"""A model that answers from a table: a real implementation of the protocol, with nothing to load."""

import time
from collections.abc import Callable, Iterable, Iterator

from harness.models.protocol import Key, Reply, Request
from harness.models.tokens import sample_seed
from harness.prompts import Prompt, Style
from harness.records import Benchmark, Checkpoint, Generation, Problem

Answer = Callable[[Problem, int], Reply | str]


class FakeModel:
    """`answer` gives a text, or a whole Reply; `pause_s` lies between two of them."""

    def __init__(
        self,
        answer: Answer,
        *,
        style: Style | None = None,
        pause_s: float = 0.0,
        stop_after: int | None = None,
        stop_with: Exception | None = None,
        seed: int = 0,
    ) -> None:
        self._answer = answer
        self._pause_s = pause_s
        self._stop_after = stop_after
        self._stop_with = stop_with
        self.style = style or Style("messages")
        self.checkpoint = Checkpoint(kind="model", name="fake", source="fake", identity="f" * 64)
        self.generation = Generation(
            engine="fake",
            prompt_form=self.style.form,
            max_tokens=768,
            temperature=0.0,
            top_p=1.0,
            seed=seed,
        )
        self.versions: dict[str, str] = {}
        self.asked: list[Key] = []

    def requests(self, benchmark: Benchmark, keys: Iterable[Key]) -> Iterator[Request]:
        self._problems = {problem.id: problem for problem in benchmark}
        for key in keys:
            problem = self._problems[key[0]]
            prompt = self.style.prompt(problem) if self.style.form in ("base", "messages") else None
            seed = sample_seed(self.generation.seed, key)
            yield Request(key, prompt or Prompt(problem.prompt), seed)

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for number, request in enumerate(requests):
            if number == self._stop_after:
                assert self._stop_with is not None
                raise self._stop_with
            self.asked.append(request.key)
            time.sleep(self._pause_s)
            given = self._answer(self._problems[request.key[0]], request.key[1])
            yield given if isinstance(given, Reply) else Reply(request.key, given, "stop")
