"""Many requests to one OpenAI-compatible server at once; asyncio inside, an iterator outside.

    client = Client(lambda: url, key=key, ...)
    for answer in client.ask(questions): ...

What goes wrong on the way is tried again, with growing pauses and jitter: torn connections,
time-outs, 5xx, answers that are no JSON. A server that says how long to wait (`Retry-After`,
`x-ratelimit-*`) is believed, by all requests together. What is the user's to mend (a wrong key, a
model that isn't there) stops everything with one line. A question that fails for good is given
back with its reason: it is ours, never an answer.

The key is in one header and nowhere else: it is cut out of whatever a server says back.
"""

import asyncio
import contextlib
import email.utils
import json
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, cast

from harness.errors import HarnessError, ModelError, UserError

if TYPE_CHECKING:
    import httpx

Json: TypeAlias = dict[str, object]
_Tag = TypeVar("_Tag")

_BACKOFF_S = 0.5
_LONGEST_PAUSE_S = 60.0
_PATIENCE = 8
"""Requests that fail for good, one after another, before the server counts as gone."""
_TRY_AGAIN = frozenset({408, 409, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Question(Generic[_Tag]):
    """One request: where it goes, what it says."""

    tag: _Tag
    path: str
    """Behind the server's URL: `/chat/completions`."""
    body: Json


@dataclass(frozen=True, slots=True)
class Answer(Generic[_Tag]):
    """What came; `body` is None where nothing could be had, and `error` says why."""

    tag: _Tag
    body: Json | None
    elapsed_s: float
    """Of the request that was answered."""
    error: str = ""


class _Again(Exception):
    """Worth another try; the server may have said when."""

    def __init__(self, why: str, *, after_s: float | None = None, is_limit: bool = False) -> None:
        super().__init__(why)
        self.after_s = after_s
        self.is_limit = is_limit


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a server is asked."""

    concurrency: int = 64
    timeout_s: float = 600.0
    retries: int = 8


class Client(Generic[_Tag]):
    """`url` may change while it works, when a server has been started anew.

    `on_lost` is called when a connection fails; it returns True where the server was started
    again, and raises where that is in vain. `check` finds out that an answer is not whole.
    """

    def __init__(
        self,
        url: Callable[[], str],
        *,
        key: str | None,
        pace: Pace,
        check: Callable[[Json], object],
        on_lost: Callable[[], bool] | None = None,
        is_ours: bool = False,
    ) -> None:
        self._url = url
        self._key = key
        self._pace = pace
        self._check = check
        self._on_lost = on_lost
        self._is_ours = is_ours
        self._not_before = 0.0
        """When the server wants to hear from us again, by the monotonic clock."""
        self._num_failed = 0
        self._has_answered = False

    def ask(self, questions: Iterable[Question[_Tag]]) -> Iterator[Answer[_Tag]]:
        """An answer to each, in any order. Questions are drawn as there is room for them.

        Raises:
            UserError: the server says what the user has to mend.
            ModelError: the server is gone.
        """
        answers: queue.SimpleQueue[Answer[_Tag] | BaseException | None] = queue.SimpleQueue()
        loop = asyncio.new_event_loop()
        main: list[asyncio.Task[None]] = []

        def work() -> None:
            asyncio.set_event_loop(loop)
            try:
                main.append(loop.create_task(self._ask_all(iter(questions), answers.put)))
                loop.run_until_complete(main[0])
                answers.put(None)
            except BaseException as error:  # noqa: BLE001 — handed to the caller's thread
                answers.put(error)
            finally:
                loop.close()

        thread = threading.Thread(target=work, name="client", daemon=True)
        thread.start()
        try:
            while (answer := answers.get()) is not None:
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
        finally:
            if thread.is_alive() and main:
                with contextlib.suppress(RuntimeError):  # the loop ended just now
                    loop.call_soon_threadsafe(main[0].cancel)
            thread.join(timeout=5.0)

    async def _ask_all(
        self, questions: Iterator[Question[_Tag]], put: Callable[[Answer[_Tag]], None]
    ) -> None:
        try:
            async with self._http() as http, asyncio.TaskGroup() as tasks:
                room = asyncio.Semaphore(self._pace.concurrency)

                async def one(question: Question[_Tag]) -> None:
                    try:
                        put(await self._answer(http, question))
                    finally:
                        room.release()

                while True:
                    await room.acquire()
                    # Drawing may wait for something: the answers go on meanwhile.
                    question = await asyncio.to_thread(next, questions, None)
                    if question is None:
                        break
                    tasks.create_task(one(question))
        except BaseExceptionGroup as group:
            raise _first(group) from None

    def _http(self) -> "httpx.AsyncClient":
        import httpx

        return httpx.AsyncClient(
            timeout=self._pace.timeout_s,
            limits=httpx.Limits(max_connections=self._pace.concurrency),
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            trust_env=not self._is_ours,  # no proxy stands between us and our own server
        )

    async def _answer(self, http: "httpx.AsyncClient", question: Question[_Tag]) -> Answer[_Tag]:
        num_tries, num_limits, said = 0, 0, ""
        while num_tries <= self._pace.retries and num_limits <= 20 * (self._pace.retries + 1):
            await self._wait()
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._pace.timeout_s):
                    body = await self._once(http, question)
            except (_Again, TimeoutError) as error:
                said = str(error) or f"no answer within {self._pace.timeout_s:g} s"
                again = error if isinstance(error, _Again) else _Again(said)
                num_limits += again.is_limit
                num_tries += not again.is_limit
                if again.is_limit:
                    pause_s = (
                        again.after_s if again.after_s is not None else self._pause(num_limits)
                    )
                    self._not_before = max(self._not_before, time.monotonic() + pause_s)
                    await asyncio.sleep(random.uniform(0, 0.2 * pause_s))
                else:
                    await asyncio.sleep(again.after_s or self._pause(num_tries))
                continue
            self._num_failed, self._has_answered = 0, True
            return Answer(question.tag, body, time.monotonic() - started)
        self._num_failed += 1
        if self._num_failed >= _PATIENCE or not self._has_answered:
            raise ModelError(f"{self._url()} does not answer: {said}")
        return Answer(question.tag, None, 0.0, said)

    @staticmethod
    def _pause(num_tries: int) -> float:
        longest = min(_LONGEST_PAUSE_S, _BACKOFF_S * 2 ** min(num_tries, 10))
        return random.uniform(0.5, 1.0) * longest

    async def _wait(self) -> None:
        while (pause_s := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(min(pause_s, 1.0))

    async def _once(self, http: "httpx.AsyncClient", question: Question[_Tag]) -> Json:
        import httpx

        try:
            response = await http.post(self._url() + question.path, json=question.body)
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.InvalidURL as error:
            raise UserError(f"{self._url()}: {error}") from None
        except httpx.TransportError as error:
            if self._on_lost is not None and await asyncio.to_thread(self._on_lost):
                raise _Again("the server was started again", after_s=0.01) from None
            raise _Again(f"{type(error).__name__}: {error}") from None
        self._heed(response.headers)
        if response.status_code in _TRY_AGAIN:
            raise self._refusal(response)
        if response.status_code >= 300:
            raise UserError(self._complaint(response))
        try:
            body = cast(Json, response.json())
            self._check(body)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise _Again(f"an answer that is none: {type(error).__name__}: {error}"[:200]) from None
        return body

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Waits where the server says that nothing is left for now."""
        for what in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{what}") == "0":
                after_s = seconds(headers.get(f"x-ratelimit-reset-{what}", ""))
                self._not_before = max(self._not_before, time.monotonic() + (after_s or 0.0))

    def _refusal(self, response: "httpx.Response") -> _Again:
        said = self._said(response)
        if response.status_code == 429 and "insufficient_quota" in response.text:
            raise UserError(f"{self._url()}: the quota is used up: {said}")
        after_s = None
        for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            if after_s is None and (text := response.headers.get(name)):
                found = seconds(text)
                after_s = found * unit_s if found is not None else None
        is_limit = response.status_code == 429
        return _Again(f"{response.status_code}: {said}", after_s=after_s, is_limit=is_limit)

    def _complaint(self, response: "httpx.Response") -> str:
        status, url, said = response.status_code, self._url(), self._said(response)
        if status in (401, 403):
            key = "the key was refused" if self._key else "it wants a key, and none is set"
            return (
                f"{url}: {key} ({status}: {said}): set HARNESS_API_KEY, for openai: OPENAI_API_KEY"
            )
        if status == 404:
            return f"{url} has no such model or path ({said}): write it as URL/v1#model"
        if re.search(r"context.{0,12}length|too long|maximum.{0,20}tokens", said, re.IGNORECASE):
            return f"{url}: a prompt is longer than the model takes: {said}"
        return f"{url} refuses the request ({status}): {said}"

    def _said(self, response: "httpx.Response") -> str:
        """The server's own words, in one line and without the key."""
        text = response.text
        try:
            body: object = json.loads(text)
            fields = cast(Json, body) if isinstance(body, dict) else {}
            error = fields.get("error", fields)
            found = cast(Json, error).get("message") if isinstance(error, dict) else error
            text = str(found) if found else text
        except ValueError:
            pass
        text = " ".join(text.split())[:300]
        return text.replace(self._key, "…") if self._key else text


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception that says most: one of ours, else the first."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        inner = isinstance(error, BaseExceptionGroup)
        leaves.append(_first(cast(BaseExceptionGroup[BaseException], error)) if inner else error)
    return next((leaf for leaf in leaves if isinstance(leaf, HarnessError)), leaves[0])


def seconds(text: str) -> float | None:
    """The seconds that a header means: a number, `6m0s`, `20ms`, or a date.

    >>> seconds("1.5"), seconds("6m2s"), seconds("20ms"), seconds("soon")
    (1.5, 362.0, 0.02, None)
    """
    text = text.strip()
    with contextlib.suppress(ValueError):
        return max(0.0, float(text))
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", text)
    if parts and "".join(a + b for a, b in parts) == text:
        units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
        return sum(float(number) * units[unit] for number, unit in parts)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return None
