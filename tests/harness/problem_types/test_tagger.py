"""What the tagger says of small programs, and that it is deaf to names."""

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.problem_types import TYPES, Evidence, Tags, tag_program
from harness.problem_types.tagger import choose
from tests.harness.problem_types.renaming import new_names, renamed


def tags(solution: str, prompt: str = "", tests: tuple[tuple[object, ...], ...] = ()) -> Tags:
    return tag_program(prompt=prompt, entry_point="f", solution=dedent(solution), tests=tests)


def seen(found: Tags, type_: str) -> list[str]:
    return [one.what for one in found.evidence if one.axis == "type" and one.tag == type_]


PROGRAMS = {
    "regex": "import re as r\ndef f(s):\n    return r.sub('a', 'b', s)",
    "date_time": "from datetime import date\ndef f(y):\n    return date(y, 1, 1).weekday()",
    "bits_bases": "def f(n):\n    return n >> 1",
    "matrix_grid": "import numpy as np\ndef f(a, b):\n    return np.dot(a, b)",
    "dp": """
        def f(n):
            best = [0] * (n + 1)
            for i in range(1, n + 1):
                best[i] = max(best[i - 1], i)
            return best[n]
    """,
    "stack_queue": """
        def f(xs):
            kept = []
            for x in xs:
                if kept and kept[-1] > x:
                    kept.pop()
                kept.append(x)
            return kept
    """,
    "combinatorics": "from itertools import permutations\ndef f(x):\n    return permutations(x)",
    "recursion": "def f(x):\n    return [f(part) for part in x] if x else x",
    "number_theory": "import math\ndef f(a, b):\n    return math.gcd(a, b)",
    "math_geometry": "from math import sqrt\ndef f(a, b):\n    return sqrt(a * a + b * b)",
    "dict_count": "from collections import Counter\ndef f(x):\n    return Counter(x)",
    "other": "def f(x):\n    return x",
}


@pytest.mark.parametrize("type_", PROGRAMS)
def test_a_decisive_fact_is_enough(type_: str):
    assert tags(PROGRAMS[type_]).type == type_


@pytest.mark.parametrize(
    ("type_", "solution", "prompt", "tests"),
    [
        ("set_unique", "def f(x):\n    return len(set(x))", "how many distinct ones", ()),
        ("sort_order", "def f(x):\n    return sorted(x)[0]", "the smallest one", ()),
        ("string", "def f(x):\n    return x.upper()", "Change the word.", ()),
        ("list_array", "def f(x):\n    return x[::2]", "Every second element.", (([1, 2],),)),
        ("arith_expr", "def f(a, b):\n    return a + b", "The sum.", ((1, 2),)),
        ("tuple", "def f(x):\n    return x[1]", "The tuple's second.", (((1, 2),),)),
        ("number_theory", "def f(n):\n    return str(n)[0]", "The first digit.", ((12,),)),
    ],
)
def test_a_supporting_fact_and_a_word_go_together(
    type_: str, solution: str, prompt: str, tests: tuple[tuple[object, ...], ...]
):
    assert tags(solution, prompt, tests).type == type_


def test_a_fact_without_its_word_is_weaker_than_both():
    solution = "def f(xs):\n    return [x for x in xs if x not in sorted(xs)[:2]]"
    assert tags(solution, "What is left of the list.", (([1, 2, 3],),)).type == "list_array"
    assert tags(solution, "All but the two smallest.", (([1, 2, 3],),)).type == "sort_order"


def test_of_two_that_are_shown_the_earlier_wins():
    solution = (
        "import re\nfrom math import sqrt\ndef f(s):\n    return sqrt(int(re.sub('a', '', s)))"
    )
    found = tags(solution)
    assert found.type == "regex"
    assert seen(found, "math_geometry") == ["math.sqrt"]  # and what lost is kept


evidence = st.builds(
    Evidence,
    axis=st.just("type"),
    tag=st.sampled_from(TYPES[:-1]),
    what=st.just("x"),
    decisive=st.booleans(),
)


@given(st.lists(evidence), st.lists(evidence))
def test_the_choice_is_of_the_strongest_tier_and_the_earliest_in_it(
    by_program: list[Evidence], by_prompt: list[Evidence]
):
    chosen = choose(by_program, by_prompt)
    everything = by_program + by_prompt
    decided = {one.tag for one in everything if one.decisive}
    both = {one.tag for one in by_program} & {one.tag for one in by_prompt}
    if not everything:
        assert chosen == "other"
        return
    tiers = (decided | both, {one.tag for one in by_program}, {one.tag for one in by_prompt})
    strongest = next(tier for tier in tiers if tier)
    assert chosen == min(strongest, key=TYPES.index)
    assert chosen == choose(by_program[::-1], by_prompt[::-1])


def test_words_in_examples_code_and_names_are_not_heard():
    prompt = '''
        def f(matrix):
            """Return the input.

            >>> f([["prime", "date"]])
            [["prime", "date"]]

            f("heap") == "heap"
            f("permutations") ➞ "permutations"
            sort(x) is a function; all tuple(s) are here
            """
    '''
    found = tags("def f(matrix):\n    return matrix", dedent(prompt))
    assert found.type == "tuple"  # said in a sentence; nothing else is heard
    assert {one.tag for one in found.evidence if one.axis == "type"} == {"tuple"}


