"""An adapter and its base as one full folder, for what takes no adapters.

harness train merge out/adapter -o out/merged
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from harness.config import Settings
from harness.errors import UserError
from harness.models import checkpoints
from harness.models.tokens import Tokens
from trainers import jobs, running


def merge(adapter: str, out: Path, *, settings: Settings) -> str:
    """Write the merged model to `out`: its identity.

    Raises:
        UserError: it is no adapter, or `out` holds a model.
    """
    torch: Any = running.require_torch()
    located = checkpoints.locate(adapter, cache=settings.cache)
    if located.adapter is None or located.path is None:
        raise UserError(f"{adapter} is no adapter: there is nothing to merge")
    if any(out.glob("*.safetensors")):
        raise UserError(f"{out} holds a model already: name another folder")
    transformers: Any = import_module("transformers")
    peft: Any = import_module("peft")
    model = transformers.AutoModelForCausalLM.from_pretrained(str(located.path), dtype="auto")
    own = model.dtype
    # Added in fp32: in bf16 the small product would be rounded away against the large weight.
    merged = peft.PeftModel.from_pretrained(model.to(torch.float32), str(located.adapter))
    merged = merged.merge_and_unload().to(own)
    merged.config.use_cache = True
    merged.save_pretrained(out)
    Tokens(located).tokenizer.save_pretrained(out)
    identity = checkpoints.locate(str(out), cache=settings.cache).checkpoint.identity
    record = jobs.read_checkpoint(located.adapter)
    if record is not None:
        told = record.model_copy(update={"id": identity, "base": located.checkpoint.base})
        jobs.write_record(out / jobs.CHECKPOINT, told)
    return identity
