"""Completions for a step of GRPO, by this package's own sampler, graded while they are written.

    GRPOTrainer(..., rollout_func=Rollouts(...), reward_funcs=reward)

TRL's `rollout_func`: prompts in (each as often as its group is large), token ids out. The loop is
harness.models.decoding, in which finished rows leave the batch; a row's draws depend on the seed,
the step and its place alone, so a resumed training samples what it would have sampled. Each row
that is finished goes to the sandbox at once.

Not here: vLLM (TRL's own), what a completion is worth (rewards.py).
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from harness.models.decoding import Decoder, Row
from harness.models.tokens import Tokens
from harness.records import content_sha256
from trainers.rewards import Attempt, TrlReward
from trainers.settings import RlSettings

MAX_ROWS = {"cpu": 256, "cuda": 512, "mps": 64}


class Rollouts:
    """A `rollout_func`. `problem_ids` are those of the prompts, by their text."""

    def __init__(
        self,
        tokens: Tokens,
        reward: TrlReward,
        *,
        problem_ids: Mapping[str, str],
        settings: RlSettings,
        adds_special: bool,
    ) -> None:
        self._tokens = tokens
        self._reward = reward
        self._problem_ids = problem_ids
        self._settings = settings
        self._adds_special = adds_special
        self._room = tokens.max_model_len(None)

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """Completions of these prompts, in their order."""
        started = time.monotonic()
        step_number = int(trainer.state.global_step)
        rank = int(trainer.accelerator.process_index)
        rows = [
            self._row(prompt, place, (step_number, rank)) for place, prompt in enumerate(prompts)
        ]
        model = trainer.accelerator.unwrap_model(trainer.model)
        step = self._reward.begin(step_number)
        was_training, used_cache = model.training, model.config.use_cache
        model.eval()
        model.config.use_cache = True
        try:
            decoder = Decoder(
                model,
                eos=self._tokens.eos,
                pad=self._tokens.pad,
                decode=self._decode,
                batch_size=MAX_ROWS.get(model.device.type, 64),
                temperature=self._settings.temperature,
                top_p=self._settings.top_p,
            )
            for row in decoder.run(rows):
                prompt = prompts[_place(row)]
                (text,) = self._decode([self._written(row)])
                step.submit(Attempt(self._problem_ids[prompt], prompt, text))
        except BaseException:
            step.close()
            raise
        finally:
            model.config.use_cache = used_cache
            model.train(was_training)
        self._reward.note("time/sample_s", time.monotonic() - started)
        return {
            "prompt_ids": [list(row.ids) for row in rows],
            "completion_ids": [self._written(row) for row in rows],
            "logprobs": None,
        }

    def _row(self, prompt: str, place: int, at: tuple[int, int]) -> Row:
        ids: list[int] = self._tokens.tokenizer.encode(
            prompt, add_special_tokens=self._adds_special
        )
        seed = int(content_sha256([self._settings.seed, *at, place])[:8], 16)
        most = min(self._settings.max_new_tokens, self._room - len(ids))
        return Row(ids, most, seed=seed, tag=place)

    def _written(self, row: Row) -> list[int]:
        """What the policy has drawn, its end token among it."""
        return [*row.new, *([] if row.ended_by is None else [row.ended_by])]

    def _decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """As TRL decodes them, so that both mean the same completion."""
        return self._tokens.tokenizer.batch_decode(
            [list(row) for row in rows], skip_special_tokens=True
        )


def _place(row: Row) -> int:
    assert isinstance(row.tag, int)
    return row.tag
