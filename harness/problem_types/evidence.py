"""Which facts of a program speak for which problem type.

Decisive evidence names the type (`itertools.permutations`); supporting evidence goes with it
(`sorted` may be the task or a detail) and counts only beside a word of the prompt.

Not here: the facts themselves (syntax.py), the words (keywords.py), who wins (choice.py).
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from harness.problem_types.syntax import (
    LOOPS,
    Function,
    Program,
    appended_and_popped,
    grows_from_itself,
    recursive_functions,
    remembers,
    rolling_recurrence,
    table_recurrence,
)
from harness.problem_types.taxonomy import Evidence


class Seen(NamedTuple):
    """A program, its entry point and the shapes of its parameters."""

    program: Program
    entry: Function | None
    shapes: Sequence[str]

    def takes(self, kind: str) -> bool:
        """A parameter is, or holds, such a value."""
        return any(
            kind in shape.replace("]", "[").replace(",", "[").split("[") for shape in self.shapes
        )

    def takes_only_numbers(self) -> bool:
        return bool(self.shapes) and all(
            shape in ("int", "float", "bool", "complex") for shape in self.shapes
        )


Found = Iterator[tuple[str, bool]]
"""What was seen, and whether it is decisive."""

_ARRAYS = ("numpy", "pandas", "scipy", "sklearn", "matplotlib", "seaborn", "tensorflow", "torch")


def shown(seen: Seen) -> Iterator[Evidence]:
    """All evidence that the program gives for types, in the order of priority."""
    for type_, rule in _RULES.items():
        told: set[str] = set()
        for what, decisive in rule(seen):
            if what not in told:
                told.add(what)
                yield Evidence(axis="type", tag=type_, what=what, decisive=decisive)


def _used(seen: Seen, decisive: bool, *prefixes: str) -> Found:
    """The first few uses of these functions and modules."""
    for name in seen.program.called(*prefixes)[:3]:
        yield name, decisive


def _methods(seen: Seen, *names: str) -> Found:
    for name in names:
        if seen.program.methods[name]:
            yield f".{name}()", False


def _regex(seen: Seen) -> Found:
    yield from _used(seen, True, "re", "regex")


def _date_time(seen: Seen) -> Found:
    yield from _used(seen, True, "datetime", "calendar", "dateutil", "pytz", "zoneinfo")
    clock = ("strftime", "strptime", "localtime", "gmtime", "mktime")
    yield from _used(seen, True, *(f"time.{name}" for name in clock))
    yield from _used(seen, True, "pandas.to_datetime", "pandas.date_range")


def _bits_bases(seen: Seen) -> Found:
    yield from _used(seen, True, "bin", "oct", "hex", "operator.xor")
    yield from ((name, True) for name, _ in _methods(seen, "bit_length", "bit_count"))
    # Of sets and of masks, `&` and `|` are no bit operations; `/` and `>>` of paths aside.
    is_masks = bool(seen.program.called("set", "frozenset", "collections.Counter", *_ARRAYS))
    for node in seen.program.walk():
        match node:
            case (
                ast.BinOp(op=ast.LShift() | ast.RShift() as op)
                | ast.AugAssign(op=ast.LShift() | ast.RShift() as op)
            ):
                yield f"operator {_symbol(op)}", True
            case (
                ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor() as op)
                | ast.AugAssign(op=ast.BitAnd() | ast.BitOr() | ast.BitXor() as op)
            ) if not is_masks:
                yield f"operator {_symbol(op)}", isinstance(op, ast.BitXor)
            case ast.Call(args=[_, ast.Constant(value=2 | 8 | 16 as base)]) if (
                seen.program.full_name(node.func) == "int"
            ):
                yield f"int(…, {base})", True
            case _:
                pass


def _symbol(op: ast.operator) -> str:
    return {"LShift": "<<", "RShift": ">>", "BitAnd": "&", "BitOr": "|", "BitXor": "^"}[
        type(op).__name__
    ]


def _matrix_grid(seen: Seen) -> Found:
    yield from _used(seen, True, "numpy.linalg", "numpy.matmul", "numpy.dot", "numpy.transpose")
    if any(shape.startswith("list[list") for shape in seen.shapes):
        yield "an argument is a list of lists", False
    for node in seen.program.walk():
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
            yield "nested subscripts", False


def _dp(seen: Seen) -> Found:
    if table_recurrence(seen.program):
        yield "a table filled from its own cells", True
    if rolling_recurrence(seen.program):
        yield "a rolling recurrence", True
    if grows_from_itself(seen.program):
        yield "a list that grows from its own cells", True
    if recursive := recursive_functions(seen.program):
        yield from _used(seen, True, "functools.lru_cache", "functools.cache")
        if any(remembers(function) for function in recursive):
            yield "self-call with a memo", True


def _stack_queue(seen: Seen) -> Found:
    yield from _used(seen, True, "collections.deque", "heapq", "queue")
    if appended_and_popped(seen.program):
        yield "append and pop on one list", True


def _combinatorics(seen: Seen) -> Found:
    counted = ("combinations", "permutations", "product", "combinations_with_replacement")
    yield from _used(seen, True, *(f"itertools.{name}" for name in counted))
    yield from _used(seen, True, "math.comb", "math.perm")
    yield from _used(seen, False, "math.factorial")
    for node in seen.program.walk():
        match node:
            case ast.Call(args=[ast.BinOp(op=ast.Add()), _]) if (
                seen.program.full_name(node.func) == "range"
            ):
                yield "a loop over pairs, range(i + 1, n)", False
            case _:
                pass


def _recursion(seen: Seen) -> Found:
    if recursive_functions(seen.program):
        yield "self-call", True


def _number_theory(seen: Seen) -> Found:
    yield from _used(seen, True, "math.gcd", "math.lcm", "fractions.gcd", "sympy")
    for node in seen.program.walk():
        match node:
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
                pass  # formatting
            case ast.BinOp(op=ast.Mod(), right=ast.Name()):
                yield "% by a variable", False
            case ast.BinOp(op=ast.Mod(), right=ast.Constant(value=10)):
                yield "% 10", False
            case ast.BinOp(op=ast.Mod(), right=ast.Constant(value=int(number))) if (
                # Of elements, parity is a filter like any other.
                number != 2 or seen.takes_only_numbers()
            ):
                yield f"% {number}", False
            case ast.Call(args=[_]) if seen.program.full_name(node.func) == "str" and (
                seen.takes("int") and not seen.takes("str")
            ):
                yield "digits by str()", False
            case ast.Call(args=[_, _, _]) if seen.program.full_name(node.func) == "pow":
                yield "pow(a, b, modulus)", True
            case _:
                pass


def _math_geometry(seen: Seen) -> Found:
    names = "sqrt pi sin cos tan asin acos atan atan2 hypot dist degrees radians log log10 log2 exp"
    yield from _used(seen, True, *(f"math.{name}" for name in names.split()))
    yield from _used(seen, True, "cmath", "statistics", "scipy.stats")
    yield from _used(seen, False, "round", "math.floor", "math.ceil", "math.pow", "pow", "abs")
    yield from _used(seen, False, "numpy.mean", "numpy.std", "numpy.median", "numpy.var")
    for node in seen.program.walk():
        match node:
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=0.5)):
                yield "** 0.5", True
            case ast.BinOp(op=ast.Mult(), left=ast.Constant(value=float(number))) if (
                3.14 <= number < 3.142
            ):
                yield "times pi", True
            case _:
                pass


def _dict_count(seen: Seen) -> Found:
    if seen.takes("dict"):
        yield "an argument is a dict", True
    yield from _used(seen, True, "collections.Counter")
    yield from _used(seen, False, "collections.defaultdict", "collections.OrderedDict", "dict")
    yield from _methods(seen, "items", "keys", "values", "setdefault", "value_counts")
    yield from _methods(seen, "count")
    for node in seen.program.walk():
        if isinstance(node, ast.Dict | ast.DictComp):
            yield "a dict", False


def _set_unique(seen: Seen) -> Found:
    if seen.takes("set"):
        yield "an argument is a set", True
    yield from _used(seen, False, "set", "frozenset", "numpy.unique")
    yield from _methods(seen, "intersection", "union", "symmetric_difference", "issubset")
    yield from _methods(seen, "drop_duplicates", "unique")
    for node in seen.program.walk():
        match node:
            case ast.Set() | ast.SetComp():
                yield "a set", False
            case ast.Compare(ops=[ast.NotIn()]):
                yield "not in", False
            case _:
                pass


def _sort_order(seen: Seen) -> Found:
    yield from _used(seen, False, "sorted", "bisect", "numpy.sort", "numpy.argsort")
    yield from _methods(seen, "sort", "sort_values", "sort_index")
    for node in seen.program.walk():
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)]) if all(
                isinstance(target, ast.Subscript) for target in targets
            ):
                yield "two cells swapped", False
            case _:
                pass


def _tuple(seen: Seen) -> Found:
    if seen.takes("tuple"):
        yield "an argument holds tuples", False
    yield from _used(seen, False, "tuple", "zip")
    for node in seen.program.walk():
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            yield "a tuple is returned", False


def _string(seen: Seen) -> Found:
    if seen.takes("str"):
        yield "an argument holds text", False
    yield from _used(seen, False, "ord", "chr", "string")
    names = (
        "split join lower upper isalpha isdigit isupper islower replace strip startswith endswith"
    )
    yield from _methods(seen, *names.split(), "find", "swapcase", "capitalize", "title", "format")


def _list_array(seen: Seen) -> Found:
    if seen.takes("list"):
        yield "an argument is a list", False
    for node in seen.program.walk():
        if isinstance(node, ast.ListComp | ast.List):
            yield "a list is built", False
        elif isinstance(node, LOOPS) and not seen.takes_only_numbers():
            yield "a loop", False


def _arith_expr(seen: Seen) -> Found:
    if seen.takes_only_numbers():
        yield "all arguments are numbers", False
    for node in seen.program.walk():
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv()):
                yield "arithmetic", False
            case _:
                pass


_RULES: dict[str, Callable[[Seen], Found]] = {
    "regex": _regex,
    "date_time": _date_time,
    "bits_bases": _bits_bases,
    "matrix_grid": _matrix_grid,
    "dp": _dp,
    "stack_queue": _stack_queue,
    "combinatorics": _combinatorics,
    "recursion": _recursion,
    "number_theory": _number_theory,
    "math_geometry": _math_geometry,
    "dict_count": _dict_count,
    "set_unique": _set_unique,
    "sort_order": _sort_order,
    "tuple": _tuple,
    "string": _string,
    "list_array": _list_array,
    "arith_expr": _arith_expr,
}
