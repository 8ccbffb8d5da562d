"""The types that programs of the grammar take and give: how they are written, said and sampled.

    KINDS["ints"].annotation            'list[int]'
    probes(("ints", "count"))           32 argument tuples, the same on every machine

A kind is a Python type with a contract: `nat` is an int that is never negative, `clock` a str such
as "09:30". Where an operation wants a kind, any kind below it will do (`fits`).

Not here: operations on values (spec.py reads them from ops/).
"""

import ast
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import cast

from harness.records import Value

NUM_PROBES = 32

_WORDS = (
    "apple pear plum fig level noon stats bird owl cat tiger Radar Kayak sun moon star stone "
    "river sea bee tree eve Anna bob kiwi lemon mint oak pine rose sage zebra yak ox a I Go UP"
).split()


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of values, with its contract."""

    name: str
    annotation: str
    """How a signature writes it."""
    said: str
    """How a prompt introduces an argument of it: `{}` is the argument's name."""
    leaf: tuple[str, ...]
    """How a prompt refers to such an argument."""
    again: tuple[str, ...]
    """How a prompt refers to what the step before gave."""
    names: tuple[str, ...]
    """Names for arguments. None of them is a local variable of any rendering."""
    draw: Callable[[random.Random], Value]
    edges: tuple[Value, ...]
    above: tuple[str, ...] = ()
    """Kinds that these values are of as well."""


def _ints(rng: random.Random) -> list[int]:
    low, high = rng.choice(((-9, 9), (-30, 30), (0, 9), (0, 40), (-5, 60), (1, 6)))
    return [rng.randint(low, high) for _ in range(rng.randint(1, 9))]


def _nats(rng: random.Random) -> list[int]:
    high = rng.choice((3, 9, 20, 60, 200))
    return [rng.randint(0, high) for _ in range(rng.randint(1, 8))]


def _text(rng: random.Random) -> str:
    words = [_token(rng) for _ in range(rng.randint(1, 6))]
    return rng.choice((" ", " ", " ", ", ", "-")).join(words)


