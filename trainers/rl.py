"""GRPO through TRL, with the sandbox's verdicts as rewards.

    harness train rl out/child last -o out/grandchild

A step: `num_prompts` problems, `num_generations` completions each, one update. On a CPU the
completions come from this package's sampler and are graded while the next are written
(rollouts.py); on a GPU vLLM writes them, as TRL runs it. A device trains on `batch_size` completions
at a time and accumulates over the step, so that the policy is the one that sampled them and no pass
for old probabilities is needed. Completions that the token limit cut are left out of the loss.
"""

import logging
import math
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, cast

from harness.errors import ConfigError, DataError
from harness.models.local import style_of
from harness.models.tokens import Tokens
from harness.prompts import Style
from harness.records import Problem
from trainers import running
from trainers.jobs import Task, TrainObserver
from trainers.rewards import Grader, TrlReward
from trainers.rollouts import Rollouts
from trainers.rows import lesson_text
from trainers.settings import RlSettings


class Asked(NamedTuple):
    """The problems that can be asked, by the text of their prompts."""

    problem_ids: dict[str, str]
    num_too_long: int


def prompts_of(
    problems: tuple[Problem, ...], tokens: Tokens, style: Style, settings: RlSettings
) -> Asked:
    """A prompt a problem, as an evaluation asks it; those that leave no room are left out."""
    room = tokens.max_model_len(None)
    found: dict[str, str] = {}
    num_too_long = 0
    for problem in problems:
        text = lesson_text(problem, style, tokens.tokenizer).prompt
        ids = tokens.tokenizer.encode(text, add_special_tokens=style.form == "base")
        if len(ids) >= min(room, settings.max_length):
            num_too_long += 1
        else:
            found.setdefault(text, problem.id)
    return Asked(found, num_too_long)


def accumulation(settings: RlSettings) -> tuple[int, int]:
    """Completions a device trains on at a time, and how often: together they make a step.

    Raises:
        ConfigError: the step can't be divided so.
    """
    each, rest = divmod(settings.completions_a_step, settings.devices)
    size = min(settings.batch_size, each)
    if rest or each % size:
        raise ConfigError(
            f"train.num_prompts × train.num_generations = {settings.completions_a_step} can't be "
            f"divided by {settings.devices} devices × train.batch_size={size}"
        )
    return size, each // size


def sampler_of(settings: RlSettings) -> str:
    """Who writes the completions."""
    if settings.sampler != "auto":
        return settings.sampler
    return "vllm-colocate" if running.on_gpu() and find_spec("vllm") is not None else "local"


def work(task: Task, observer: TrainObserver) -> None:
    """See `jobs.Work`."""
    running.require_torch()
    settings = cast(RlSettings, task.job.trainer_settings())
    running.check_tracker(settings)
    harness = task.job.harness_settings()
    trl = _trl(settings)
    tokens = running.tokens_of(task)
    style = style_of(tokens, harness)
    asked = prompts_of(task.lessons.gradable(), tokens, style, settings)
    if asked.num_too_long:
        observer.say(f"{asked.num_too_long} problems are left out: their prompts are too long")
    if len(asked.problem_ids) < settings.num_prompts:
        raise DataError(
            f"{len(asked.problem_ids)} problems can be asked, and a step takes "
            f"{settings.num_prompts}: --set train.num_prompts={max(1, len(asked.problem_ids))}"
        )
    args = _arguments(trl.GRPOConfig, task, settings, len(asked.problem_ids))
    wanted = set(asked.problem_ids.values())
    with Grader(
        [problem for problem in task.lessons.gradable() if problem.id in wanted],
        settings=harness,
        to_the_end=settings.reward != "binary",
        time_limit_s=settings.time_limit_s,
    ) as grader:
        reward = TrlReward(
            grader, reward=settings.reward, num_tests=settings.num_tests, seed=settings.seed
        )
        is_base, is_local = style.form == "base", sampler_of(settings) == "local"
        rollouts = Rollouts(
            tokens,
            reward,
            problem_ids=asked.problem_ids,
            settings=settings,
            adds_special=is_base,
        )
        recorder = running.recorder(task, observer, args.max_steps)
        _quiet_about_unscored()
        model = running.load_model(task)
        trainer = trl.GRPOTrainer(
            model=model,
            args=args,
            train_dataset=_dataset(asked, tokens, strip_bos=not is_base and not is_local),
            processing_class=tokens.tokenizer,
            reward_funcs=[reward],
            peft_config=running.peft_config(settings),
            optimizers=(running.optimizer(model, settings), None),
            rollout_func=rollouts if is_local else None,
            callbacks=[recorder, *running.callbacks(task)],
        )
        recorder.tokens_are_kept = True
        recorder.count_tokens = lambda: int(trainer.state.num_input_tokens_seen)
        running.run(trainer, task, tokenizer=tokens.tokenizer, recorder=recorder)


def _trl(settings: RlSettings) -> Any:
    """The library, its trainer loaded: with it comes vLLM, where that is installed.

    What the two say of one another's versions is for those who sample with vLLM.
    """
    with warnings.catch_warnings():
        if not sampler_of(settings).startswith("vllm-"):
            warnings.simplefilter("ignore")
        trl: Any = import_module("trl")
        _ = trl.GRPOTrainer
        return trl


def _arguments(config_class: Any, task: Task, settings: RlSettings, num_problems: int) -> Any:
    size, times = accumulation(settings)
    steps = settings.steps or math.ceil(settings.epochs * num_problems / settings.num_prompts)
    sampler = sampler_of(settings)
    own: dict[str, object] = {
        "per_device_train_batch_size": size,
        "gradient_accumulation_steps": times,
        "steps_per_generation": times,
        "num_generations": settings.num_generations,
        "max_completion_length": settings.max_new_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "loss_type": settings.loss,
        "scale_rewards": "none" if settings.loss == "dr_grpo" else "group",
        "beta": settings.beta,
        "epsilon_high": settings.epsilon_high,
        "mask_truncated_completions": True,
    }
    if sampler.startswith("vllm-"):
        own |= {"use_vllm": True, "vllm_mode": sampler.removeprefix("vllm-")}
    # "auto" is fp32 on a CPU: steps of GRPO are no faster in bf16 there.
    if settings.precision == "auto" and not running.on_gpu():
        own["bf16"] = False
    return running.arguments(config_class, task, steps=steps, own=own)


def _dataset(asked: Asked, tokens: Tokens, *, strip_bos: bool) -> Any:
    """Prompts with the problems that they are of.

    `strip_bos`: vLLM through TRL adds the first token to any text, which a template has written.
    """
    datasets: Any = import_module("datasets")
    bos = tokens.tokenizer.bos_token
    texts = list(asked.problem_ids)
    rows = [text.removeprefix(bos) if strip_bos and bos else text for text in texts]
    return datasets.Dataset.from_dict(
        {"prompt": rows, "problem_id": [asked.problem_ids[text] for text in texts]}
    )


def _quiet_about_unscored() -> None:
    """TRL prints the whole row of a completion without a reward; ours are counted and logged."""

    class Short(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            return "All reward functions returned None" not in record.getMessage()

    logging.getLogger("trl.trainer.grpo_trainer").addFilter(Short())
