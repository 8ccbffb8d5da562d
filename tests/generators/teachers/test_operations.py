"""The tables of operations: every rendering of every operation answers alike."""

import random
import re

import pytest

from generators.teachers.grammar import code, families, values
from generators.teachers.grammar.spec import OPS, TYPES, Arg, Call, Const, Op, Slot, arguments

PROGRAMS = [op for op in OPS.values() if op.result[-1] not in "?>"]
RULES = [op for op in OPS.values() if op.result[-1] in "?>"]


class Alone:
    """An operation on arguments of the program alone, with drawn parameters and rules."""

    def __init__(self, op: Op, seed: int) -> None:
        self.rng = random.Random(seed)
        self.num_args = 0
        self.spec = Call(op.name, tuple(map(self._kid, op.slots)))

    def _kid(self, slot: Slot) -> Arg | Const | Call:
        if slot.kind[-1] in "?>":
            rule = self.rng.choice(
                [
                    rule
                    for rule in RULES
                    if rule.result[-1] == slot.kind[-1]
                    and values.fits(slot.kind[:-1], rule.result[:-1])
                ]
            )
            return Call(rule.name, tuple(map(self._kid, rule.slots)))
        if slot.is_param:
            return Const(self.rng.choice(slot.choices), slot.kind)
        self.num_args += 1
        return Arg(self.num_args - 1, slot.kind)


@pytest.mark.parametrize("type_", TYPES)
def test_all_renderings_of_an_operation_agree_on_every_probe(type_: str) -> None:
    for op in (op for op in PROGRAMS if op.type == type_):
        for seed in range(2):
            spec = Alone(op, seed).spec
            kinds = arguments(spec)
            names = code_names(kinds)
            told: dict[str, list[str]] = {}
            for style in op.code:
                source = code.program(spec, style, name="solve", arguments=names)
                function = code.compiled(source, "solve")
                told[style] = [values.shown(function(*row)) for row in values.probes(kinds)]
            first = next(iter(told.values()))
            assert all(answers == first for answers in told.values()), (op.name, told)


def code_names(kinds: tuple[str, ...]) -> list[str]:
    names: list[str] = []
    for kind in kinds:
        names.append(next(name for name in values.KINDS[kind].names if name not in names))
    return names


def test_there_are_operations_enough() -> None:
    written = {op.name for op in PROGRAMS if not op.name.startswith(("is.", "each."))}
    assert len(written) >= 150
    assert sum(len(families.families(type_)) for type_ in TYPES) >= 45
    for type_ in TYPES:
        named = set(families.families(type_))
        assert named & families.OOD_FAMILIES, type_
        assert named - families.OOD_FAMILIES, type_


def test_what_a_task_may_be_about_is_said_in_several_ways() -> None:
    for op in PROGRAMS:
        if op.is_core and not op.name.startswith("each.") and op.family != "functions":
            assert len(op.says["say"]) >= 2, op.name
    phrases = [len(op.says["say"]) for op in PROGRAMS if op.is_core]
    assert sum(phrases) / len(phrases) > 3.4


def test_no_phrase_of_an_operation_is_that_of_another_of_its_kind() -> None:
    said: dict[tuple[str, str, str], str] = {}
    for op in OPS.values():
        for form, templates in op.says.items():
            for template in templates:
                text = "".join(
                    part if isinstance(part, str) else f"{{{part.of}}}" for part in template.parts
                )
                other = said.setdefault((op.result, form, text), op.name)
                same_slots = [(s.kind, s.is_param) for s in op.slots] == [
                    (s.kind, s.is_param) for s in OPS[other].slots
                ]
                assert other == op.name or not same_slots, (text, other, op.name)


def test_no_argument_has_the_name_of_a_local_variable() -> None:
    taken = {name for kind in values.KINDS.values() for name in kind.names}
    for op in PROGRAMS:
        for template in op.code.values():
            text = "".join(part if isinstance(part, str) else "_" for part in template.parts)
            if text.startswith("def "):
                continue  # a scope of its own
            bound = set(re.findall(r"\bfor (\w+)|^\s*(\w+) [-+*/|^]?= ", text, re.MULTILINE))
            names = {name for pair in bound for name in pair} - {"", "_"}
            assert not names & taken, (op.name, names & taken)


def test_probes_are_fixed() -> None:
    assert values.probes(("ints", "count"))[:3] == (([], 2), ([0], 1), ([5], 3))
    assert len(values.probes(("text",))) == values.NUM_PROBES
    # The same on every machine: signatures of earlier rounds must stay comparable.
    answers = tuple(map(repr, values.probes(("ints", "int", "text", "grid", "nested", "date"))))
    assert values.signature(("ints",), answers) == "3c307326036b21adfdbfb630"
