"""Finding the program in a reply: what people's models write, and what must survive of it."""

import random
import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.extraction import (
    defines,
    evalplus_code,
    extract_code,
    looks_like_reply,
    split_thinking,
)

DEF = "def f(x):\n    return x + 1\n"


def fenced(code: str, tag: str = "python", fence: str = "```") -> str:
    return f"{fence}{tag}\n{code}{fence}\n"


def run(code: str, argument: object = 1) -> object:
    scope: dict = {}
    exec(compile(code, "<code>", "exec"), scope)
    return scope["f"](argument)


# Thinking.


@pytest.mark.parametrize(
    ("reply", "thinking", "answer"),
    [
        ("just code", None, "just code"),
        ("<think>a draft</think>answer", "a draft", "answer"),
        ("so: <think>a</think>one <think>b</think>two", "a\nb", "so: one two"),
        ("<think>never\nclosed", "never\nclosed", ""),
        ("answer <think>and again", "and again", "answer "),
        ("opened by the prompt</think>answer", "opened by the prompt", "answer"),
        ("x</think>y<think>z</think>w", "x\nz", "yw"),
        ("<think></think>answer", "", "answer"),
    ],
)
def test_thinking_is_split_off(reply: str, thinking: str | None, answer: str) -> None:
    assert split_thinking(reply) == (thinking, answer)


def test_other_marks_can_be_named() -> None:
    reply = "[[a]]b<think>c"
    assert split_thinking(reply, ("[[", "]]")) == ("a", "b<think>c")


@given(st.text(alphabet="ab\n"), st.text(alphabet="ab\n"))
def test_nothing_but_marks_is_lost(thought: str, answer: str) -> None:
    assert split_thinking(f"<think>{thought}</think>{answer}") == (thought, answer)


# Fences.


@pytest.mark.parametrize("tag", ["python", "Python", "py", "python3", "", "{.python}", 'python title="a.py"'])  # fmt: skip
@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_fenced_block_is_taken(tag: str, fence: str) -> None:
    reply = f"Sure, here it is:\n\n{fenced(DEF, tag, fence)}\nIt adds one."
    assert extract_code(reply, "f") == DEF


def test_an_unclosed_fence_runs_to_the_end() -> None:
    assert extract_code(f"Here:\n```python\n{DEF}", "f") == DEF


def test_a_reply_that_goes_on_from_a_fence_in_the_prompt() -> None:
    reply = f"{DEF}```\n\nThis returns f of x.\n\n```python\nf(1)\n```\n"
    assert run(extract_code(reply, "f")) == 2


def test_a_fence_inside_a_list_is_dedented() -> None:
    reply = "1. Add one:\n\n" + textwrap.indent(fenced(DEF), "   ") + "\n2. Done"
    assert extract_code(reply, "f") == DEF


def test_a_block_that_is_indented_inside_its_fence_is_dedented() -> None:
    assert extract_code(fenced(textwrap.indent(DEF, "    ")), "f") == DEF


def test_windows_line_ends_are_no_matter() -> None:
    assert run(extract_code(f"Here:\n{fenced(DEF)}done".replace("\n", "\r\n"), "f")) == 2


def test_shorter_fences_inside_a_longer_one_are_text() -> None:
    code = 'def f(x):\n    """\n    ```\n    f(1)\n    ```\n    """\n    return x + 1\n'
    assert extract_code(fenced(code, fence="````"), "f") == code


def test_blocks_of_other_languages_are_no_code() -> None:
    reply = fenced("pip install f\n", "bash") + fenced(DEF) + fenced('{"f": 1}\n', "json")
    assert extract_code(reply, "f") == DEF
    output = fenced(DEF) + fenced("f = 2\n", "text")
    assert extract_code(output, "f") == DEF
    assert extract_code(fenced("ls\n", "bash"), "f") == ""


def test_code_under_a_wrong_tag_is_found_where_there_is_no_better() -> None:
    assert extract_code(fenced(DEF, "text"), "f") == DEF


def test_the_last_definition_counts() -> None:
    draft = "def f(x):\n    return 0\n"
    assert extract_code(fenced(draft) + "No, better:\n" + fenced(DEF), "f") == DEF


def test_a_later_block_that_only_uses_it_does_not() -> None:
    usage = "from solution import f\nassert f(1) == 2\n"
    assert extract_code(fenced(DEF) + "Try it:\n" + fenced(usage), "f") == DEF


