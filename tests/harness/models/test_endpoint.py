"""Endpoints: real HTTP on the loopback, with the faults and refusals that real ones have."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks import sanity
from harness.config import ModelSettings, PromptSettings, SamplingSettings, Settings
from harness.errors import ConfigError, ModelError, UserError
from harness.models.checkpoints import locate
from harness.models.client import seconds
from harness.models.endpoint import API_SYSTEM, EndpointModel
from harness.models.protocol import Reply
from tests.fake_endpoint import FAULTS, FakeEndpoint, Fault

BENCHMARK = sanity.load()
KEY = "sk-very-secret-0123456789"


def opened(
    endpoint: FakeEndpoint,
    *,
    say: Callable[[str], None] = print,
    prompt: PromptSettings | None = None,
    sampling: SamplingSettings | None = None,
    cache: Path = Path("/nonexistent"),
    **model: Any,
) -> EndpointModel:
    settings = Settings(
        model=ModelSettings(**{"timeout_s": 2.0, "concurrency": 8, **model}),
        prompt=prompt or PromptSettings(),
        sampling=sampling or SamplingSettings(),
    )
    return EndpointModel(locate(f"{endpoint.url}#m", cache=cache), settings, say)


def replies(model: EndpointModel, num: int = 10) -> list[Reply]:
    keys = [(problem.id, 0) for problem in BENCHMARK.problems[:num]]
    return list(model.replies(model.requests(BENCHMARK, keys)))


def echo(asked: str) -> str:
    return f"you said {len(asked)}"


# What goes wrong is tried again


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_survived(fault: Fault):
    with FakeEndpoint(echo, faults=[fault, None, fault], late_s=3.0) as endpoint:
        model = opened(endpoint, timeout_s=1.0 if fault == "late" else 5.0)
        found = replies(model)
    assert endpoint.injected == [fault, fault]
    assert len(found) == 10 and {reply.finish_reason for reply in found} == {"stop"}
    assert {reply.text for reply in found} == {
        f"you said {len(body['messages'][-1]['content'])}" for body in endpoint.seen
    }
    tried_again = 0 if fault in ("slow", "limit") else 2
    assert len(endpoint.seen) == 10 + tried_again


def test_retry_after_holds_all_requests_back():
    with FakeEndpoint(echo, faults=["429"]) as endpoint:
        started = time.monotonic()
        assert len(replies(opened(endpoint, concurrency=1), 2)) == 2
    assert time.monotonic() - started >= 0.3


def test_a_limit_that_is_announced_is_waited_for():
    with FakeEndpoint(echo, faults=["limit"]) as endpoint:
        started = time.monotonic()
        replies(opened(endpoint, concurrency=1), 2)
        assert 0.2 <= endpoint.replied_at[1] - endpoint.replied_at[0] < 1.5
        assert endpoint.replied_at[0] - started < 1.0


def test_no_more_requests_at_once_than_asked_for():
    with FakeEndpoint(echo, delay_s=lambda: 0.05) as endpoint:
        assert len(replies(opened(endpoint, concurrency=3), 30)) == 30
    assert endpoint.most_at_once == 3


def test_a_request_that_fails_for_good_is_an_error_and_no_answer():
    faults: list[Fault | None] = [None, "500", "500"]
    with FakeEndpoint(echo, faults=faults) as endpoint:
        found = replies(opened(endpoint, concurrency=1, retries=1), 3)
    assert [reply.finish_reason for reply in found] == ["stop", "error", "stop"]
    assert found[1].error == "500: try again" and found[1].text == ""


def test_a_server_that_never_answers_is_gone():
    gone: list[Fault | None] = ["503"] * 99
    with (
        FakeEndpoint(echo, faults=gone) as endpoint,
        pytest.raises(ModelError, match="does not answer: 503"),
    ):
        replies(opened(endpoint, concurrency=2, retries=1))


def test_nobody_there(tmp_path: Path):
    settings = Settings(model=ModelSettings(retries=1))
    model = EndpointModel(locate("http://127.0.0.1:1/v1#m", cache=tmp_path), settings)
    with pytest.raises(ModelError, match="does not answer: ConnectError"):
        replies(model, 1)


# What the user has to mend is one line


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (401, "bad key", "it wants a key, and none is set .*HARNESS_API_KEY"),
        (404, "The model `m` does not exist", r"no such model or path .*URL/v1#model"),
        (400, "maximum context length is 10", "a prompt is longer than the model takes"),
        (400, "temperature is not supported", r"refuses the request \(400\): temperature"),
        (429, "insufficient_quota", "the quota is used up"),
    ],
)
def test_a_refusal_is_one_line(status: int, message: str, said: str):
    body = {"error": {"message": message + "\nsecond line"}}
    with (
        FakeEndpoint(echo, refuse=(status, body)) as endpoint,
        pytest.raises(UserError, match=said) as raised,
    ):
        replies(opened(endpoint))
    assert "\n" not in str(raised.value)


def test_the_key_goes_into_its_header_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "for another host")
    caplog.set_level(logging.DEBUG)
    with FakeEndpoint(echo, key=KEY) as endpoint:
        model = opened(endpoint)
        assert len(replies(model)) == 10
    assert KEY not in caplog.text and KEY not in repr(endpoint.seen)
    assert KEY not in model.checkpoint.model_dump_json() + model.generation.model_dump_json()
    with (
        FakeEndpoint(echo, key="another") as endpoint,
        pytest.raises(UserError, match="the key was refused") as raised,
    ):
        replies(opened(endpoint))
    # The endpoint repeats what it was sent.
    assert KEY not in str(raised.value) and "Bearer …" in str(raised.value)


# What is asked


def test_a_chat_is_asked_as_evalplus_asks():
    with FakeEndpoint(echo) as endpoint:
        replies(opened(endpoint), 1)
    (body,) = endpoint.seen
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == API_SYSTEM
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.0, 1.0, 768)
    assert isinstance(body["seed"], int) and "stop" not in body


def test_a_system_message_of_ones_own_or_none():
    for asked, roles in (("Be brief.", ["system", "user"]), ("", ["user"])):
        with FakeEndpoint(echo) as endpoint:
            replies(opened(endpoint, prompt=PromptSettings(system=asked)), 1)
        assert [m["role"] for m in endpoint.seen[0]["messages"]] == roles


def test_completions_are_cut_at_all_stops_though_four_are_sent():
    def goes_on(asked: str) -> str:
        return "    return 1\nprint(2)\ndef g(): ..."

    with FakeEndpoint(goes_on) as endpoint:
        (reply,) = replies(opened(endpoint, prompt=PromptSettings(chat=False)), 1)
    (body,) = endpoint.seen
    assert body["prompt"] == BENCHMARK.problems[0].prompt.strip() + "\n"
    assert len(body["stop"]) == 4 and reply.text == "    return 1"


def test_sampling_is_sent_and_recorded():
    sampling = SamplingSettings(temperature=0.8, max_tokens=50, seed=3)
    with FakeEndpoint(echo) as endpoint:
        model = opened(endpoint, sampling=sampling, reasoning_effort="low")
        replies(model, 2)
    assert {body["temperature"] for body in endpoint.seen} == {0.8}
    assert {body["top_p"] for body in endpoint.seen} == {0.95}
    assert {body["reasoning_effort"] for body in endpoint.seen} == {"low"}
    assert len({body["seed"] for body in endpoint.seen}) == 2
    assert model.generation.identity_fields()["extra"] == "{'reasoning_effort': 'low'}"


# What it cost


def test_the_cost_is_reckoned_from_the_users_table(tmp_path: Path):
    prices = tmp_path / "prices.toml"
    prices.write_text("[m]\ninput = 1000\noutput = 2000\n")
    said: list[str] = []
    with FakeEndpoint(echo) as endpoint:
        found = replies(opened(endpoint, say=said.append, prices=prices), 4)
    tokens_in = sum(reply.num_tokens_in or 0 for reply in found)
    tokens_out = sum(reply.num_tokens_out or 0 for reply in found)
    cost = (1000 * tokens_in + 2000 * tokens_out) / 1e6
    assert said == [f"cost: {cost:.4f} for {tokens_in} tokens in, {tokens_out} out"]
    prices.write_text("[another]\ninput = 1\noutput = 1\n")
    with FakeEndpoint(echo) as endpoint, pytest.raises(ConfigError, match=r'has no \["m"\]'):
        opened(endpoint, prices=prices)


def test_a_date_is_a_time_to_wait_for():
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert seconds("") is None and seconds("-3") == 0.0
