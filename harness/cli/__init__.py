"""The verbs: parse, call, print. No logic lives here, and heavy imports are inside the verbs.

Exit codes: 0 measured · 1 a gate that was asked for failed · 2 usage or configuration ·
3 not comparable · 4 incomplete, what was done is kept · 130 interrupted, the same command resumes.
Results go to standard output, talk to standard error.

    app       the global options, and what several verbs share
    measure   eval regrade
    look      show ls
    compare   import compare
    board     board
    machine   data doctor completion
"""

import os
import shlex
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from harness.cli import board, compare, look, machine, measure
from harness.cli.app import app

__all__ = ["app", "board", "compare", "look", "machine", "main", "measure"]


def main() -> NoReturn:
    """The command `harness`."""
    if machine.COMPLETE in os.environ:  # else typer does it, at the price of two options of its own
        from typer._completion_classes import completion_init

        completion_init()
    from harness import errors

    try:
        code = app(prog_name="harness", standalone_mode=False) or 0
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


def _fail_usage(error: TyperException) -> NoReturn:
    """Says in one line what is wrong with the command that was typed."""
    said = error.format_message()
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or said.startswith("Usage:"):  # no verb: the help itself
        print(said, file=sys.stderr)
        sys.exit(error.exit_code)
    option: str = getattr(error, "option_name", "")
    if option in (name for known in context.find_root().command.params for name in known.opts):
        said = f"{option} goes before the verb: harness {option} … {context.info_name} …"
    _fail(f"{said[:1].lower()}{said[1:]} (see {context.command_path} -h)", error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    print(f"harness: {message}", file=sys.stderr)
    sys.exit(code)
