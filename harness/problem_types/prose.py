"""The prose of a prompt: what is asked in words, without code, examples and names.

Examples are full of words that say nothing about the problem (a list of strings may hold "area"),
and a signature's names are the author's taste; so both are cut before keywords are looked for.
"""

import ast
import re

_EXAMPLE = re.compile(
    r"""^\W*(?:
        >>> | \.\.\.\s | assert\b                    # doctest, assertion
      | \w+\s*\(.*(?:==|=>|->|➞|→|➡|returns?\b)      # f(3) == 9, f(3) ➞ 9
      | \w+\s*=\s*\S                                 # arr = [1, 2]
      | (?:Input|Output|Example\w*)\s*\d*\s*:?\s*\W*$
      | (?:Input|Output)\s*:                         # Input: …
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_CALLED = re.compile(r"\b\w+\((?!e?s\))")
"""`median(` in a sentence is the name of a function; `element(s)` is a word."""
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE_BEGINS = re.compile(r"^You should write self-contained code starting with:", re.MULTILINE)
_REQUIREMENTS = re.compile(r"^\s*Requirements?:\s*$(?:\n\s*-.*$)*", re.MULTILINE)


def prose_of(prompt: str, entry_point: str) -> str:
    """The words of a prompt: a docstring's where it is code, else all that is not fenced."""
    text = _docstring(prompt, entry_point)
    if text is None:
        text = _CODE_BEGINS.sub("", _FENCED.sub("\n", prompt))
    text = _REQUIREMENTS.sub("", text)
    kept: list[str] = []
    in_doctest = False
    for line in text.splitlines():
        if line.strip().startswith((">>>", "...")):
            in_doctest = True
        elif not line.strip():
            in_doctest = False
        elif not in_doctest and not _EXAMPLE.match(line):
            kept.append(line.strip())
    return _CALLED.sub("(", "\n".join(kept))


def _docstring(prompt: str, entry_point: str) -> str | None:
    """The docstring of the entry point, else of the module; None where the prompt is no code."""
    try:
        tree = ast.parse(prompt)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == entry_point
    ]
    if functions:
        return ast.get_docstring(functions[-1]) or ""
    return ast.get_docstring(tree)


def num_words(prose: str) -> int:
    return len(re.findall(r"[A-Za-z]+(?:['-][A-Za-z]+)*", prose))