def test_a_cut_second_version_leaves_the_first() -> None:
    assert extract_code(fenced(DEF) + "Or:\n```python\ndef f(x):\n    return (x +\n", "f") == DEF


def test_a_reply_that_is_cut_after_the_function_keeps_the_function() -> None:
    for fence in ("", "Here:\n```python\n"):
        assert extract_code(f"{fence}{DEF}\nprint(f(1", "f").strip() == DEF.strip()


def test_a_function_that_is_cut_is_not_trimmed_into_another_one() -> None:
    cut = "def f(x):\n    if x < 0:\n        return 0\n    return (x +\n"
    assert extract_code(f"```python\n{cut}", "f") == cut


# Several blocks.


def test_helpers_in_other_blocks_come_along() -> None:
    helper = "import math\n\ndef helper(x):\n    return math.floor(x) + STEP\n"
    step = "STEP = 1\n"
    unused = "def other():\n    raise SystemExit\n"
    main = "def f(x):\n    return helper(x)\n"
    reply = fenced(step) + fenced(unused) + fenced(helper) + fenced(main)
    code = extract_code(reply, "f")
    assert run(code, 1.5) == 2
    assert "other" not in code
    later = fenced(main) + "where\n" + fenced(helper) + fenced(step)
    assert run(extract_code(later, "f"), 1.5) == 2


def test_the_nearest_helper_before_counts() -> None:
    old, new = (f"def helper(x):\n    return x + {step}\n" for step in (5, 1))
    main = "def f(x):\n    return helper(x)\n"
    assert run(extract_code(fenced(old) + fenced(new) + fenced(main), "f")) == 2


def test_a_local_name_is_no_use_of_a_global() -> None:
    """An example that runs before the definition would fail: it must not come along."""
    usage = "result = f(1)\nprint(result)\n"
    main = "def f(x):\n    result = x\n    return result + 1\n"
    code = extract_code(fenced(usage) + fenced(main), "f")
    assert code == main


def test_future_imports_of_a_later_block_stand_first() -> None:
    helper = "def helper(x):\n    return x\n"
    main = "from __future__ import annotations\n\ndef f(x: Any):\n    return helper(x) + 1\n"
    code = extract_code(fenced(helper) + fenced(main), "f")
    assert run(code) == 2
    assert code.count("__future__") == 1


# What EvalPlus's extraction loses.


@pytest.mark.parametrize(
    "code",
    [
        "import functools\n\n@functools.cache\ndef f(x):\n    return x + 1\n",
        "def show(x):\n    print(x)\n\ndef f(x):\n    show(x)\n    return x + 1\n",
        "def up(x):\n    yield x + 1\n\ndef f(x):\n    return next(up(x))\n",
        "A, B = 1, 0\n\ndef f(x):\n    return x + A + B\n",
        "N = 0\nN += 1\n\ndef f(x):\n    return x + N\n",
        "try:\n    import no_such_module as m\nexcept ImportError:\n    m = None\n\ndef f(x):\n    return x + (m is None)\n",
        "import sys\nsys.setrecursionlimit(5000)\n\ndef f(x):\n    return x + 1\n",
        "if True:\n    def f(x):\n        return x + 1\nelse:\n    f = None\n",
        "for step in (1,):\n    pass\n\ndef f(x):\n    return x + step\n",
        "def f(x):\n    return 0\n\ndef f(x):\n    return x + 1\n",
        "class F:\n    def __call__(self, x):\n        return x + 1\n\nf = F()\n",
        "f = lambda x: x + 1\n",
    ],
)
@pytest.mark.parametrize("shape", ["fenced", "bare", "in prose"])
def test_everything_at_the_top_level_stays(code: str, shape: str, capsys) -> None:
    reply = {
        "fenced": f"Sure:\n{fenced(code)}Done.",
        "bare": code,
        "in prose": f"Here is the solution.\n\n{code}\nIt works, doesn't it?",
    }[shape]
    assert run(extract_code(reply, "f")) == 2


# No fences.


def test_a_run_of_lines_in_prose_is_found() -> None:
    prose = "First, we think. Then (and only then) we write it down:"
    code = "import os\n\nX = [\n1,\n]\n\ndef f(x):\n    '''\nNot indented,\n\nand long.\n    '''\n    return x + X[0]\n"
    reply = f"{prose}\n\n{code}\nThat's it: f is linear.\n\nx = 3\n"
    extracted = extract_code(reply, "f")
    assert run(extracted) == 2
    assert "import os" in extracted
    assert "linear" not in extracted
    assert "x = 3" not in extracted


