"""A board as one HTML file that opens from disk, with nothing on the network.

    page = render(board, about=describe(board, data=folders), options=PageOptions())
    Path("board.html").write_text(page.html)

The tables are there without JavaScript; a few hundred lines of script add sorting, search, and the
views of one run, one problem and two runs side by side. What models wrote is shown as text: Jinja
escapes it, `tojson` escapes the rest, the script makes text nodes alone, and a Content Security
Policy without any address lets nothing in or out.

The file holds the programs of a few runs: those of the comparison that it opens with, then the
latest, as many as `SAMPLES_BYTES` allow. With `folder` it holds none, and each run's are a file in
that folder, which the page loads when they are wanted.

Not here: serving a board while runs go on (serve.py).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import jinja2
from markupsafe import Markup

import harness
from leaderboards.board import Board, Place
from leaderboards.comparison import points
from leaderboards.drill import Json, samples_of
from leaderboards.page import lineage
from leaderboards.page.content import ranking_json
from leaderboards.page.lines import percent, ranking_lines
from leaderboards.pairs import Pair, flips, pair_json, pair_sentence, pairs_of, type_lines
from leaderboards.problems import About, Typed

SAMPLES_BYTES = 6_000_000
"""Of programs and verdicts in one file."""
NUM_LATEST = 3
"""Runs whose programs are in the file, room allowing."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a page is to be."""

    title: str = "Leaderboard"
    compare: tuple[str, str] | None = None
    """The runs that the comparison opens with, by ID or by name of the checkpoint."""
    folder: str | None = None
    """Where samples are, from the page; None: in the page."""
    state: str = ""
    """Of what is served: a page that sees another one on its server loads itself again."""


class Page(NamedTuple):
    """A page, and the runs whose samples belong into its folder: number → place."""

    html: str
    files: Mapping[int, Place]


def render(
    board: Board, *, about: Mapping[str, Mapping[str, About]], options: PageOptions | None = None
) -> Page:
    """The page of a board; `about` is what is known of its problems, by benchmark."""
    options = options or PageOptions()
    rankings = [Typed(ranking, about.get(ranking.benchmark, {})) for ranking in board.rankings]
    pairs = [pairs_of(typed) for typed in rankings]
    opens = _opening_pair(board, options.compare)
    files = dict(enumerate(place for r in board.rankings for place in r.places))
    samples = [] if options.folder else list(_samples(files, board, opens))
    held = set(files) if options.folder else {number for number, _ in samples}
    numbers = {files[number].tally.run.id: number for number in held}
    content: dict[str, Json] = {
        "title": options.title,
        "folder": options.folder,
        "state": options.state,
        "pair": list(opens) if opens else None,
        "rankings": [
            ranking_json(
                typed, files=numbers, pairs={key: pair_json(p) for key, p in found.items()}
            )
            for typed, found in zip(rankings, pairs, strict=True)
        ],
    }
    views = [ranking_lines(board, typed) for typed in rankings]
    html = _environment().get_template("page.html.j2").render(
        board=board,
        title=options.title,
        version=harness.__version__,
        policy=_policy(options),
        style=Markup(_asset("board.css")),
        script=Markup(_asset("board.js")),
        data=_json(content),
        statements=[(n, _json(_statements(typed))) for n, typed in enumerate(rankings)],
        samples=[(number, _json(found)) for number, found in samples],
        lede=_lede(board),
        rankings=views,
        num_runs=len(files),
        facets=_facets(board),
        has_rounds=bool(board.rounds),
        has_types=any(view.heat for view in views),
        pair=_opening(rankings, pairs, opens),
        trees=lineage.loops(board.rounds),
        decision_marks=lineage.MARKS,
        methods=_methods(board),
        bib=_bib(board, options),
        percent=percent,
        signed=points,
    )  # fmt: skip
    # A name may hold lone surrogates, which UTF-8 can't say.
    return Page(html.encode("utf-8", "replace").decode(), files)


def sample_file(number: int, place: Place) -> str:
    """The content of a run's file in a page's folder: a classic script, which `file://` allows."""
    return f"BOARD.add({number}, {_json(samples_of(place, one_of_each=False))});\n"