def test_both_forms_of_a_library_prompt_are_read_alike():
    solution = 'def f(x):\n    """Sort the rows."""\n    return x'
    code = tags(
        solution, 'def f(x):\n    """Sort the rows.\n\n    Requirements:\n    - heapq\n    """'
    )
    text = tags(solution, "Sort the rows.\nYou should write self-contained code starting with:\n"
                "```\nimport heapq\ndef f(x):\n```")  # fmt: skip
    assert code.type == text.type == "sort_order"
    assert seen(code, "stack_queue") == seen(text, "stack_queue") == []


def test_recursion_is_known_through_others_and_as_a_value():
    assert (
        tags("def g(n):\n    return f(n)\ndef f(n):\n    return n and g(n - 1)").type == "recursion"
    )
    assert tags("def f(x):\n    return list(map(f, x)) if x else x").type == "recursion"
    # A variable of the function's own name is no call of it.
    assert tags("def f(x):\n    f = x\n    return f").type == "other"


def test_recurrences():
    rolling = "def f(n):\n    a, b = 0, 1\n    for _ in range(n):\n        {}\n    return a"
    assert tags(rolling.format("a, b = b, a + b")).type == "dp"
    assert tags(rolling.format("c = a + b\n        a = b\n        b = c")).type == "dp"
    euclid = rolling.format("a, b = b, a % b")
    assert "dp" not in {one.tag for one in tags(euclid).evidence}
    memo = "m = {}\ndef f(n):\n    if n not in m:\n        m[n] = f(n - 1)\n    return m[n]"
    assert tags(memo).type == "dp"
    swaps = "def f(x):\n    for i in range(1, 9):\n        x[i], x[i - 1] = x[i - 1], x[i]"
    assert "dp" not in {one.tag for one in tags(swaps).evidence}


def test_set_and_mask_operators_are_no_bits():
    assert tags("def f(a, b):\n    return a ^ b").type == "bits_bases"
    assert tags("def f(a, b):\n    return set(a) ^ set(b)").type == "set_unique"
    masks = "import numpy as np\ndef f(a):\n    return a[(a > 1) & (a < 5)] + np.zeros(1)"
    assert "bits_bases" not in {one.tag for one in tags(masks).evidence}


@pytest.mark.parametrize(
    ("head", "prompt", "tests", "io"),
    [
        ("(a: int, b: 'list[str]') -> bool", "", (), "(int, list[str]) -> bool"),
        ("(a: Optional[List[int]]) -> Dict[str, int]", "", (), "(list[int]) -> dict[str, int]"),
        ("(a, b)", "", (([1, 2], "x"), ([0.5], "y")), "(list[float], str) -> ?"),
        ("(a)", '"""\nassert f((1, 2)) == {"a": 1}\n"""', (), "(tuple[int]) -> dict[str, int]"),
        ("(a: list)", "", (([[1]],),), "(list[list[int]]) -> ?"),
        ("(a=[1], b=None)", "", (), "(list[int], ?) -> ?"),
        ("(a: Node)", "", (), "(?) -> ?"),
        ("(a: Node)", "", ((1,),), "(int) -> ?"),
    ],
)
def test_io(head: str, prompt: str, tests: tuple[tuple[object, ...], ...], io: str):
    solution = "from typing import Dict, List, Optional\n" + f"def f{head}:\n    return a + a"
    assert tags(solution, prompt, tests).io == io


def test_difficulty_and_constructs():
    found = tags(
        '''
        def f(xs, k, *, strict=True):
            """Not counted."""
            for x in xs:
                if x > k and strict:
                    yield [y for y in x if y]
        ''',
        "Write a function that finds what is left over.",
    )
    counted = found.difficulty.model_dump()
    assert counted.pop("ast_size") > 20
    assert counted == {
        "loop_depth": 2,
        "cyclomatic": 1 + 1 + 1 + 1 + 2,  # for, if, and, a comprehension and its condition
        "num_params": 3,
        "num_conditions": 2,
        "num_prompt_words": 9,
    }
    assert found.constructs == (
        "and_or", "for", "if", "list_comprehension", "nested_loops", "yield",
    )  # fmt: skip
    where = {one.tag: one.what for one in found.evidence if one.axis == "construct"}
    assert where["yield"] == "line 6"


def test_domains_are_those_of_the_imports():
    found = tags("import numpy as np, hashlib\nfrom os import path\ndef f():\n    pass")
    assert found.domains == ("Computation", "Cryptography", "System")
    assert [one.what for one in found.evidence if one.axis == "domain"] == [
        "import hashlib", "import numpy", "import os",
    ]  # fmt: skip


def test_without_a_solution_the_prompt_decides():
    found = tags("", "Read numbers from standard input and print the primes among them.")
    assert found.type == "number_theory" and found.io == "() -> ?"
    assert tags("", "Do it.").type == "other"


@pytest.mark.parametrize("text", ["def f(:", "x = '\0'", "(" * 5000])
def test_what_is_not_python_is_said(text: str):
    with pytest.raises(ValueError, match="not Python"):
        tags(text)


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6)


@settings(max_examples=60)
@given(st.sampled_from(sorted(PROGRAMS)), st.lists(LETTERS, min_size=12, unique=True))
def test_names_do_not_matter(type_: str, words: list[str]):
    solution = dedent(PROGRAMS[type_])
    new = new_names(solution, name=lambda place: f"{words[place % 12]}_{place}")
    again = tag_program(prompt="", entry_point=new["f"], solution=renamed(solution, new))
    assert again == tags(renamed(solution, {}))
