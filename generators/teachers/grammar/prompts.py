"""The frame around what is asked: docstring, sentence or program, and the way back from it.

    asked = ask(spec, rng, form="docstring", names=("nums",), name="even_total")
    read(asked.text, kinds, ("nums",), "int")     the trees that the text can be read as

Not here: the phrases inside the frame (phrases.py), the examples below it (teacher.py).
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from generators.teachers.grammar.phrases import (
    Names,
    Reader,
    filled,
    in_steps,
    meanings_of_steps,
    said,
    spine,
)
from generators.teachers.grammar.spec import OPS, Call, Spec, arguments, kind_of
from generators.teachers.grammar.values import KINDS

CONTRACTS = frozenset(
    "nat medium small count nats letters brackets bits date clock grid square nested counts char".split()
)
"""Kinds of which a signature does not say all."""

_VALUE = ("return {}", "compute {}", "find {}", "calculate {}", "determine {}")
_CLAUSE = (
    "return True if {}, and False otherwise",
    "return whether {}",
    "check whether {}",
    "determine whether {}",
)
_FIRST = ("Take {}", "Start with {}", "First take {}", "Begin with {}")
_NEXT = ("Then take {}", "Next, take {}", "From that, get {}", "After that, take {}")
_LAST_VALUE = ("Return {}", "Finally, return {}", "The answer is {}", "In the end return {}")
_LAST_CLAUSE = ("Return whether {}", "Finally, return whether {}", "Return True just if {}")
_WRITE_VALUE = (
    "Write a function to find {}",
    "Write a python function that returns {}",
    "Write a function that computes {}",
    "Create a function which returns {}",
)
_WRITE_CLAUSE = (
    "Write a function to check whether {}",
    "Write a python function that returns True if {}, and False otherwise",
    "Write a function that decides whether {}",
    "Create a function to determine whether {}",
)
_WRITE_STEPS = (
    "Write a function that works as follows.",
    "Write a python function according to this description.",
    "Create a function that does the following.",
)


class Asked(NamedTuple):
    """What a task says, without examples."""

    text: str
    form: str


def declared(names: Sequence[str], kinds: Sequence[str]) -> str:
    """The arguments, introduced.

    >>> declared(("nums", "k"), ("ints", "count"))
    'a list of integers nums and a positive integer k'
    """
    return _listed([KINDS[kind].said.format(name) for name, kind in zip(names, kinds, strict=True)])


def explained(names: Sequence[str], kinds: Sequence[str]) -> str:
    """The same as a clause.

    >>> explained(("nums", "k"), ("ints", "count"))
    'nums is a list of integers and k is a positive integer'
    """
    return _listed(
        [
            f"{name} is {KINDS[kind].said.replace(' {}', '')}"
            for name, kind in zip(names, kinds, strict=True)
        ]
    )


def _listed(parts: Sequence[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]


def ask(spec: Call, rng: random.Random, *, form: str, names: Sequence[str]) -> Asked:
    """One way to ask for it.

    Raises:
        Untidy: this draw would not read well.
    """
    kinds = arguments(spec)
    words = Names(tuple(names))
    steps = spine(spec)
    roots = OPS[spec.op].says.get("root", ())
    long = steps is not None and len(steps) > 2
    if steps is not None and len(steps) > 1 and rng.random() < (0.9 if long else 0.5):
        core = _told(steps, rng, words)
        if form == "sentence":
            core = f"{rng.choice(_WRITE_STEPS)} {core}"
        return Asked(_introduced(core, rng, names, kinds, form), form)
    if roots and rng.random() < 0.6:
        core = filled(rng.choice(roots), spec, rng, words, None)
        if form == "sentence":
            core = f"{rng.choice(_WRITE_STEPS)} {core}"
        return Asked(_introduced(core, rng, names, kinds, form), form)
    frames = _frames(kind_of(spec), form)
    core = _capital(rng.choice(frames).format(said(spec, rng, words))) + "."
    return Asked(_introduced(core, rng, names, kinds, form), form)


def _frames(kind: str, form: str) -> tuple[str, ...]:
    if form == "sentence":
        return _WRITE_CLAUSE if kind == "bool" else _WRITE_VALUE
    return _CLAUSE if kind == "bool" else _VALUE


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _told(steps: Sequence[Call], rng: random.Random, names: Names) -> str:
    *before, last = in_steps(steps, rng, names)
    sentences = [
        rng.choice(_NEXT if place else _FIRST).format(text) for place, text in enumerate(before)
    ]
    closing = _LAST_CLAUSE if kind_of(steps[-1]) == "bool" else _LAST_VALUE
    sentences.append(rng.choice(closing).format(last))
    return " ".join(f"{sentence}." for sentence in sentences)


def _introduced(
    core: str, rng: random.Random, names: Sequence[str], kinds: Sequence[str], form: str
) -> str:
    """With the arguments introduced, where a signature alone does not say all."""
    needed = form != "docstring" or any(kind in CONTRACTS for kind in kinds)
    if not needed and rng.random() < 0.5:
        return core
    if form == "sentence" or rng.random() < 0.4:
        return f"{core} Here {explained(names, kinds)}."
    return f"Given {declared(names, kinds)}, {_small(core)}"


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


# The way back.

_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


def read(text: str, kinds: tuple[str, ...], names: Sequence[str], kind: str) -> tuple[Spec, ...]:
    """All trees that a prompt's text can be read as, given the signature."""
    core = text.removesuffix(f" Here {explained(names, kinds)}.")
    opening = f"Given {declared(names, kinds)}, "
    if core.startswith(opening):
        core = _capital(core[len(opening) :])
    words = Names(tuple(names))
    found: dict[Spec, None] = {}
    for written in _WRITE_STEPS:
        core = core.removeprefix(f"{written} ")
    for part in _unframed(core, kind):
        found.update(dict.fromkeys(Reader(kinds, words).read(part, kind)))
    found.update(dict.fromkeys(Reader(kinds, words).read(core, f"{kind}:root")))
    sentences = _SENTENCE.split(core)
    if len(sentences) > 1:
        for steps in _unstepped(sentences, kind):
            found.update(dict.fromkeys(meanings_of_steps(steps, kind, Reader(kinds, words))))
    return tuple(found)


def _unframed(core: str, kind: str) -> Iterator[str]:
    for form in ("docstring", "sentence"):
        for frame in _frames(kind, form):
            yield from _inside(_capital(frame) + ".", core)


def _inside(frame: str, text: str) -> Iterator[str]:
    before, after = frame.split("{}")
    if text.startswith(before) and text.endswith(after):
        yield text[len(before) : len(text) - len(after)]


def _unstepped(sentences: Sequence[str], kind: str) -> Iterator[list[str]]:
    texts: list[str] = []
    for place, sentence in enumerate(sentences):
        if place == len(sentences) - 1:
            frames = _LAST_CLAUSE if kind == "bool" else _LAST_VALUE
        else:
            frames = _NEXT if place else _FIRST
        inside = [part for frame in frames for part in _inside(f"{frame}.", sentence)]
        if not inside:
            return
        texts.append(min(inside, key=len))
    yield texts
