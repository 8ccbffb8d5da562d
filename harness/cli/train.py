"""The verbs that train: init, and train sft|rl|pretrain|merge."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import Isolation, Json, app, invocation

if TYPE_CHECKING:
    from harness.screen import Screen
    from trainers.jobs import TrainObserver
    from trainers.settings import Kind

init_app = typer.Typer(help="Make a model to begin with.", no_args_is_help=True)
train_app = typer.Typer(
    help="Train a checkpoint on verified problems. The same command resumes.", no_args_is_help=True
)
app.add_typer(init_app, name="init")
app.add_typer(train_app, name="train")

Parent = Annotated[
    str,
    typer.Argument(metavar="CHECKPOINT", help="A model's or an adapter's folder, or org/repo."),
]
Rows = Annotated[
    list[str],
    typer.Argument(metavar="ROWS...", help="Datasets (last, a name, a folder) or JSONL files."),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="The folder of the new checkpoint.")]
Steps = Annotated[int | None, typer.Option(help="Optimizer steps; default: the epochs' own.")]
Rate = Annotated[float | None, typer.Option("--lr", help="Learning rate.")]
Seed = Annotated[int | None, typer.Option(help="Default: 0.", show_default=False)]
Lora = Annotated[int | None, typer.Option("--lora", help="Rank of an adapter; 0: all weights.")]
Devices = Annotated[int | None, typer.Option(help="Processes, one a device.")]
Track = Annotated[
    str | None,
    typer.Option(
        help="trackio, wandb or tensorboard, besides metrics.jsonl.",
        autocompletion=lambda: ["trackio", "wandb", "tensorboard"],
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be run and with which settings.")
]


@init_app.command()
def tiny(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it is written.")],
    text: Annotated[
        list[Path],
        typer.Option("--text", help="What the tokenizer is trained on; may be repeated."),
    ],
    hidden: Annotated[int, typer.Option(help="Width.")] = 160,
    layers: Annotated[int, typer.Option(help="Blocks.")] = 3,
    vocabulary: Annotated[int, typer.Option(help="Tokens.")] = 1024,
    max_length: Annotated[int, typer.Option(help="Tokens of prompt and reply together.")] = 512,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    as_json: Json = False,
) -> None:
    """A model of about a million random weights that learns on a CPU in minutes.

    \b
    harness init tiny out/tiny --text problems.jsonl
    harness train pretrain out/tiny problems.jsonl -o out/base
    """
    from trainers import rows
    from trainers import tiny as preset

    settings = invocation.settings()
    screen = invocation.screen(settings)
    folder = preset.make(
        out,
        rows.texts(text),
        hidden=hidden,
        layers=layers,
        vocabulary=vocabulary,
        max_length=max_length,
        seed=seed,
    )
    num = preset.num_parameters(folder)
    if as_json:
        screen.json({"path": str(folder), "num_parameters": num})
    else:
        screen.show(f"{folder}: {num:,} random weights; pretrain it next")


@train_app.command()
def sft(
    parent: Parent,
    rows: Rows,
    out: Out,
    steps: Steps = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the rows.")] = None,
    lr: Rate = None,
    seed: Seed = None,
    lora: Lora = None,
    devices: Devices = None,
    track: Track = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train on the solutions of problems, through TRL's SFTTrainer.

    \b
    harness train sft out/base last -o out/child
    harness train sft Qwen/Qwen2.5-Coder-7B rows.jsonl -o out/child --lora 16 --devices 8
    """
    flags = {
        "steps": steps,
        "epochs": epochs,
        "lr": lr,
        "seed": seed,
        "lora_rank": lora,
        "devices": devices,
        "track": track,
    }
    _train("sft", parent, rows, out, flags, dry_run=dry_run, as_json=as_json)


@train_app.command()
def rl(
    parent: Parent,
    rows: Rows,
    out: Out,
    steps: Steps = None,
    lr: Rate = None,
    seed: Seed = None,
    reward: Annotated[str | None, typer.Option(help="binary, fraction or x-coder.")] = None,
    lora: Lora = None,
    devices: Devices = None,
    sandbox: Isolation = None,
    track: Track = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train on what the sandbox says of the model's own programs: GRPO, through TRL.

    \b
    harness train rl out/child last -o out/grandchild --steps 50
    """
    flags = {
        "steps": steps,
        "lr": lr,
        "seed": seed,
        "reward": reward,
        "lora_rank": lora,
        "devices": devices,
        "track": track,
    }
    _train("rl", parent, rows, out, flags, dry_run=dry_run, as_json=as_json, sandbox=sandbox)


@train_app.command()
def pretrain(
    parent: Parent,
    rows: Rows,
    out: Out,
    steps: Steps = None,
    lr: Rate = None,
    seed: Seed = None,
    devices: Devices = None,
    track: Track = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Train from scratch on packed text; phases are set under [train.pretrain] in a file.

    \b
    harness train pretrain out/tiny problems.jsonl -o out/base
    """
    flags = {"steps": steps, "lr": lr, "seed": seed, "devices": devices, "track": track}
    _train("pretrain", parent, rows, out, flags, dry_run=dry_run, as_json=as_json)


@train_app.command()
def merge(
    adapter: Annotated[str, typer.Argument(metavar="ADAPTER", help="An adapter's folder.")],
    out: Out,
    as_json: Json = False,
) -> None:
    """Write an adapter and its base as one full model.

    \b
    harness train merge out/adapter -o out/merged
    """
    from trainers.merge import merge as merge_adapter

    settings = invocation.settings()
    identity = merge_adapter(adapter, out, settings=settings)
    screen = invocation.screen(settings)
    if as_json:
        screen.json({"path": str(out), "id": identity})
    else:
        screen.show(f"{out}: {identity[:12]}")


def _train(
    kind: "Kind",
    parent: str,
    rows: list[str],
    out: Path,
    flags: Mapping[str, object],
    *,
    dry_run: bool,
    as_json: bool,
    sandbox: str | None = None,
) -> None:
    """What the trainers have in common: a job made, done, and reported."""
    import shlex

    from trainers import jobs, launch
    from trainers.settings import MODELS, load, sources

    settings = invocation.settings(sandbox__kind=sandbox)
    screen = invocation.screen(settings)
    chosen = load(MODELS[kind], settings.train, flags)
    job = jobs.TrainJob(
        kind=kind,
        parent=parent,
        rows=sources(chosen, rows),
        out=out,
        settings=chosen.model_dump(mode="json"),
        harness=settings.model_dump(mode="json"),
    )
    if dry_run:
        words = launch.command(job)
        if chosen.devices > 1:
            launch.prepare(job)
        if as_json:
            screen.json({"command": words, "settings": job.settings})
        else:
            screen.show(shlex.join(words) if chosen.devices > 1 else "in this process")
            screen.show(chosen.model_dump_json(indent=2))
        return
    record = screen.watch(lambda: jobs.train(job, _observer(screen)))
    if as_json:
        screen.json({"path": str(out), **record.model_dump(mode="json")})
        return
    screen.show(
        f"{out}: {record.step} steps, {record.num_tokens:,} tokens in {record.wall_s:.0f} s; "
        f"id {(record.id or '')[:12]}"
    )
    screen.say(f"next: harness eval {shlex.quote(str(out))} -b …")


def _observer(screen: "Screen") -> "TrainObserver":
    """What trainers tell, on the screen."""
    from trainers.jobs import TrainObserver, TrainProgress

    class Watched(TrainObserver):
        def say(self, text: str) -> None:
            screen.say(text)

        def trained(self, progress: TrainProgress) -> None:
            screen.progress(progress.line())

    return Watched()
