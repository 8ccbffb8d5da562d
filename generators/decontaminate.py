"""Keep training rows clear of EVERY evaluation problem, whatever its split.

    guard = Guard(problems, behaviours, synthetic=signatures)
    match = guard.check(row)            None, or the level, the problem and how alike they are

A row is held against all problems at five levels, the first that matches is named:

    exact      the words of the prompt, constants aside, or the syntax of the solution, names aside,
               are equal
    ngram      a rare run of 13 words of its prompt is a problem's, or a fifth of the runs of 10 are
    ast        the solutions' syntax is at least 0.9 alike, without names and constants
    behav      it answers like a problem's solution on 32 probes of the same argument types
    synthetic  it means the same as a task of a synthetic benchmark of ours

`exact`, `ngram`, `ast` and `synthetic` drop the row; `behav` puts it aside for a person to look at
(quarantine): small functions meet by chance. Runs of words that two problems or more share
("write a function to find the …") are no evidence and are masked; a prompt of fewer than 40 words
is matched by the share of its runs alone.

Behaviour is known of problems whose arguments are builtin values (HumanEval+ and MBPP+): their
solutions run on the probes once, in the sandbox (probing.py). Not caught: a task that was reworded
and solved in another way where behaviour is not known (BigCodeBench).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from generators import behaviour, fingerprints
from generators.fingerprints import CodeShape
from harness.records import Problem, content_sha256

Level: TypeAlias = Literal["exact", "ngram", "ast", "behav", "synthetic"]
LEVELS: tuple[Level, ...] = ("exact", "ngram", "ast", "behav", "synthetic")

SHORT, LONG = 10, 13
"""Words in a run."""
NGRAM_SHARE = 0.2
FEW_WORDS = 40
"""Below it a single run of 13 words is too much of a prompt's own to be evidence by itself."""
MIN_WORDS = 5
"""A prompt of fewer words is not known by them."""
AST_DROP = 0.9
AST_CURVE = (0.95, 0.9, 0.85, 0.8)
MIN_TOKENS = 30
"""Syntax of a solution that can be known by its shape: less meets by chance."""
_COMMON = 200
"""A statement that so many solutions have (`return x`) leads to nobody."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row as decontamination sees it."""

    words: tuple[str, ...]
    """Of its prompt, without constants."""
    code: CodeShape | None
    signature: str = ""
    types: str = ""
    """Canonical argument types; empty where there is no behaviour."""
    answers: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    level: Level
    problem: str
    """ID of the evaluation problem."""
    score: float
    """Share of shared runs, or likeness of syntax; 1 elsewhere."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a problem's solution answers on the probes of one canonical type."""

    problem: str
    types: str
    answers: tuple[str | None, ...]


@dataclass(slots=True)
class _Prompts:
    """Who has which runs of words, those of two problems or more left out."""

    size: int
    owner: dict[int, str] = field(default_factory=dict[int, str])
    num_own: Counter[str] = field(default_factory=Counter[str])

    def fill(self, words: Mapping[str, tuple[str, ...]]) -> None:
        seen: Counter[int] = Counter()
        runs = {problem: fingerprints.ngrams(text, self.size) for problem, text in words.items()}
        for grams in runs.values():
            seen.update(grams)
        for problem, grams in runs.items():
            for gram in grams:
                if seen[gram] == 1:
                    self.owner[gram] = problem
                    self.num_own[problem] += 1

    def hits(self, words: Sequence[str]) -> Counter[str]:
        grams = fingerprints.ngrams(words, self.size)
        return Counter(self.owner[gram] for gram in grams if gram in self.owner)