def test_the_longest_run_wins() -> None:
    reply = f"def f(x): ...\n\nBecomes this:\n\n{DEF}\nHm, no."
    assert run(extract_code(reply, "f")) == 2


@pytest.mark.parametrize("words", ["Explanation", "Yes, sure", "Note: this", "return it", "a - b"])
def test_words_that_happen_to_parse_are_no_code(words: str) -> None:
    extracted = extract_code(f"{words}\n\n{DEF}\n{words}\n", "f")
    assert run(extracted) == 2
    assert words not in extracted


def test_markdowns_indented_code_is_found() -> None:
    assert run(extract_code(f"Here:\n\n{textwrap.indent(DEF, '    ')}\nDone.", "f")) == 2


def test_a_block_with_a_remark_at_its_end_is_cut_to_what_parses() -> None:
    assert run(extract_code(fenced(f"{DEF}\nThis adds one.\n"), "f")) == 2


def test_code_after_a_bracket_that_is_never_closed_is_found() -> None:
    prose = "\n".join(f"line {number} of it" for number in range(100))
    assert run(extract_code(f"see [this\n{prose}\n{DEF}\nDone", "f")) == 2


# When there is nothing good.


def test_what_does_not_parse_is_given_back_as_it_is() -> None:
    broken = "def f(x)\n    return x\n"
    assert extract_code(f"Here:\n{fenced(broken)}Done.", "f") == broken
    assert extract_code(broken, "f") == broken


@pytest.mark.parametrize("prose", ["I can't help with that.", "(" * 100_000 + "f"])
def test_prose_is_no_code(prose: str) -> None:
    assert extract_code(prose, "f") == ""


def test_a_function_of_another_name_is_given_back() -> None:
    other = "def g(x):\n    return x\n"
    assert extract_code(fenced("x = 1\n") + fenced(other), "f") == other


@pytest.mark.parametrize("reply", ["", " \n\t\n", "```python\n```\n", "```python"])
def test_nothing_gives_nothing(reply: str) -> None:
    assert extract_code(reply, "f") == ""


def test_a_program_is_given_back_as_it_is() -> None:
    code = f'"""Doc with\n```python\nf(0)\n```\nin it."""\n\n{DEF}\nprint(f(1))\n'
    assert extract_code(code, "f") == code


def test_doubtful_escapes_and_odd_characters_are_no_matter() -> None:
    """Warnings are errors here: this test fails where one comes through."""
    code = 'import re\n\ndef f(x):\n    return bool(re.match("\\d", "1")) + x\n'
    assert extract_code(fenced(code), "f") == code
    for odd in ("\0", "\ud800"):
        assert odd in extract_code(f"def f(x):\n    return '{odd}'\n", "f")


SCRAPS = [*"`~f(): \n'\"\\x=1", "def f(x):\n", "    return x\n", "```", "python\n", "\nelse:"]


@given(st.lists(st.sampled_from(SCRAPS), max_size=60).map("".join))
def test_no_reply_is_an_exception(reply: str) -> None:
    code = extract_code(reply, "f")
    assert isinstance(code, str)
    assert not defines(reply, "f") or defines(code, "f")


@given(st.permutations([DEF, "import os\n", "A, B = 1, 2\n", "for i in ():\n    pass\n"]))
def test_any_program_survives_fences_and_prose(parts: list[str]) -> None:
    code = "".join(parts)
    assert extract_code(f"So:\n{fenced(code)}Yes.", "f") == code
    assert extract_code(f"So we have:\n{code}And that's it.", "f").strip() == code.strip()


# Time.


def prose_lines(num_lines: int) -> str:
    words = 'if you (the reader) don\'t mind, f is "this" for the list [1, 2 and x: so'.split()
    chance = random.Random(0)
    return "\n".join(" ".join(chance.choices(words, k=12)) for _ in range(num_lines))