def _token(rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.6:
        return rng.choice(_WORDS)
    if roll < 0.75:
        return str(rng.randint(0, 2030))
    if roll < 0.9:
        return rng.choice(_WORDS).capitalize() + rng.choice(("", "!", "?", ".", "s", "7"))
    return "".join(rng.choice("aabbcdeXYZ019_.") for _ in range(rng.randint(1, 6)))


def _strs(rng: random.Random) -> list[str]:
    words = [rng.choice(_WORDS) for _ in range(rng.randint(1, 7))]
    return [word.lower() if rng.random() < 0.5 else word for word in words]


def _dict(rng: random.Random) -> dict[str, int]:
    keys = rng.sample([word.lower() for word in _WORDS[:24]], rng.randint(1, 6))
    return {key: rng.randint(-5, 20) for key in keys}


def _pairs(rng: random.Random) -> list[tuple[int, int]]:
    high = rng.choice((4, 9, 30))
    return [(rng.randint(-high, high), rng.randint(-high, high)) for _ in range(rng.randint(1, 6))]


def _grid(rng: random.Random) -> list[list[int]]:
    rows, columns = rng.randint(1, 4), rng.randint(1, 4)
    low, high = rng.choice(((-9, 9), (0, 5), (0, 20), (1, 3)))
    return [[rng.randint(low, high) for _ in range(columns)] for _ in range(rows)]


def _square(rng: random.Random) -> list[list[int]]:
    size = rng.randint(1, 4)
    low, high = rng.choice(((-9, 9), (0, 5), (0, 20)))
    return [[rng.randint(low, high) for _ in range(size)] for _ in range(size)]


def _nested(rng: random.Random, depth: int = 0) -> Value:
    inner = 0.35 if depth < 3 else 0.0
    return [
        _nested(rng, depth + 1) if rng.random() < inner else rng.randint(-9, 20)
        for _ in range(rng.randint(0 if depth else 1, 4))
    ]


def _brackets(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return "".join(rng.choice("()[]{}ab") for _ in range(rng.randint(1, 9)))
    text = ""
    for _ in range(rng.randint(1, 4)):
        opening, closing = rng.choice(("()", "[]", "{}"))
        text = rng.choice((f"{opening}{text}{closing}", f"{text}{opening}{closing}", f"{text}x"))
    return text


def _letters(rng: random.Random) -> str:
    return "".join(rng.choice("aabbcd") for _ in range(rng.randint(1, 9)))


def _date(rng: random.Random) -> str:
    return (date(1996, 1, 1) + timedelta(days=rng.randint(0, 12_000))).isoformat()


def _clock(rng: random.Random) -> str:
    return f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"


def _kind(
    name: str, annotation: str, said: str, *, leaf: str, again: str, names: str, above: str = ""
) -> Callable[[Callable[[random.Random], Value], Sequence[Value]], Kind]:
    def make(draw: Callable[[random.Random], Value], edges: Sequence[Value]) -> Kind:
        phrases, back = tuple(leaf.split(" | ")), tuple(again.split(" | "))
        return Kind(
            name, annotation, said, phrases, back, tuple(names.split()), draw, tuple(edges),
            tuple(above.split()),
        )  # fmt: skip

    return make


_NESTED: tuple[Value, ...] = ast.literal_eval(
    "([], [1], [[]], [1, [2, [3]]], [[[4]], -5, [6, 7]], [2, 2, [2]])"
)
_NUMBER = "that number | the result"
_NUMBERS = "these numbers | the resulting numbers"
_STRING = "that string | the resulting string"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(
            "int", "int", "an integer {}", leaf="{}", again=_NUMBER, names="a b c q n num"
        )(lambda rng: rng.randint(-60, 60), (0, 1, -1, 2, -7, 10, 59)),
        _kind(
            "nat", "int", "a non-negative integer {}", leaf="{}", again=_NUMBER,
            names="n num number m", above="int",
        )(lambda rng: rng.randint(0, rng.choice((9, 40, 300, 3000))), (0, 1, 2, 9, 10, 64, 255)),
        _kind(
            "medium", "int", "a non-negative integer {}", leaf="{}", again=_NUMBER,
            names="n num number m", above="nat int",
        )(lambda rng: rng.randint(0, rng.choice((9, 40, 120, 300))), (0, 1, 2, 9, 12, 64, 97)),
        _kind(
            "small", "int", "a non-negative integer {}", leaf="{}", again=_NUMBER,
            names="n num limit", above="medium nat int",
        )(lambda rng: rng.randint(0, 24), (0, 1, 2, 3, 5, 8, 12)),
        _kind(
            "count", "int", "a positive integer {}", leaf="{}", again=_NUMBER,
            names="k size step", above="small medium nat int",
        )(lambda rng: rng.randint(1, 5), (1, 2, 3)),
        _kind(
            "float", "float", "a number {}", leaf="{}", again=_NUMBER, names="value rate"
        )(lambda rng: rng.randint(-4000, 8000) / 100, (0.0, 1.5, -2.25, 10.0)),
        _kind("bool", "bool", "a boolean {}", leaf="{}", again="that", names="flag ready done")(
            lambda rng: rng.random() < 0.5, (True, False)
        ),
        _kind(
            "ints", "list[int]", "a list of integers {}",
            leaf="the numbers in {} | the integers in {} | {}", again=_NUMBERS,
            names="nums values xs lst arr",
        )(_ints, ([], [0], [5], [-3], [2, 2, 2], [1, 2, 3, 4], [9, 7, 4, 1], [-1, 6, -8, 6, 0])),
        _kind(
            "nats", "list[int]", "a list of non-negative integers {}",
            leaf="the numbers in {} | the integers in {} | {}", again=_NUMBERS,
            names="nums values xs lst arr", above="ints",
        )(_nats, ([], [0], [7], [1, 1, 1], [0, 1, 2, 3], [10, 5, 21], [12, 12, 8, 100])),
        _kind(
            "text", "str", "a string {}", leaf="{} | the string {}", again=_STRING,
            names="text s phrase",
        )(_text, ("", "a", "Noon", "to be or not to be", "a1b2c33", "Hello, World!", "aab  bcc")),
        _kind(
            "letters", "str", "a string of lowercase letters {}", leaf="{} | the string {}",
            again=_STRING, names="s text chars", above="text",
        )(_letters, ("", "a", "aa", "ab", "abba", "aabccba", "bbbb")),
        _kind(
            "brackets", "str", "a string {}", leaf="{} | the string {}", again=_STRING,
            names="s text expression", above="text",
        )(_brackets, ("", "()", ")(", "([])", "([)]", "(((", "a(b)c", "{[x]}")),
        _kind(
            "bits", "str", "a string of zeros and ones {}", leaf="{} | the string {}",
            again=_STRING, names="bits s binary", above="text",
        )(
            lambda rng: "".join(rng.choice("01") for _ in range(rng.randint(1, 9))),
            ("0", "1", "10", "0110", "1111", "100000"),
        ),
        _kind(
            "strs", "list[str]", "a list of strings {}", leaf="the strings in {} | {}",
            again="these strings | the resulting strings", names="words labels tags lst",
        )(_strs, ([], [""], ["a"], ["bob", "Bob"], ["fig", "fig", "kiwi"], ["noon", "ox", "a"])),
        _kind(
            "counts", "dict[str, int]", "a dictionary {} from strings to integers",
            leaf="{} | the dictionary {}", again="that dictionary | the resulting dictionary",
            names="scores stock prices",
        )(_dict, ({}, {"a": 1}, {"a": 0, "b": 0}, {"x": 3, "y": -2, "z": 3})),
        _kind(
            "tally", "dict[int, int]", "a dictionary {} from integers to integers",
            leaf="{} | the dictionary {}", again="that dictionary | the resulting dictionary",
            names="ages by_number",
        )(lambda rng: {n: rng.randint(1, 4) for n in _ints(rng)}, ({}, {1: 1}, {2: 2, 5: 1})),
        _kind(
            "pair", "tuple[int, int]", "a tuple {} of two integers", leaf="{} | the tuple {}",
            again="that tuple | the resulting tuple", names="span couple bounds",
        )(
            lambda rng: (rng.randint(-20, 40), rng.randint(-20, 40)),
            ((0, 0), (1, 2), (2, 1), (-3, 7), (5, 5)),
        ),
        _kind(
            "pairs", "list[tuple[int, int]]", "a list {} of tuples of two integers",
            leaf="the tuples in {} | {}", again="these tuples | the resulting tuples",
            names="pairs entries couples",
        )(_pairs, ([], [(0, 0)], [(1, 2)], [(2, 1), (2, 1)], [(3, 3), (-1, 4), (5, -5)])),
        _kind(
            "grid", "list[list[int]]", "a matrix {} (a non-empty list of rows of equal length)",
            leaf="{} | the matrix {}", again="that matrix | the resulting matrix",
            names="grid board cells",
        )(_grid, ([[0]], [[5, 1]], [[1], [2]], [[1, 2], [3, 4]], [[1, 0, 1], [0, 0, 2]])),
        _kind(
            "square", "list[list[int]]", "a square matrix {} (a list of rows)",
            leaf="{} | the matrix {}", again="that matrix | the resulting matrix",
            names="grid board cells", above="grid",
        )(_square, ([[0]], [[4]], [[1, 2], [3, 4]], [[1, 0, 1], [0, 0, 2], [7, 1, 1]])),
        _kind(
            "nested", "list", "a list {} whose elements are integers or lists of the same sort",
            leaf="{} | the nested list {}", again="that list | the resulting list",
            names="nested tree lst",
        )(_nested, _NESTED),
        _kind(
            "date", "str", "a date {} written as YYYY-MM-DD", leaf="{} | the date {}",
            again="that date | the resulting date", names="start deadline birthday",
        )(_date, ("2000-02-28", "2024-02-29", "1999-12-31", "2021-03-01", "2023-01-01")),
        _kind(
            "clock", "str", "a time {} written as HH:MM (24 hours)", leaf="{} | the time {}",
            again="that time | the resulting time", names="clock departure arrival",
        )(_clock, ("00:00", "23:59", "12:00", "09:05", "00:59", "11:30")),
        _kind(
            "char", "str", "a lowercase letter {}", leaf="{}", again=_STRING,
            names="letter char",
        )(lambda rng: rng.choice("aeborstn"), ("a", "e", "s")),
    )
}  # fmt: skip