class Guard:
    """The index of all evaluation problems."""

    def __init__(
        self,
        problems: Iterable[Problem],
        behaviours: Iterable[Behaviour] = (),
        synthetic: Mapping[str, str] | None = None,
    ) -> None:
        """`synthetic` has the signatures of our own benchmarks' tasks, with their IDs."""
        self._synthetic = dict(synthetic or {})
        self._words: dict[str, tuple[str, ...]] = {}
        self._prompts: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._shapes: dict[str, CodeShape] = {}
        identities: list[list[str]] = []
        for problem in problems:
            identities.append([problem.id, problem.sha256])
            words = fingerprints.prompt_words(problem.prompt, constants=False)
            self._words[problem.id] = words
            if len(words) >= MIN_WORDS:
                self._prompts.setdefault(" ".join(words), problem.id)
            shape = fingerprints.read_code(problem.solution) if problem.solution else None
            if shape is not None:
                self._codes.setdefault(shape.exact, problem.id)
                if shape.num_tokens >= MIN_TOKENS:
                    self._shapes[problem.id] = shape
        self._short, self._long = _Prompts(SHORT), _Prompts(LONG)
        self._short.fill(self._words)
        self._long.fill(self._words)
        self._by_gram = _inverted({name: shape.grams for name, shape in self._shapes.items()})
        self._by_statement = _inverted(
            {name: shape.statements for name, shape in self._shapes.items()}
        )
        self._behaviours: defaultdict[str, list[Behaviour]] = defaultdict(list)
        for known in behaviours:
            if behaviour.has_behaviour(known.answers):
                self._behaviours[known.types].append(known)
        self.num_problems = len(identities)
        self.hash = content_sha256(
            {
                "problems": sorted(identities),
                "behaviours": sorted(
                    [known.problem, known.types, *map(str, known.answers)]
                    for each in self._behaviours.values()
                    for known in each
                ),
                "synthetic": sorted(self._synthetic),
                "rules": [SHORT, LONG, NGRAM_SHARE, FEW_WORDS, MIN_WORDS, AST_DROP, MIN_TOKENS],
                "versions": [fingerprints.VERSION, behaviour.VERSION],
            }
        )

    @property
    def wanted_types(self) -> frozenset[str]:
        """The argument types of problems: rows of other types have no behaviour to compare."""
        return frozenset(self._behaviours)

    def check(self, row: Suspect) -> Match | None:
        """The first level at which the row matches a problem; None where it is clear."""
        return self.check_with(row, self.likeness(row))

    def check_with(self, row: Suspect, nearest: Match | None) -> Match | None:
        """The same for who knows the likeness already, which takes longest."""
        is_alike = nearest is not None and nearest.score >= AST_DROP
        return (
            self._exact(row.words, row.code)
            or self._ngram(row.words)
            or (nearest if is_alike else None)
            or self._synthetic_match(row)
            or self._behav(row)
        )

    def likeness(self, row: Suspect) -> Match | None:
        """The problem whose solution's syntax is most like the row's, above the curve's foot."""
        return self._nearest(row.code) if row.code is not None else None

    def _exact(self, words: Sequence[str], code: CodeShape | None) -> Match | None:
        problem = self._prompts.get(" ".join(words))
        if problem is None and code is not None:
            problem = self._codes.get(code.exact)
        return None if problem is None else Match("exact", problem, 1.0)

    def _ngram(self, words: Sequence[str]) -> Match | None:
        hits = self._short.hits(words)
        for problem, count in sorted(hits.items(), key=lambda pair: (-pair[1], pair[0])):
            share = count / self._short.num_own[problem]
            if share >= NGRAM_SHARE:
                return Match("ngram", problem, round(share, 3))
        for problem, count in sorted(self._long.hits(words).items()):
            if len(self._words[problem]) >= FEW_WORDS:
                return Match("ngram", problem, round(count / self._long.num_own[problem], 3))
        return None

    def _nearest(self, code: CodeShape) -> Match | None:
        if code.num_tokens < MIN_TOKENS:
            return None
        by_gram = _leads(code.grams, self._by_gram)
        by_statement = _leads(code.statements, self._by_statement)
        best: Match | None = None
        for problem in sorted(by_gram | by_statement):
            shape = self._shapes[problem]
            score = max(
                fingerprints.jaccard(code.grams, shape.grams),
                fingerprints.bag_similarity(code.statements, shape.statements),
            )
            if score >= AST_CURVE[-1] and (best is None or score > best.score):
                best = Match("ast", problem, round(score, 3))
        return best

    def _synthetic_match(self, row: Suspect) -> Match | None:
        problem = self._synthetic.get(row.signature)
        return None if problem is None else Match("synthetic", problem, 1.0)

    def _behav(self, row: Suspect) -> Match | None:
        for known in self._behaviours.get(row.types, ()):
            if row.answers and behaviour.same_behaviour(known.answers, row.answers):
                return Match("behav", known.problem, 1.0)
        return None


def _inverted(members: Mapping[str, Iterable[int]]) -> dict[int, list[str]]:
    index: defaultdict[int, list[str]] = defaultdict(list)
    for name, keys in members.items():
        for key in keys:
            index[key].append(name)
    return {key: names for key, names in index.items() if len(names) <= _COMMON}


def _leads(keys: Collection[int], index: Mapping[int, list[str]]) -> set[str]:
    """Who shares half of these keys or more: likeness of 0.8 can't be had with less."""
    counts = Counter(name for key in keys for name in index.get(key, ()))
    num_known = sum(key in index for key in keys)
    return {name for name, count in counts.items() if 2 * count >= num_known}
