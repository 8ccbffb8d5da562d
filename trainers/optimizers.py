"""Muon for the matrices, AdamW for the rest, as one optimizer that is saved and loaded as one.

    optimizer = muon_adamw(model, muon_lr=0.02, adamw_lr=3e-3, weight_decay=0.0)
    Trainer(..., optimizers=(optimizer, None))

Muon orthogonalises the update of a 2-D weight: meant for the matrices inside the blocks. Embeddings,
the output layer, norms and biases go to AdamW. A schedule scales both by their own learning rates.
The state of a sharded parameter (FSDP, ZeRO) is not what Muon needs: use AdamW there.
"""

from functools import cache
from importlib import import_module
from typing import Any


def muon_adamw(model: Any, *, muon_lr: float, adamw_lr: float, weight_decay: float) -> Any:
    """One `torch.optim.Optimizer` over all trainable parameters of the model."""
    embeddings = {
        id(parameter)
        for layer in (model.get_input_embeddings(), model.get_output_embeddings())
        if layer is not None
        for parameter in layer.parameters()
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [one for one in trained if one.ndim == 2 and id(one) not in embeddings]
    chosen = {id(one) for one in matrices}
    others = [one for one in trained if id(one) not in chosen]
    torch: Any = import_module("torch")
    parts: list[Any] = []
    if matrices:
        parts.append(torch.optim.Muon(matrices, lr=muon_lr, weight_decay=weight_decay))
    if others:
        parts.append(torch.optim.AdamW(others, lr=adamw_lr, weight_decay=weight_decay))
    return _combined()(parts)


@cache
def _combined() -> Any:
    """The class; made here, since it needs its base."""
    base: Any = import_module("torch").optim.Optimizer

    class Combined(base):
        """Optimizers that step together; their groups are its groups."""

        def __init__(self, parts: list[Any]) -> None:
            self.parts = parts
            # The hooks and the bookkeeping of the base; then the groups are those of the parts.
            base.__init__(self, [dict(group) for part in parts for group in part.param_groups], {})
            self._share()

        def _share(self) -> None:
            """A schedule writes into the groups, so they have to be the parts' own."""
            self.param_groups = [group for part in self.parts for group in part.param_groups]

        def step(self, closure: Any = None) -> Any:
            loss = closure() if closure is not None else None
            for part in self.parts:
                part.step()
            return loss

        def zero_grad(self, set_to_none: bool = True) -> None:
            for part in self.parts:
                part.zero_grad(set_to_none=set_to_none)

        def state_dict(self) -> dict[str, Any]:
            return {"parts": [part.state_dict() for part in self.parts]}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            for part, state in zip(self.parts, state_dict["parts"], strict=True):
                part.load_state_dict(state)
            self._share()

    return Combined
