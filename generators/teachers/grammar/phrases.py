"""From a tree of operations to English, and back.

    sentence = said(spec, rng, names)           "the sum of the even numbers in nums"
    meanings(sentence, ("ints",), names)        every tree that this can be read as

The tables' phrases are the productions of one grammar: `said` draws a derivation, `meanings` finds
all of them. A prompt is unambiguous when all trees that it can be read as mean the same, which the
caller sees by their signatures. A long chain of operations is told in steps: one sentence an
operation, each about what the one before gave.

Not here: the frame around it, such as "Write a function that ..." (prompts.py).
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, TypeAlias

from generators.teachers.grammar.spec import (
    OPS,
    Arg,
    Call,
    Const,
    Hole,
    Op,
    Slot,
    Spec,
    Template,
    kind_of,
)
from generators.teachers.grammar.values import KINDS, fits

MOST_MEANINGS = 24
_NUMBER = re.compile(r"-?\d+$")
_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def ordinal(number: int) -> str:
    """
    >>> ordinal(2), ordinal(7), ordinal(12), ordinal(23)
    ('2nd', '7th', '12th', '23rd')
    """
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


@dataclass(frozen=True, slots=True)
class Names:
    """What the arguments are called in a text: as they are, or between backticks."""

    words: tuple[str, ...]

    def leaves(self, arg: Arg) -> list[str]:
        return [leaf.format(self.words[arg.index]) for leaf in KINDS[arg.kind].leaf]


class Untidy(Exception):
    """The phrase would not read well inside another one."""


_UNTIDY = re.compile(
    r"^(?:how|what|which|where|in|at) |[,;:(]| that | which | where | when | if | as an? | is | are | means of "
)
_MOST_WORDS = 10


@cache
def _tidy(op: str) -> tuple[Template, ...]:
    """The phrases of an operation that read well inside another one."""
    return tuple(
        template
        for template in OPS[op].says["say"]
        if not _UNTIDY.search(text := "".join(p for p in template.parts if isinstance(p, str)))
        and len(text.split()) <= _MOST_WORDS
    )


def said(
    spec: Spec, rng: random.Random, names: Names, form: str = "say", *, inside: bool = False
) -> str:
    """One way to say it: a noun phrase, or a clause where it is true or false.

    Raises:
        Untidy: it goes inside another phrase and has none that is short and plain.
    """
    if isinstance(spec, Arg):
        return rng.choice(names.leaves(spec))
    if isinstance(spec, Const):
        return str(spec.value)
    templates = OPS[spec.op].says[form]
    if inside and not (templates := _tidy(spec.op)):
        raise Untidy
    return filled(rng.choice(templates), spec, rng, names, None)


def filled(
    template: Template, spec: Call, rng: random.Random, names: Names, back: str | None
) -> str:
    """A phrase with its holes filled; `back` is said for the kid that the step before gave."""
    op = OPS[spec.op]
    texts: list[str] = []
    drawn: dict[tuple[int, str], str] = {}
    for part in template.parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        assert isinstance(part.of, int)
        key = (part.of, part.form)
        if key not in drawn:
            drawn[key] = _hole(spec.kids[part.of], op.slots[part.of], part, rng, names, back)
        texts.append(drawn[key])
    return "".join(texts)


def _hole(
    kid: Spec, slot: Slot, hole: Hole, rng: random.Random, names: Names, back: str | None
) -> str:
    if slot.kind[-1] == "?":
        return said(kid, rng, names, hole.form)
    if slot.kind[-1] == ">":
        return said(kid, rng, names, "key")
    if isinstance(kid, Const):
        if hole.form == "th" and isinstance(kid.value, int):
            return ordinal(kid.value)
        return str(kid.value)
    if isinstance(kid, Arg) and slot.is_param:
        return names.words[kid.index] + ("th" if hole.form == "th" else "")
    if back is not None and isinstance(kid, Call):
        return back
    return said(kid, rng, names, inside=slot.kind != "bool")


def spine(spec: Spec) -> list[Call] | None:
    """The operations from the innermost to the root, where each has at most one other inside."""
    chain: list[Call] = []
    while isinstance(spec, Call):
        chain.append(spec)
        inner = [
            kid for kid in spec.kids if isinstance(kid, Call) and OPS[kid.op].result[-1] not in "?>"
        ]
        if len(inner) > 1:
            return None
        if not inner:
            break
        spec = inner[0]
    if any(OPS[call.op].result == "bool" for call in chain[1:]):
        return None  # nobody says "take whether"
    return chain[::-1]


def in_steps(chain: Sequence[Call], rng: random.Random, names: Names) -> list[str]:
    """What each step gives, said of what the one before gave."""
    texts: list[str] = []
    back = None
    for call in chain:
        texts.append(filled(rng.choice(OPS[call.op].says["say"]), call, rng, names, back))
        back = rng.choice(KINDS[OPS[call.op].result].again)
    return texts


# The way back.


@cache
def _productions(symbol: str) -> tuple[tuple[Op, Template], ...]:
    """The phrases that a text of this kind may be made by: `ints`, `int?:is`, `int>:key`, or `*`
    for whatever gives a value."""
    kind, _, form = symbol.partition(":")
    found: list[tuple[Op, Template]] = []
    for op in OPS.values():
        if kind[-1] in "?>":
            if op.result[-1] == kind[-1] and fits(kind[:-1], op.result[:-1]):
                found += [(op, template) for template in op.says[form or "key"]]
        elif op.result[-1] not in "?>" and (kind == "*" or fits(op.result, kind)):
            found += [(op, template) for template in op.says.get(form or "say", ())]
    return tuple(found)


class _Production(NamedTuple):
    """A phrase, with what any text that it makes must have."""

    op: Op
    parts: tuple[str | Hole, ...]
    tail: str
    """How the text ends, where that is known."""
    inside: tuple[str, ...]
    """What stands somewhere in it."""


_Starts: TypeAlias = tuple[dict[str, list[_Production]], list[_Production]]


@cache
def _starts(symbol: str) -> _Starts:
    """The productions by the first word that they begin with; and those that begin with a hole."""
    by_word: dict[str, list[_Production]] = {}
    open_ended: list[_Production] = []
    for op, template in _productions(symbol):
        parts = template.parts
        first, last = parts[0], parts[-1]
        words = tuple(part for part in parts if isinstance(part, str))
        one = _Production(op, parts, last if isinstance(last, str) else "", words)
        word = first.split(" ", 1)[0] if isinstance(first, str) and " " in first else None
        if word:
            by_word.setdefault(word, []).append(one)
        else:
            open_ended.append(one)
    return by_word, open_ended


@dataclass(slots=True)
class Reader:
    """Finds all trees for a text. One reader a prompt: what it found out is kept."""

    kinds: tuple[str, ...]
    names: Names
    back: dict[str, tuple[Spec, ...]] = field(default_factory=dict[str, tuple[Spec, ...]])
    """What the words for the step before stand for."""
    known: dict[tuple[str, str], tuple[Spec, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[Spec, ...]]
    )

    def read(self, text: str, symbol: str) -> tuple[Spec, ...]:
        """All trees of this kind that the text says."""
        key = (text, symbol)
        if key not in self.known:
            self.known[key] = ()  # a phrase is never inside itself
            self.known[key] = tuple(dict.fromkeys(self._read(text, symbol)))[:MOST_MEANINGS]
        return self.known[key]

    def _read(self, text: str, symbol: str) -> Iterator[Spec]:
        kind = symbol.partition(":")[0]
        if kind[-1] not in "?>":
            for index, given in enumerate(self.kinds):
                arg = Arg(index, given)
                if (kind == "*" or fits(given, kind)) and text in self.names.leaves(arg):
                    yield arg
            for spec in self.back.get(text, ()):
                if kind == "*" or fits(kind_of(spec), kind):
                    yield spec
        by_word, open_ended = _starts(symbol)
        for one in (*by_word.get(text.partition(" ")[0], ()), *open_ended):
            if not text.endswith(one.tail) or not all(part in text for part in one.inside):
                continue
            for filling in self._match(one.parts, text, one.op, {}):
                yield Call(one.op.name, tuple(filling[at] for at in range(len(one.op.slots))))

    def _match(
        self, parts: tuple[str | Hole, ...], text: str, op: Op, so_far: dict[int, Spec]
    ) -> Iterator[dict[int, Spec]]:
        if not parts:
            if not text and len(so_far) == len(op.slots):
                yield so_far
            return
        first, rest = parts[0], parts[1:]
        if isinstance(first, str):
            if text.startswith(first):
                yield from self._match(rest, text[len(first) :], op, so_far)
            return
        if not rest:
            ends = [len(text)]
        else:
            mark = rest[0]
            assert isinstance(mark, str), f"{op.name}: two holes without a word between them"
            last = rest[-1]
            if isinstance(last, str) and not text.endswith(last):
                return
            ends = list(_places(text, mark))
        assert isinstance(first.of, int)
        for end in ends:
            for spec in self._hole(text[:end], op.slots[first.of], first):
                if so_far.get(first.of, spec) == spec:
                    yield from self._match(rest, text[end:], op, {**so_far, first.of: spec})

    def _hole(self, text: str, slot: Slot, hole: Hole) -> Iterator[Spec]:
        if not text:
            return
        if slot.kind[-1] in "?>":
            form = hole.form if slot.kind[-1] == "?" else "key"
            yield from self.read(text, f"{slot.kind}:{form}")
        elif not slot.is_param:
            yield from self.read(text, slot.kind)
        else:
            yield from self._param(text, slot, hole)

    def _param(self, text: str, slot: Slot, hole: Hole) -> Iterator[Spec]:
        for index, given in enumerate(self.kinds):
            word = self.names.words[index] + ("th" if hole.form == "th" else "")
            if slot.may_be_arg and fits(given, slot.kind) and text == word:
                yield Arg(index, given)
        if slot.kind in ("char", "text"):
            if text in slot.choices:
                yield Const(text, slot.kind)
            return
        digits = text[:-2] if hole.form == "th" else text
        if _NUMBER.match(digits):
            number = int(digits)
            if hole.form != "th" or ordinal(number) == text:
                yield Const(number, slot.kind)


def _places(text: str, mark: str) -> Iterator[int]:
    at = text.find(mark, 1)
    while at >= 0:
        yield at
        at = text.find(mark, at + 1)


def meanings(text: str, kind: str, reader: Reader) -> tuple[Spec, ...]:
    """All trees that a noun phrase or a clause can be read as."""
    return reader.read(text, kind)


def meanings_of_steps(texts: Sequence[str], kind: str, reader: Reader) -> tuple[Spec, ...]:
    """All trees that a chain of steps can be read as; the last one gives `kind`."""
    found: tuple[Spec, ...] = ()
    for number, text in enumerate(texts):
        found = reader.read(text, kind if number == len(texts) - 1 else "*")
        reader.back = {}
        for spec in found:
            for word in KINDS[kind_of(spec)].again:
                reader.back[word] = (*reader.back.get(word, ()), spec)
        reader.known.clear()
    return found
