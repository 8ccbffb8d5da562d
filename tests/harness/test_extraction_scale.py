"""Many blocks that need one another: the same program as by the plain way, in time linear in them."""

import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from harness import extraction
from harness.extraction import extract_code


def plainly(blocks: "Sequence[extraction._Block]", main: int) -> str:
    """`_with_helpers` as it reads: all that is bound, looked up anew for each block."""
    chosen = {main}
    to_do = [main]
    while to_do:
        names = blocks[to_do.pop()].names
        bound = {name for i in chosen if (inside := blocks[i].names) for name in inside.bound}
        for name in sorted(names.needed - bound if names else ()):
            binds = [i for i, b in enumerate(blocks) if b.names and name in b.names.bound]
            before = [i for i in binds if i < main]
            provider = before[-1] if before else (binds[0] if binds else None)
            if provider is not None and provider not in chosen:
                chosen.add(provider)
                to_do.append(provider)
    return extraction._joined([blocks[index].code for index in sorted(chosen)])


NAMES = st.sampled_from("abcdef")
LINES = st.one_of(
    st.builds(lambda a, b: f"def {a}():\n    return {b}()\n", NAMES, NAMES),
    st.builds(lambda a, b: f"{a} = {b}\n", NAMES, NAMES),
    st.builds(lambda a, b: f"{a}, {b} = 1, 2\n", NAMES, NAMES),
    st.builds(lambda a: f"import {a}\n", NAMES),
    st.builds(lambda a: f"print({a})\n", NAMES),
    st.sampled_from(["from __future__ import annotations\n", "if x:\n", "words and words\n", ""]),
)
CODES = st.lists(st.lists(LINES, max_size=4).map("".join), min_size=1, max_size=8)


@given(CODES, st.data())
def test_the_same_blocks_are_taken(codes: list[str], data: st.DataObject):
    blocks = [extraction._Block("python", code) for code in codes]
    main = data.draw(st.integers(0, len(blocks) - 1))
    assert extraction._with_helpers(blocks, main) == plainly(blocks, main)


@given(CODES, st.sampled_from(["```", "~~~", "````"]), st.sampled_from(["python", "", "text"]))
def test_whole_replies_give_the_same(codes: list[str], fence: str, language: str):
    reply = "\n".join(f"Words.\n{fence}{language}\n{code}{fence}" for code in codes)
    new = extract_code(reply, "a")
    old_way, extraction._with_helpers = extraction._with_helpers, plainly
    try:
        assert extract_code(reply, "a") == new
    finally:
        extraction._with_helpers = old_way


def chain(length: int) -> str:
    """Each block needs the one before it."""
    first = "```python\ndef f0():\n    return 0\n```\n"
    rest = (f"```python\ndef f{n}():\n    return f{n - 1}() + 1\n```\n" for n in range(1, length))
    return first + "".join(rest)


def test_a_chain_of_blocks_is_followed_to_its_end_in_linear_time():
    scope: dict[str, object] = {}
    exec(extract_code(chain(3000), "f2999"), scope)
    assert {"f0", "f1500", "f2999"} <= scope.keys()
    # By the plain way twice the blocks take four times as long; a busy machine is no excuse.
    costs = []
    for length in (1500, 6000):
        started = time.process_time()
        extract_code(chain(length), f"f{length - 1}")
        costs.append(time.process_time() - started)
    assert costs[1] < 9 * costs[0]