@pytest.mark.parametrize(
    "reply",
    [
        prose_lines(400),
        f"{prose_lines(200)}\n\n{DEF}\n{prose_lines(200)}",
        f'see """this\n{prose_lines(400)}\n{DEF}\nwell',
        "\n".join(f"f({number}," for number in range(400)),
        "f\n" * 400 + "is it",
        fenced(DEF.replace("f", "g")) * 200,
        f"```\n{prose_lines(400)}",
    ],
    ids=["prose", "code in prose", "open quote", "open brackets", "words", "blocks", "in a fence"],
)
def test_long_replies_take_less_than_half_a_second(reply: str) -> None:
    """EvalPlus parses all ranges of lines: seconds to minutes for these. The least of three."""
    elapsed_s: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        extract_code(reply, "f")
        elapsed_s.append(time.perf_counter() - started)
    assert min(elapsed_s) < 0.5


# Helpers of replay.


def test_replies_look_like_replies() -> None:
    assert looks_like_reply(f"Sure:\n{fenced(DEF)}")
    assert looks_like_reply("<think>hm</think>def f(): ...")
    assert looks_like_reply(DEF + "```\n")
    assert not looks_like_reply(DEF)
    assert not looks_like_reply("x = '```'\n")


def test_importing_a_name_does_not_define_it() -> None:
    assert defines("def f(): ...", "f")
    assert defines("if 1:\n    f = 2", "f")
    assert not defines("from a import f", "f")
    assert not defines("class A:\n    def f(self): ...", "f")
    assert not defines("def f(:", "f")


# Parity mode is the installed package's; ours keeps what it loses (evaluation.md §0.6, §1.3).

PREFIX = "Here:\n```python\n"
LOST = {
    "a decorated entry point": "import functools\n\n@functools.cache\ndef f(x):\n    return x\n",
    "a decorated helper": (
        "def twice(g):\n    return lambda x: g(g(x))\n\n"
        "@twice\ndef up(x):\n    return x + 1\n\ndef f(x):\n    return up(x) - 2\n"
    ),
    "a helper without return": (
        "def fill(xs):\n    xs.append(1)\n\n"
        "def f(x):\n    xs = []\n    fill(xs)\n    return x * xs[0]\n"
    ),
    "a generator": (
        "def walk(x):\n    yield x\n\ndef f(x):\n    for y in walk(x):\n        return y\n"
    ),
    "a tuple assignment": "A, B = 1, 0\n\ndef f(x):\n    return x * A + B\n",
    "an augmented assignment": "A = 0\nA += 1\n\ndef f(x):\n    return x * A\n",
    "try around an import": (
        "try:\n    import math\nexcept ImportError:\n    math = None\n\n"
        "def f(x):\n    return int(math.fabs(x))\n"
    ),
    "a call at the top level": (
        "import sys\nsys.setrecursionlimit(9_999)\n\n"
        "def f(x):\n    assert sys.getrecursionlimit() == 9_999\n    return x\n"
    ),
    "if at the top level": "if True:\n    A = 1\n\ndef f(x):\n    return x * A\n",
    "the later of two definitions": ("def f(x):\n    return x + 1\n\ndef f(x):\n    return x\n"),
}


def works(code: str) -> bool:
    import sys

    before = sys.getrecursionlimit()
    namespace: dict[str, object] = {}
    try:
        exec(code, namespace)
        function = namespace["f"]
        return callable(function) and function(7) == 7
    except (KeyError, NameError, AttributeError, TypeError, AssertionError, SyntaxError):
        return False
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("name", LOST)
def test_what_evalplus_loses_is_kept(name: str):
    reply = f"{PREFIX}{LOST[name]}```\n"
    assert works(extract_code(reply, "f"))
    assert not works(evalplus_code(reply, "f")), "evalplus keeps it by now: no deviation any more"


def test_code_in_two_fences_is_kept():
    reply = (
        "A helper:\n```python\ndef one():\n    return 1\n```\nand then\n"
        "```python\ndef f(x):\n    y = x\n    return y * one()\n```\n"
    )
    assert works(extract_code(reply, "f")) and not works(evalplus_code(reply, "f"))


def test_a_draft_in_the_thinking_is_not_taken():
    draft = "def f(x):\n    return -x\n"
    reply = f"<think>\n{draft}</think>\n```python\ndef f(x):\n    return x\n```\n"
    assert works(extract_code(split_thinking(reply).answer, "f"))
    assert not works(evalplus_code(reply, "f"))


@pytest.mark.parametrize("name", LOST)
def test_parity_mode_is_the_installed_package(name: str):
    from evalplus.sanitize import sanitize

    reply = f"{PREFIX}{LOST[name]}```\n"
    assert evalplus_code(reply, "f") == sanitize(reply, "f")
