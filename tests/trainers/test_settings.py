"""What may be set of a training, from where, and what is said of a slip."""

from pathlib import Path

import pytest

from harness import config
from harness.errors import ConfigError
from trainers.settings import PretrainSettings, RlSettings, SftSettings, load, sources


def section(*sets: str, file: Path | None = None) -> dict[str, object]:
    return config.load(sets=sets, env={}, config_file=file).train


def test_any_argument_of_trl_is_reachable_with_its_type() -> None:
    found = load(
        SftSettings,
        section("train.trl.max_grad_norm=0.5", "train.trl.optim=adafactor", "train.lr=1e-3"),
    )
    assert found.trl == {"max_grad_norm": 0.5, "optim": "adafactor"}
    assert found.lr == 1e-3


def test_a_value_for_one_trainer_wins_and_is_nothing_to_the_others() -> None:
    sets = section("train.lr=0.1", "train.rl.lr=0.2", "train.rl.trl.top_k=5", "train.seed=7")
    sft, rl = load(SftSettings, sets), load(RlSettings, sets)
    assert (sft.lr, rl.lr) == (0.1, 0.2)
    assert (sft.trl, rl.trl) == ({}, {"top_k": 5})
    assert sft.seed == rl.seed == 7


def test_a_setting_of_another_trainer_may_stand_under_train() -> None:
    assert load(SftSettings, section("train.num_generations=4")) == SftSettings()
    assert load(RlSettings, section("train.num_generations=4")).num_generations == 4


def test_a_file_has_tables_in_tables(tmp_path) -> None:
    text = """
[train]
seed = 3
[train.trl]
adam_beta2 = 0.95
[train.pretrain]
block_size = 128
phases = [{data = ["a.jsonl"], tokens = 1000}, {data = ["b.jsonl"], lr_factor = 0.1}]
"""
    (tmp_path / "own.toml").write_text(text)
    found = load(PretrainSettings, section(file=tmp_path / "own.toml"))
    assert found.seed == 3
    assert found.trl == {"adam_beta2": 0.95}
    assert [phase.data for phase in found.phases] == [("a.jsonl",), ("b.jsonl",)]
    assert sources(found, ["c.jsonl"]) == ("c.jsonl", "a.jsonl", "b.jsonl")


def test_a_variable_reaches_trl_too() -> None:
    env = {"HARNESS_TRAIN__TRL__MAX_GRAD_NORM": "2", "HARNESS_TRAIN__LORA_RANK": "8"}
    found = load(SftSettings, config.load(env=env).train)
    assert (found.trl, found.lora_rank) == ({"max_grad_norm": 2}, 8)


def test_flags_have_the_last_word_but_none_is_no_flag() -> None:
    found = load(SftSettings, section("train.lr=0.1", "train.seed=1"), {"lr": 0.3, "seed": None})
    assert (found.lr, found.seed) == (0.3, 1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("train.sede=1", "did you mean train.seed"),
        ("train.rl.num_generation=1", "did you mean train.num_generations"),
        ("train.lr=fast", "train.lr: input should be a valid number"),
        ("train.rl.num_generations=1", "greater than or equal to 2"),
        ("train.sft.reward=binary", "unknown key 'train.sft.reward'"),
    ],
)
def test_a_slip_is_one_line(said: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        model = RlSettings if "rl." in said else SftSettings
        load(model, section(said))


def test_weights_do_not_depend_on_how_often_they_are_saved() -> None:
    assert (
        SftSettings(save_steps=5, track="wandb", threads=2).identity_fields()
        == SftSettings().identity_fields()
    )
    assert SftSettings(lr=1.0).identity_fields() != SftSettings().identity_fields()
