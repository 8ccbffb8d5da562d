"""A model behind a URL: any OpenAI-compatible endpoint, chat or completions.

    model = EndpointModel(locate("https://host/v1#model", ...), settings)

The key comes from the environment: OPENAI_API_KEY for `openai:model`, HARNESS_API_KEY for any
other URL, so that a key never goes to a host that it was not meant for. It is neither stored nor
logged. What it cost is reckoned from the user's own table of prices.

Not here: connections, retries and limits (client.py); the server that we start (server.py).
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, cast

from harness.config import Settings
from harness.errors import ConfigError
from harness.models.checkpoints import OPENAI_URL, Located
from harness.models.client import Answer, Client, Json, Pace, Question
from harness.models.local import generation_of
from harness.models.protocol import Key, Reply, Request
from harness.models.tokens import sample_seed
from harness.prompts import Prompt, Style, cut
from harness.records import Benchmark, Checkpoint

API_SYSTEM = "You are a helpful assistant good at coding."
"""EvalPlus's system message for endpoints."""


class EndpointModel:
    """See `protocol.Model`."""

    def __init__(
        self, located: Located, settings: Settings, say: Callable[[str], None] = print
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigError: the table of prices can't be read, or lacks this model.
        """
        assert located.url is not None and located.model is not None
        self._located = located
        self._url: str = located.url
        self._name: str = located.model
        self._say = say
        api = settings.model.api
        completions = api == "completions" or (api == "auto" and not settings.prompt.chat)
        system = API_SYSTEM if settings.prompt.system is None else settings.prompt.system
        marks = settings.prompt.think_open, settings.prompt.think_close
        self.style = Style(
            "base" if completions else "messages",
            None if completions else system or None,
            (marks[0], marks[1]) if marks[0] and marks[1] else None,
            is_api=True,
        )
        self.generation = generation_of("endpoint", self.style, settings, room=None, dtype=None)
        self._price = read_price(settings.model.prices, self._name)
        name = "OPENAI_API_KEY" if self._url == OPENAI_URL else "HARNESS_API_KEY"
        self._limit_name = "max_tokens" if self._url != OPENAI_URL else "max_completion_tokens"
        self._client: Client[Request] = Client(
            lambda: self._url,
            key=os.environ.get(name) or None,
            pace=Pace(
                concurrency=settings.model.concurrency,
                timeout_s=settings.model.timeout_s,
                retries=settings.model.retries,
            ),
            check=choice_of,
        )

    @property
    def checkpoint(self) -> Checkpoint:
        return self._located.checkpoint

    @property
    def versions(self) -> dict[str, str]:
        return {}

    def requests(self, benchmark: Benchmark, keys: Iterable[Key]) -> Iterator[Request]:
        """See `protocol.Model`. How long a prompt may be, only the endpoint knows."""
        problems = {problem.id: problem for problem in benchmark}
        prompts: dict[str, Prompt] = {}
        for key in keys:
            if key[0] not in prompts:
                prompts[key[0]] = self.style.prompt(problems[key[0]])
            yield Request(key, prompts[key[0]], sample_seed(self.generation.seed, key))

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """See `protocol.Model`."""
        num_in = num_out = 0
        try:
            for answer in self._client.ask(self._question(request) for request in requests):
                reply = reply_of(answer)
                num_in += reply.num_tokens_in or 0
                num_out += reply.num_tokens_out or 0
                yield reply
        finally:
            if self._price is not None:
                cost = (num_in * self._price.input + num_out * self._price.output) / 1e6
                self._say(f"cost: {cost:.4f} for {num_in} tokens in, {num_out} out")

    def _question(self, request: Request) -> Question[Request]:
        written = self.generation
        body: Json = {
            "model": self._name,
            self._limit_name: written.max_tokens,
            "temperature": written.temperature,
            "top_p": written.top_p,
            "seed": request.seed,
            **written.extra,
        }
        if request.prompt.text is not None:
            # Endpoints take four. The family's own come last and matter most; the reply is cut at
            # the others when it is here.
            stops = list(request.prompt.stops[-4:])
            body |= {"prompt": request.prompt.text, "stop": stops}
            return Question(request, "/completions", body)
        body["messages"] = [dict(message) for message in request.prompt.messages]
        return Question(request, "/chat/completions", body)


def choice_of(body: Json) -> Json:
    """The one choice of an answer.

    Raises:
        ValueError, LookupError, TypeError: it is no whole answer.
    """
    choice = cast(list[Json], body["choices"])[0]
    text = _text(choice)
    if not isinstance(text, str | None) or choice.get("finish_reason") is None:
        raise ValueError("a choice without its text or its end")
    return choice


def _text(choice: Json) -> object:
    if "message" in choice:
        return cast(Json, choice["message"]).get("content")
    return choice["text"]


def reply_of(answer: Answer[Request]) -> Reply:
    """The reply in an answer, or the error that there is none."""
    key = answer.tag.key
    if answer.body is None:
        return Reply(key, "", "error", error=answer.error)
    choice = choice_of(answer.body)
    message = choice.get("message")
    fields = cast(Json, message) if isinstance(message, dict) else {}
    thinking = fields.get("reasoning_content") or fields.get("reasoning")
    usage = answer.body.get("usage")
    counts = cast(Json, usage) if isinstance(usage, dict) else {}
    ended: Literal["stop", "length"] = (
        "length" if choice.get("finish_reason") == "length" else "stop"
    )
    return Reply(
        key=key,
        text=cut(str(_text(choice) or ""), answer.tag.prompt.stops),
        finish_reason=ended,
        thinking=thinking if isinstance(thinking, str) else None,
        num_tokens_in=_count(counts.get("prompt_tokens")),
        num_tokens_out=_count(counts.get("completion_tokens")),
        elapsed_s=round(answer.elapsed_s, 3),
    )


def _count(found: object) -> int | None:
    return found if isinstance(found, int) else None


class Price(NamedTuple):
    """Of a million tokens, in whatever currency the user's table has."""

    input: float
    output: float


def read_price(path: Path | None, model: str) -> Price | None:
    """The model's price in the user's table.

    Raises:
        ConfigError: the file can't be read or lacks the model.
    """
    if path is None:
        return None
    prices = read_prices(path)
    if model not in prices:
        raise ConfigError(
            f'model.prices: {path} has no ["{model}"] with input and output, per million tokens'
        )
    return prices[model]


def read_prices(path: Path) -> dict[str, Price]:
    """The user's table of prices, by model; what is no price is left out.

    Raises:
        ConfigError: the file can't be read.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"model.prices: {path} can't be read: {error}") from None
    prices: dict[str, Price] = {}
    for model, price in table.items():
        with suppress(KeyError, TypeError, ValueError):
            prices[model] = Price(float(price["input"]), float(price["output"]))
    return prices
