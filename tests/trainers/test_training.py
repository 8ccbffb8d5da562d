"""The trainers for real, on a model of a quarter of a million weights: seconds each.

Kills are kills: a process is ended with -9 in the middle of a step, and the same job is done again.
"""

import copy
import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from harness import evaluation
from harness.config import SandboxSettings, Settings
from harness.errors import ConfigError, RunMismatch, UserError
from harness.models import checkpoints
from tests.trainers.problems import write
from trainers import jobs, launch, rows
from trainers.jobs import TrainJob, TrainObserver, TrainProgress
from trainers.settings import MODELS, Kind

pytestmark = pytest.mark.torch


class Heard(TrainObserver):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.steps: list[TrainProgress] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def trained(self, progress: TrainProgress) -> None:
        self.steps.append(progress)


class World:
    """A folder with problems, and a model that was pretrained on them for a moment."""

    def __init__(self, folder: Path) -> None:
        from trainers import tiny

        self.folder = folder
        self.rows = write(folder / "problems.jsonl")
        self.settings = Settings(
            home=folder / "home", cache=folder / "cache", sandbox=SandboxSettings(workers=1)
        )
        tiny.make(folder / "tiny", rows.texts([self.rows]), hidden=64, layers=2, vocabulary=400)
        self.pretrained = self.train(
            "pretrain", "base", parent="tiny", steps=40, block_size=128, batch_size=8, lr=1e-2
        )

    def job(self, kind: Kind, name: str, *, parent: str = "base", **settings: object) -> TrainJob:
        asked = {"threads": 1, "precision": "fp32", "log_steps": 1, **settings}
        resolved = MODELS[kind].model_validate(asked)
        return TrainJob(
            kind=kind,
            parent=str(self.folder / parent),
            rows=(str(self.rows),),
            out=self.folder / name,
            settings=resolved.model_dump(mode="json"),
            harness=self.settings.model_dump(mode="json"),
        )

    def train(
        self, kind: Kind, name: str, *, heard: TrainObserver | None = None, **settings: Any
    ) -> jobs.TrainedCheckpoint:
        return jobs.train(self.job(kind, name, **settings), heard)

    def metrics(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / name / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def weights(self, name: str) -> bytes:
        return (self.folder / name / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("training"))


def killed_at(job: TrainJob, step: int) -> None:
    """Start the job in a process of its own, and kill it once it has logged a step."""
    path = job.out.with_suffix(".json")
    path.write_text(job.model_dump_json())
    code = (
        "import sys, pathlib; from trainers.jobs import TrainJob, train; "
        "train(TrainJob.model_validate_json(pathlib.Path(sys.argv[1]).read_text()))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE, text=True
    )
    started = time.monotonic()
    metrics = job.out / "metrics.jsonl"
    while not (metrics.exists() and len(metrics.read_text().splitlines()) >= step):
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(f"it ended before step {step}: {process.stderr.read()[-2000:]}")
        assert time.monotonic() - started < 240
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert jobs.read_checkpoint(job.out) is None


# --- pretraining --------------------------------------------------------------------------------


def test_pretraining_learns_and_leaves_a_plain_folder(world: World) -> None:
    losses = [row["loss"] for row in world.metrics("base") if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    record = world.pretrained
    assert (record.trainer, record.step, record.num_tokens) == ("pretrain", 40, 40 * 8 * 128)
    located = checkpoints.locate(str(world.folder / "base"), cache=world.settings.cache)
    assert located.checkpoint.kind == "model"
    assert record.id == located.checkpoint.identity
    parent = checkpoints.locate(str(world.folder / "tiny"), cache=world.settings.cache)
    assert record.parent_id == parent.checkpoint.identity
    transformers: Any = import_module("transformers")
    model = transformers.AutoModelForCausalLM.from_pretrained(str(world.folder / "base"))
    assert model.config.use_cache is True


def test_phases_follow_one_another(world: World) -> None:
    phases = [
        {"data": [str(world.rows)], "tokens": 2048},
        {"data": [str(world.rows)], "tokens": 1024, "lr_factor": 0.1, "form": "lessons"},
    ]
    asked: dict[str, Any] = {"phases": phases, "block_size": 64, "batch_size": 4, "parent": "tiny"}
    record = world.train("pretrain", "phases", **asked)
    assert record.num_tokens == 2048 + 1024
    first = jobs.read_checkpoint(world.folder / "phases" / "phase-0")
    assert first is not None
    assert (first.step, record.step) == (8, 4)
    assert record.wall_s > first.wall_s


def test_muon_and_adamw_are_saved_and_loaded_as_one(world: World) -> None:
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    from trainers.optimizers import muon_adamw

    def made() -> tuple[Any, Any]:
        model = transformers.AutoModelForCausalLM.from_pretrained(str(world.folder / "tiny"))
        return model, muon_adamw(model, muon_lr=0.02, adamw_lr=1e-3, weight_decay=0.0)

    def step(model: Any, optimizer: Any) -> None:
        ids = torch.arange(20)[None]
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    model, optimizer = made()
    covered = {id(one) for group in optimizer.param_groups for one in group["params"]}
    assert covered == {id(one) for one in model.parameters()}
    step(model, optimizer)
    other, resumed = made()
    other.load_state_dict(model.state_dict())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # as from a file
    step(model, optimizer)
    step(other, resumed)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    for group in resumed.param_groups:  # a schedule's way to the parts
        group["lr"] = 0.0
    before = [one.clone() for one in other.parameters()]
    step(other, resumed)
    assert all(torch.equal(a, b) for a, b in zip(before, other.parameters(), strict=True))


# --- SFT ------------------------------------------------------------------------------------------


def test_sft_teaches_what_the_rows_say(world: World) -> None:
    heard = Heard()
    record = world.train("sft", "taught", steps=60, lr=5e-3, batch_size=16, heard=heard)
    losses = [row["loss"] for row in world.metrics("taught") if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    assert heard.steps[-1].step == 60
    assert "sft: step 60 of 60, loss" in heard.steps[-1].line()
    assert record.num_tokens > 60 * 16 * 20
    before, after = (passed(world, name) for name in ("tiny", "taught"))
    assert before == 0
    assert after > 24, f"{after} of 48 solved"


def passed(world: World, name: str) -> int:
    """Problems that a checkpoint solves, by the command's own function."""
    settings = world.settings.model_copy(
        update={"eval": world.settings.eval.model_copy(update={"name": name})}
    )
    run = evaluation.evaluate(str(world.folder / name), f"jsonl:{world.rows}", settings=settings)
    assert run.num_unscored == 0
    return sum(verdict.passed for verdict in run)


def test_the_loss_is_on_the_completion_and_its_end(world: World) -> None:
    from harness.models.local import style_of
    from harness.models.tokens import Tokens
    from trainers.sft import tokenize

    located = checkpoints.locate(str(world.folder / "base"), cache=world.settings.cache)
    tokens = Tokens(located)
    lessons = rows.read([str(world.rows)], home=world.folder)
    style = style_of(tokens, world.settings)
    assert style.form == "prefill"
    found = tokenize(lessons, tokens, style, max_length=512)
    for ids, mask in zip(found.input_ids, found.completion_mask, strict=True):
        learned = [token for token, counts in zip(ids, mask, strict=True) if counts]
        assert learned[-1] == tokens.tokenizer.eos_token_id
        assert tokens.tokenizer.decode(learned[:-1]).endswith("\n```\n")
        asked = tokens.tokenizer.decode(ids[: len(ids) - len(learned)])
        assert asked.endswith("```python\n")
    assert (found.num_cut, found.num_dropped) == (0, 0)


def test_rows_that_are_cut_are_counted_aloud(world: World) -> None:
    heard = Heard()
    world.train("sft", "cut", steps=1, max_length=92, heard=heard)
    (said,) = [line for line in heard.said if "longer than max_length" in line]
    assert said.startswith("WARNING: ")


def test_a_slip_in_an_argument_of_trl_is_one_line(world: World) -> None:
    with pytest.raises(ConfigError, match="did you mean max_grad_norm"):
        world.train("sft", "slip", steps=1, trl={"max_grad_nrm": 1})
    with pytest.raises(ConfigError, match="the harness decides it"):
        world.train("sft", "slip2", steps=1, trl={"output_dir": "elsewhere"})


def test_done_is_done_and_another_training_is_refused(world: World) -> None:
    first = world.train("sft", "once", steps=2)
    heard = Heard()
    assert world.train("sft", "once", steps=2, heard=heard) == first
    assert "nothing to do" in heard.said[-1]
    with pytest.raises(RunMismatch, match=r"train\.steps 2 → 3"):
        world.train("sft", "once", steps=3)


def test_sft_killed_ends_in_the_very_same_weights(world: World) -> None:
    asked: dict[str, Any] = {"steps": 24, "save_steps": 5, "keep": 2, "lr": 1e-3, "batch_size": 4}
    world.train("sft", "undisturbed", **asked)
    killed_at(world.job("sft", "killed", **asked), 12)
    torn = world.folder / "killed" / "checkpoint-23"  # a kill in the middle of a save
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    heard = Heard()
    record = world.train("sft", "killed", heard=heard, **asked)
    assert heard.said[0].startswith("going on from checkpoint-1")
    assert not torn.exists()
    assert world.weights("killed") == world.weights("undisturbed")
    assert record.num_tokens == world.train("sft", "undisturbed", **asked).num_tokens


# --- GRPO -----------------------------------------------------------------------------------------

RL: dict[str, Any] = {
    "num_prompts": 8,
    "num_generations": 4,
    "batch_size": 16,
    "max_new_tokens": 48,
    "lr": 1e-3,
    "reward": "fraction",
}


def test_grpo_killed_ends_in_the_very_same_weights(world: World) -> None:
    asked = {**RL, "steps": 6, "save_steps": 2}
    world.train("rl", "policy", parent="taught", **asked)
    rows = [row for row in world.metrics("policy") if "reward/mean" in row]
    assert len(rows) == 6
    for row in rows:
        shares = [value for name, value in row.items() if name.startswith("status/")]
        assert sum(shares) == pytest.approx(1.0)
        assert row["status/unscored"] == 0
        assert 0 <= row["reward/groups_with_signal"] <= 1
        assert row["time/sample_s"] + row["reward/wait_s"] + row["time/train_s"] == pytest.approx(
            row["step_s"], abs=0.01
        )
    assert any(row["reward/groups_with_signal"] > 0 for row in rows), "nothing was learned from"
    assert world.weights("policy") != world.weights("taught")

    killed_at(world.job("rl", "policy-killed", parent="taught", **asked), 3)
    world.train("rl", "policy-killed", parent="taught", **asked)
    assert world.weights("policy-killed") == world.weights("policy")


def test_too_few_problems_for_a_step_are_told(world: World) -> None:
    with pytest.raises(UserError, match=r"--set train.num_prompts=48"):
        world.train("rl", "few", parent="taught", **{**RL, "num_prompts": 64, "steps": 1})
    with pytest.raises(ConfigError, match="can't be divided"):
        world.train("rl", "uneven", parent="taught", **{**RL, "batch_size": 20, "steps": 1})


# --- adapters -------------------------------------------------------------------------------------


def test_an_adapter_is_trained_resumed_and_merged(world: World) -> None:
    from trainers.merge import merge

    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    peft: Any = import_module("peft")
    record = world.train("sft", "adapter", steps=8, lr=5e-3, lora_rank=4, parent="taught")
    located = checkpoints.locate(str(world.folder / "adapter"), cache=world.settings.cache)
    assert located.checkpoint.kind == "adapter"
    assert record.id == located.checkpoint.identity
    assert record.base is not None
    assert (world.folder / "adapter" / "adapter_model.safetensors").stat().st_size < 200_000

    merge(str(world.folder / "adapter"), world.folder / "merged", settings=world.settings)
    load = transformers.AutoModelForCausalLM.from_pretrained
    base = load(str(world.folder / "taught"))
    adapted = peft.PeftModel.from_pretrained(base, str(world.folder / "adapter"))
    merged = load(str(world.folder / "merged"))
    ids = torch.arange(3, 40)[None]
    difference = (adapted(ids).logits - merged(ids).logits).detach().abs().max()
    assert float(difference) < 1e-4
    told = jobs.read_checkpoint(world.folder / "merged")
    assert told is not None
    assert told.parent_id == record.parent_id
    with pytest.raises(UserError, match="is no adapter"):
        merge(str(world.folder / "taught"), world.folder / "x", settings=world.settings)


# --- several processes ----------------------------------------------------------------------------


def test_two_processes_train_as_one(world: World) -> None:
    heard = Heard()
    record = world.train("sft", "two", steps=3, devices=2, batch_size=4, heard=heard)
    assert record.device_s == pytest.approx(2 * record.wall_s, abs=0.01)
    assert heard.steps[-1].step == 3
    logged = [row["step"] for row in world.metrics("two") if "loss" in row]
    assert logged == [1, 2, 3], "one process writes"
    assert checkpoints.locate(str(world.folder / "two"), cache=world.settings.cache).path


def test_a_world_of_another_size_is_refused(world: World) -> None:
    """What accelerate does in silence: one process where two were asked for."""
    config = world.folder / "one.yaml"
    one = world.job("sft", "one-of-two", steps=1, devices=1)
    config.write_text(launch._configuration(one.trainer_settings()))
    with pytest.raises(UserError, match="2 processes were asked for .* and 1 are there"):
        world.train("sft", "one-of-two", steps=1, devices=2, accelerate_config=str(config))


def test_a_dry_run_prints_what_is_started(world: World) -> None:
    job = world.job("sft", "dry", devices=2)
    words = launch.command(job)
    assert words[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
    assert words[-3:] == ["-m", "trainers.launch", str(job.out / "job.json")]


# --- evaluation in the middle ---------------------------------------------------------------------


def test_an_evaluation_in_the_middle_changes_no_weight(world: World) -> None:
    asked: dict[str, Any] = {"steps": 4, "lr": 1e-3, "batch_size": 4, "parent": "taught"}
    world.train("sft", "unwatched", **asked)
    benchmark = f"jsonl:{world.rows}"
    world.train("sft", "watched", eval_benchmark=benchmark, eval_steps=2, **asked)
    assert world.weights("watched") == world.weights("unwatched")
    lines = (world.folder / "watched" / "evaluations.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]
    assert all(json.loads(line)["problems"] == 48 for line in lines)


def test_torch_was_told_to_wait_without_spinning() -> None:
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
