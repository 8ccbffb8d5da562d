"""Which engine runs a checkpoint, and what is said of it."""

from pathlib import Path

import pytest

from harness.config import ModelSettings, Settings
from harness.errors import UserError
from harness.models import engines, server
from harness.models.checkpoints import Located
from harness.records import Checkpoint


def located(folder: Path, num_bytes: int) -> Located:
    folder.mkdir(exist_ok=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(num_bytes)
    checkpoint = Checkpoint(kind="model", name="m", source="m", identity="0")
    return Located(checkpoint, path=folder)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "is_installed", lambda: True)
    monkeypatch.setattr(server, "is_for_cpu", lambda: True)


@pytest.mark.usefixtures("installed")
def test_a_small_model_runs_here_and_a_big_one_is_served(tmp_path: Path):
    engine, why = engines.choose(located(tmp_path / "s", 6_000_000), Settings())
    assert engine == "local" and "6 MB of weights: too small" in why and "engine=vllm" in why
    assert engines.choose(located(tmp_path / "b", 3_000_000_000), Settings()) == ("vllm", "")


@pytest.mark.usefixtures("installed")
def test_what_is_asked_for_is_taken(tmp_path: Path):
    for engine in ("vllm", "local"):
        settings = Settings(model=ModelSettings.model_validate({"engine": engine}))
        assert engines.choose(located(tmp_path / "m", 10), settings) == (engine, "")


def test_what_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "is_installed", lambda: False)
    asked = Settings(model=ModelSettings(engine="vllm"))
    with pytest.raises(UserError, match=r"vLLM is not installed: pip install .*\[gpu\]"):
        engines.choose(located(tmp_path / "m", 10), asked)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the extra `local`.*pip install"):
        engines.choose(located(tmp_path / "m", 10), Settings())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "torch")
    engine, why = engines.choose(located(tmp_path / "m", 10), Settings())
    assert engine == "local" and "vLLM is not installed" in why


def test_the_server_is_started_as_the_settings_say(tmp_path: Path):
    found = located(tmp_path / "m", 10)
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "adapter_config.json").write_text('{"r": 12}')
    adapted = Located(found.checkpoint, path=found.path, adapter=tmp_path / "lora")
    settings = Settings(
        model=ModelSettings(tensor_parallel=2, data_parallel=4, quantization="fp8", batch_size=7)
    )
    words = " ".join(
        server.arguments(adapted, settings, room=512, dtype="bfloat16", folder=tmp_path)
    )
    for part in (
        "--tensor-parallel-size 2",
        "--data-parallel-size 4",
        "--quantization fp8",
        "--max-model-len 512",
        "--dtype bfloat16",
        "--max-num-seqs 7",
        "--max-lora-rank 16",
        f"--lora-modules adapter={tmp_path / 'lora'}",
        "--generation-config vllm",
    ):
        assert part in words
    assert "api-key" not in words, "a key in the arguments is seen by everyone on the machine"
