"""The verbs: parse, call, print. No logic lives here, and heavy imports are inside the verbs.

Exit codes: 0 measured · 1 a gate that was asked for failed · 2 usage or configuration ·
3 not comparable · 4 incomplete, what was done is kept · 130 interrupted, the same command resumes.
Results go to standard output, talk to standard error.

    app       the global options, and what several verbs share
    measure   eval regrade
    look      show ls
    compare   import compare
    make      plan generate
    board     board
    machine   data doctor completion
    train     init train
"""

import os
import shlex
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from harness.cli import board, compare, look, machine, make, measure, train
from harness.cli.app import app

__all__ = ["app", "board", "compare", "look", "machine", "main", "make", "measure", "train"]


def main() -> NoReturn:
    """The command `harness`."""
    if machine.COMPLETE in os.environ:  # else typer does it, at the price of two options of its own
        from typer._completion_classes import completion_init

        completion_init()
    from harness import errors

    try:
        code = _run(sys.argv[1:])
    except TyperException as error:
        _fail_usage(error)
    except (errors.StorageError, errors.ModelError) as error:
        _fail(str(error), 4)
    except errors.NotComparable as error:
        _fail(str(error), 3)
    except (errors.UserError, errors.EnvironmentRefused, errors.SandboxUnavailable) as error:
        _fail(str(error), 2)
    except errors.SandboxError as error:
        _fail(f"the sandbox broke down: {error}. Repeat the command to go on", 4)
    if code == 130:  # what typer makes of KeyboardInterrupt
        again = shlex.join(["harness", *(word for word in sys.argv[1:] if word != "--fresh")])
        _fail(f"interrupted; what is recorded is kept. To go on: {again}", 130)
    sys.exit(code)


def _run(words: list[str]) -> int:
    """Do what was typed; global options are as welcome behind the verb as before it."""
    while True:
        try:
            return app(args=words, prog_name="harness", standalone_mode=False) or 0
        except TyperException as error:
            moved = _moved_to_front(words, error)
            if moved is None:
                raise
            words = moved


def _moved_to_front(words: list[str], error: TyperException) -> list[str] | None:
    """The words with the option before the verb that the verb does not know; None: nobody knows it."""
    option: str = getattr(error, "option_name", "")
    context: typer.Context | None = getattr(error, "ctx", None)
    root = context.find_root() if context else None
    if root is None or context is root:
        return None
    takes_word = {
        name: not getattr(each, "is_flag", False)
        for each in root.command.params
        for name in each.opts
    }

    def end_of(at: int) -> int:
        return at + (2 if takes_word.get(words[at]) else 1)

    verb = 0
    while verb < len(words) and words[verb].startswith("-"):
        verb = end_of(verb)
    behind = range(verb, len(words))
    at = next((i for i in behind if words[i].partition("=")[0] == option), None)
    if option not in takes_word or at is None:
        return None
    if end_of(at) > len(words):
        return [option]  # which says that its argument is missing
    return [*words[:verb], *words[at : end_of(at)], *words[verb:at], *words[end_of(at) :]]


def _fail_usage(error: TyperException) -> NoReturn:
    """Says in one line what is wrong with the command that was typed."""
    said = error.format_message()
    context: typer.Context | None = getattr(error, "ctx", None)
    if said.startswith("Usage:"):  # no verb: the help itself
        print(said, file=sys.stderr)
        sys.exit(error.exit_code)
    where = context.command_path if context else "harness"
    _fail(f"{said[:1].lower()}{said[1:]} (see {where} -h)", error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    print(f"harness: {message}", file=sys.stderr)
    sys.exit(code)