def _policy(options: PageOptions) -> str:
    policy = _POLICY
    if options.folder:
        policy += " 'self'" if options.state else " 'self' file:"
    return f"{policy}; connect-src 'self'" if options.state else policy


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("leaderboards.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return resources.files("leaderboards.page").joinpath("assets", name).read_text("utf-8")


def _json(content: Mapping[str, Json]) -> Markup:
    """JSON that is inert inside of HTML: no `<`, `>`, `&` or `'` is left in it."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _samples(
    files: Mapping[int, Place], board: Board, opens: tuple[int, int, int] | None
) -> Iterator[tuple[int, dict[str, Json]]]:
    """The runs of the opening comparison, then the latest ones, while there is room."""
    latest = sorted(files, key=lambda number: files[number].tally.run.modified, reverse=True)
    wanted: list[int] = []
    if opens:
        before = sum(len(ranking.places) for ranking in board.rankings[: opens[0]])
        wanted = [before + opens[1], before + opens[2]]
    room = SAMPLES_BYTES
    for number in [*wanted, *(n for n in latest if n not in wanted)][:NUM_LATEST]:
        found = samples_of(files[number], one_of_each=True)
        size = len(_json(found))
        if found and size <= room:
            room -= size
            yield number, found


def _opening_pair(board: Board, asked: tuple[str, str] | None) -> tuple[int, int, int] | None:
    """The comparison that the page opens with: numbers of a ranking and of two of its places.

    What was asked for; else the newest child beside its parent; else the second beside the best.
    """
    if asked:
        for number, ranking in enumerate(board.rankings):
            names = [(place.tally.run.id, place.row.name) for place in ranking.places]
            found = [
                next((n for n, known in enumerate(names) if name in known), None) for name in asked
            ]
            if None not in found:
                return number, int(found[0] or 0), int(found[1] or 0)
    for number, ranking in enumerate(board.rankings):
        names = {place.row.name: n for n, place in enumerate(ranking.places)}
        children = [
            (place.tally.config.created, names[place.row.parent], n)
            for n, place in enumerate(ranking.places)
            if place.row.parent in names
        ]
        if children:
            _, parent, child = max(children)
            return number, parent, child
    for number, ranking in enumerate(board.rankings):
        if len(ranking.places) > 1:
            return number, 1, 0
    return None


class _Facet(NamedTuple):
    key: str
    label: str
    options: list[str]


def _facets(board: Board) -> list[_Facet]:
    """What tells the rows apart; a facet with one value is none."""
    rows = board.rows
    found = {
        ("size", "size"): {row.size for row in rows},
        ("base", "base model"): {row.checkpoint.base for row in rows},
        ("round", "round"): {str(row.round) if row.round is not None else None for row in rows},
    }
    return [
        _Facet(key, label, sorted(value for value in values if value))
        for (key, label), values in found.items()
        if len(values - {None}) > 1
    ]


def _lede(board: Board) -> str:
    num_runs = sum(len(ranking.places) for ranking in board.rankings)
    if not num_runs:
        return "No run is recorded here yet."
    names = {ranking.benchmark for ranking in board.rankings}
    rows, benchmarks = len(board.rows), len(names)
    return (
        f"{rows} {'checkpoint' if rows == 1 else 'checkpoints'} on {benchmarks} "
        f"{'benchmark' if benchmarks == 1 else 'benchmarks'}. Checkpoints that a paired test can't "
        "tell from the best of their tier share its rank; ± is half of a 95 % interval."
    )


class _Opening(NamedTuple):
    """The comparison that the page opens with, for those who read it without JavaScript."""

    a: str
    b: str
    sentence: str
    warnings: list[str]
    types: "list[_TypeLine]"
    flips: list[tuple[str, list[str]]]


class _TypeLine(NamedTuple):
    name: str
    n: int
    a: str
    b: str
    won: int
    lost: int
    difference: str
    p: str


def _opening(
    rankings: Sequence[Typed],
    pairs: Sequence[Mapping[str, Pair]],
    opens: tuple[int, int, int] | None,
) -> _Opening | None:
    if opens is None:
        return None
    number, first, second = opens
    typed = rankings[number]
    a, b = typed.ranking.places[first], typed.ranking.places[second]
    found = pairs[number].get(f"{first},{second}")
    turned = pairs[number].get(f"{second},{first}")
    found = found or (turned.turned() if turned else None)
    if found is None:
        return None
    fixed, broken = flips(typed, found)
    types = [
        _TypeLine(
            name=line.name,
            n=line.num_problems,
            a=percent(line.rate_a),
            b=percent(line.rate_b),
            won=line.won,
            lost=line.lost,
            difference=points(line.rate_b - line.rate_a),
            p=line.claim,
        )
        for line in type_lines(typed, found)
    ]
    warnings = list(dict.fromkeys([*a.notes, *b.notes]))
    return _Opening(
        a.row.name,
        b.row.name,
        pair_sentence(found),
        warnings,
        types,
        [("Fixed", fixed), ("Broken", broken)],
    )


class _Method(NamedTuple):
    benchmark: str
    profile: str
    grader: str
    hash: str
    runs: int


def _methods(board: Board) -> list[_Method]:
    configs = [p.tally.config for ranking in board.rankings for p in ranking.places]
    counts = Counter(
        (
            c.benchmark,
            c.profile,
            c.grader_version or "not known",
            c.benchmark_hash[:12] or "not known",
        )
        for c in configs
    )
    return [_Method(*key, runs) for key, runs in sorted(counts.items())]


def _bib(board: Board, options: PageOptions) -> dict[str, str]:
    names = ", ".join(sorted({ranking.benchmark for ranking in board.rankings}))
    return {
        "key": f"board{board.made:%Y%m%d}",
        "title": options.title,
        "year": f"{board.made:%Y}",
        "note": f"{names or 'no benchmark'}, made {board.made:%Y-%m-%d}",
    }


def _statements(typed: Typed) -> dict[str, Json]:
    return {
        task: typed.about[task].prompt
        for task in typed.ranking.problems
        if task in typed.about and typed.about[task].prompt
    }