@cache
def fits(given: str, wanted: str) -> bool:
    """Whether a value of kind `given` may stand where `wanted` is asked for.

    >>> fits("nat", "int"), fits("int", "nat"), fits("brackets", "text")
    (True, False, True)
    """
    return given == wanted or (given in KINDS and wanted in KINDS[given].above)


@cache
def probes(kinds: tuple[str, ...]) -> tuple[tuple[Value, ...], ...]:
    """The fixed probe inputs of a type signature: edges first, then drawn ones."""
    rng = random.Random(f"probes of {kinds}")
    rows: list[tuple[Value, ...]] = []
    for number in range(NUM_PROBES):
        edge = number < 10
        rows.append(
            tuple(
                _edge(kind, number, place) if edge else KINDS[kind].draw(rng)
                for place, kind in enumerate(kinds)
            )
        )
    return tuple(rows)


def _edge(kind: str, number: int, place: int) -> Value:
    edges = KINDS[kind].edges
    # A second argument goes through its edges at another pace, so that edges meet.
    return edges[(number * (place + 1) + place) % len(edges)]


def draw(kinds: tuple[str, ...], rng: random.Random) -> tuple[Value, ...]:
    return tuple(KINDS[kind].draw(rng) for kind in kinds)


def shown(answer: Value) -> str:
    """An answer as text that is equal just where answers are: the order of a dictionary is not.

    >>> shown({"b": 1, "a": 2}) == shown({"a": 2, "b": 1}), shown(1) == shown(True)
    (True, False)
    """
    if isinstance(answer, dict):
        return repr(sorted(cast(dict[str, int], answer).items()))
    return repr(answer)


def signature(kinds: tuple[str, ...], answers: tuple[str, ...]) -> str:
    """The hash of what a program means: its argument kinds and its answers on the probes."""
    return hashlib.sha256("\n".join((",".join(kinds), *answers)).encode()).hexdigest()[:24]
