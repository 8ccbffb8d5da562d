"""The page in a real Chromium, from disk, with the network off: what it promises, point by point."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks import DataFolders, sanity
from harness.records import Decision, Measured, Round
from leaderboards.board import Board, make_board
from leaderboards.page import PageOptions, render, sample_file
from leaderboards.problems import describe
from leaderboards.tallies import Tallies
from tests.browser import axe, chromium, go, opened, ready, until
from tests.stores import Run, random_outcome, write

pytestmark = pytest.mark.chromium

TASKS = tuple(problem.task_id for problem in sanity.load())
HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "<svg onload=\"document.title='owned'\">{{ 7*7 }} ]]> --> \\u003cb\\u003e &lt;i&gt; '\"`${1}"
)
VIEWS = ("#/board", "#/types", "#/compare", "#/lineage", "#/about")


def run(name: str, rate: float, seed: int, **more: Any) -> Run:
    return Run(
        name,
        random_outcome(rate, seed=seed),
        num_problems=len(TASKS),
        benchmark="sanity",
        tasks=TASKS,
        profile=more.pop("profile", "strict"),
        number=seed,
        **more,
    )


def rounds(runs: list[Run]) -> list[Round]:
    def measured(value: float) -> Measured:
        return Measured(value=value, low=value - 0.08, high=value + 0.08, num_problems=68)

    made: list[Round] = []
    steps: list[tuple[Run, Run, Decision]] = [
        (runs[0], runs[1], "promoted"),
        (runs[1], runs[2], "rejected"),
    ]
    for number, (parent, child, decision) in enumerate(steps, start=1):
        made.append(
            Round(
                loop="loop <b>",
                number=number,
                arm="failure",
                parent=parent.checkpoint,
                child=child.checkpoint,
                quotas={"string": 120, "dp": 60, "number_theory": 30},
                method="sft",
                before=measured(0.4),
                after=measured(0.5),
                difference=measured(0.1),
                p_value=0.03,
                decision=decision,
            )
        )
    return made


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    home = tmp_path_factory.mktemp("home")
    runs = [
        run("base-7B", 0.45, 1),
        run("child-7B", 0.75, 2, num_samples=2),
        run("other", 0.72, 3, code=f"# {HOSTILE}\nprint(1)", got=HOSTILE),
        run(f"evil {HOSTILE}", 0.2, 4, code=HOSTILE, got=HOSTILE),
        run("known", 0.45, 1, profile="published", kind="published", generated=False),
    ]
    for each in runs:
        write(home, each)
    write(home, Run("base-7B", random_outcome(0.5, seed=9), num_problems=30, tasks=()))
    (home / "runs" / "spoiled").mkdir()
    return make_board(Tallies().read([home]), rounds=rounds(runs))


@pytest.fixture(scope="module")
def file(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    about = describe(board, data=DataFolders(None, Path("/nowhere")))
    options = PageOptions(compare=("base-7B", "other"))
    path = tmp_path_factory.mktemp("page") / "board <1>.html"
    path.write_text(render(board, about=about, options=options).html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def run_of(board: Board, name: str) -> str:
    places = (p for r in board.rankings for p in r.places if p.row.name.startswith(name))
    return next(place.tally.run.id for place in places if place.tally.config.benchmark == "sanity")


# 1, 2: from disk, without the network, without JavaScript


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_from_disk_and_asks_nobody(browser: Any, file: Path, view: str):
    with opened(browser, file, view) as page:
        shown = page.locator("[data-view]:visible")
        assert shown.count() == 1 and shown.get_attribute("data-view") == view.removeprefix("#/")
        assert page.locator("nav [aria-current=page]").get_attribute("href") == view
        assert page.locator("h1:visible").count() == 1


def test_it_reads_without_javascript(browser: Any, file: Path, board: Board):
    with opened(browser, file, javascript=False) as page:
        text = page.inner_text("main")
        for ranking in board.rankings:
            for place in ranking.places:
                assert place.row.name in text
                assert place.score is None or f"{place.score.value * 100:.1f}" in text
        assert "Of 68, B fixes" in text and "Lineage" in text and "number_theory 30" in text
        assert page.locator("svg.whisker:visible").count() > 5
        assert page.locator(".tools:visible, .pick:visible, .theme:visible").count() == 0


def test_the_policy_lets_nothing_in_or_out(file: Path):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', file.read_text())
    assert html.unescape(policy) == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    )


# 3: what stands beside every score


def test_every_score_has_n_interval_unscored_and_profile(browser: Any, file: Path, board: Board):
    with opened(browser, file) as page:
        rows = page.locator(".ranking:visible tbody tr")
        assert rows.count() == len(board.rankings[0].places)
        for number in range(rows.count()):
            row = rows.nth(number)
            assert re.search(r"\d\.\d ±\d", row.locator(".score").inner_text())
            assert row.locator("svg.whisker .interval").count() == 1
            assert re.fullmatch(r"\d+(×\d)?", row.locator("[data-label=n]").inner_text().strip())
            assert row.locator("[data-label=unscored]").inner_text().strip() == "0"
        assert "profile strict" in page.inner_text(".ranking:visible caption")
        page.click("text=child-7B")
        ready(page)
        headline = page.inner_text(".headline")
        assert "95 % interval [" in headline and "profile strict" in headline
        assert "68 problems" in headline and "0 of 136 samples unscored" in headline


def test_imported_rows_are_marked_and_unknown_is_unknown(browser: Any, file: Path):
    with opened(browser, file) as page:
        row = page.locator("tr.published", has_text="known")
        assert row.locator(".mark", has_text="imported").count() == 1
        assert row.locator("[data-label=tokens]").inner_text() == "–"
        row.locator(".name a").click()
        ready(page)
        facts = page.inner_text(".facts")
        assert "not known" in facts and "another judge" in page.inner_text(".here")


# 5: two clicks to the failing input


@pytest.mark.parametrize("start", ["board", "types"])
def test_the_failing_input_is_two_clicks_away(browser: Any, file: Path, start: str):
    with opened(browser, file, f"#/{start}") as page:
        if start == "board":
            row = page.locator(".ranking:visible tr[data-name='base-7B']")
            row.locator(".score a").click()
        else:
            column = page.locator(".ranking:visible .tilt").all_inner_texts()
            number = next(n for n, name in enumerate(column) if "base-7B" in name)
            cells = page.locator(".ranking:visible .heat tbody tr").first.locator(".cell a")
            cells.nth(number).click()
        ready(page)
        assert "f(1) → 2, not 1" in page.inner_text(".here .problems")
        page.locator(".here .problems tr", has_text="wrong answer").first.locator("a").click()
        ready(page)
        failure = page.locator(".failure").first.inner_text()
        assert "f(1)" in failure and "expected" in failure and "got" in failure
        assert page.locator(".statement").inner_text().strip()


def test_flips_open_both_programs_side_by_side(browser: Any, file: Path):
    with opened(browser, file, "#/compare") as page:
        flip = page.locator(".flips li", has_text="A ✗ wrong answer, B ✓ passed").first
        flip.locator("summary").click()
        flip.locator(".side pre").nth(1).wait_for()
        assert "def f(x)" in flip.locator(".side pre").first.inner_text()
        assert "print(1)" in flip.locator(".side pre").nth(1).inner_text()
        assert "expected" in flip.locator(".failure").first.inner_text()


def test_script_and_python_say_the_same_of_a_comparison(browser: Any, file: Path):
    with (
        opened(browser, file, javascript=False) as plain,
        opened(browser, file, "#/compare") as page,
    ):
        assert page.inner_text(".sentence") == plain.inner_text(".sentence")

        def table(of: Any, cells: list[int]) -> list[list[str]]:
            rows = of.locator(".bytype tbody tr").all()
            texts = [row.locator("th, td").all_inner_texts() for row in rows]
            return [[text[cell].strip() for cell in cells] for text in texts]

        wanted = table(plain, list(range(8)))
        assert wanted == table(page, [0, 1, 2, 3, 4, 5, 6, 8])
        page.click("#swap")
        until(page, "location.hash.startsWith('#/compare/')")
        ready(page)
        numbers = re.search(r"B fixes (\d+) and breaks (\d+)", page.inner_text(".sentence"))
        before = re.search(r"B fixes (\d+) and breaks (\d+)", plain.inner_text(".sentence"))
        assert numbers and before and numbers.groups() == before.groups()[::-1]


# 7: keyboard and screen readers


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, file: Path, board: Board, scheme: Any):
    known = run_of(board, "other")
    task = TASKS[0].replace("/", "%2F")
    deep = f"#/problem/{board.rankings[0].key.replace(' ', '%20')}/{task}"
    with opened(browser, file, scheme=scheme) as page:
        for view in (*VIEWS, f"#/run/{known}", deep):
            go(page, view)
            assert not axe(page), view


def test_the_keyboard_alone_sorts_opens_and_goes_back(browser: Any, file: Path):
    with opened(browser, file) as page:
        head = page.locator(".ranking:visible th", has_text="Checkpoint")
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        names = page.locator(".ranking:visible .name a").all_inner_texts()
        assert names == sorted(names, key=str.lower)
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        page.locator(".ranking:visible .name a").first.focus()
        page.keyboard.press("ArrowDown")
        focused = page.evaluate("document.activeElement.textContent")
        assert focused == page.locator(".ranking:visible .name a").nth(1).inner_text()
        page.keyboard.press("Enter")
        ready(page)
        assert page.evaluate("document.activeElement.tagName") == "H1"
        assert page.inner_text("h1:visible") == focused
        page.go_back()
        ready(page)
        assert page.locator("#\\/board").is_visible()


def test_search_takes_commas_as_or(browser: Any, file: Path):
    with opened(browser, file) as page:
        page.fill("input[type=search]", "known, CHILD")
        rows = page.locator(".ranking:visible tbody tr:visible .name a").all_inner_texts()
        assert sorted(rows) == ["child-7B", "known"]
        page.fill("input[type=search]", "nobody")
        assert page.locator(".nothing").is_visible()
        page.fill("input[type=search]", "")
        page.check("[data-promoted]")
        assert page.locator(".ranking:visible tbody tr:visible").count() == 1


# 8: dark, light, print, narrow


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone(browser: Any, file: Path, view: str):
    with opened(browser, file, view, width=380) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        if view == "#/board":
            assert page.locator("svg.whisker:visible").count() > 4
            assert page.locator("[data-label=n]:visible").count() > 4


def test_dark_light_and_the_switch(browser: Any, file: Path):
    def paper(page: Any) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    with opened(browser, file, scheme="dark") as dark, opened(browser, file) as light:
        assert paper(dark) != paper(light)
        dark.click(".theme")
        assert paper(dark) == paper(light)
        light.click(".theme")
        light.click(".theme")
        assert paper(light) == "rgb(19, 20, 22)"


def test_print_is_black_on_white_without_controls(browser: Any, file: Path):
    with opened(browser, file, scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert page.locator("nav:visible, .tools:visible").count() == 0
        assert len(page.pdf()) > 10_000


# 9: what models wrote is text


def test_what_models_wrote_is_inert(browser: Any, board: Board, tmp_path: Path):
    about = describe(board, data=DataFolders(None, Path("/nowhere")))
    evil, other = run_of(board, "evil"), run_of(board, "other")
    page_of = render(board, about=about, options=PageOptions(compare=(other, evil)))
    (tmp_path / "board.html").write_text(page_of.html, encoding="utf-8")
    key = board.rankings[0].key.replace(" ", "%20")
    with opened(browser, tmp_path / "board.html", "#/compare") as page:
        for summary in page.locator(".flips summary:visible").all()[:6]:
            summary.click()
        page.locator(".side pre").nth(11).wait_for()
        assert any(HOSTILE in text for text in page.locator(".side pre").all_inner_texts())
        for task in TASKS[:3]:
            go(page, f"#/problem/{key}/{task.replace('/', '%2F')}/{evil}")
            assert HOSTILE in page.locator(".here pre").all_inner_texts()
        for view in (*VIEWS, f"#/run/{evil}"):
            go(page, view)
            assert "owned" not in page.title().replace(HOSTILE, "")
            assert page.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
        assert not any(page.evaluate("[...document.scripts].map(script => script.src)"))


# --split, and lineage


def test_a_split_page_loads_each_runs_programs_from_its_folder(
    browser: Any, board: Board, tmp_path: Path
):
    about = describe(board, data=DataFolders(None, Path("/nowhere")))
    rendered = render(board, about=about, options=PageOptions(folder="board-data"))
    (tmp_path / "board.html").write_text(rendered.html, encoding="utf-8")
    (tmp_path / "board-data").mkdir()
    for number, place in rendered.files.items():
        (tmp_path / "board-data" / f"{number}.js").write_text(sample_file(number, place))
    evil = run_of(board, "evil")
    with opened(browser, tmp_path / "board.html", f"#/run/{evil}") as page:
        assert "f(1)" in page.inner_text(".here .problems")
        go(page, f"#/run/{run_of(board, 'child')}")
        assert "not in this file" not in page.inner_text(".here")
        assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_the_lineage_shows_rejected_children_too(browser: Any, file: Path):
    with opened(browser, file, "#/lineage") as page:
        assert page.locator(".node.rejected").count() == 1
        assert page.locator(".node.promoted").count() == 1
        assert page.locator(".edge").count() == 2
        assert "string 120" in page.locator("svg.lineage").text_content()
        assert page.locator(".rounds tbody tr").count() == 2


def test_links_to_what_is_gone_say_so(browser: Any, file: Path):
    with opened(browser, file, "#/run/nothing") as page:
        assert "no such run" in page.inner_text(".here")
        go(page, "#/problem/x/y")
        assert "no such problem" in page.inner_text(".here")
        go(page, "#/%zz")
        assert page.locator("#\\/board").is_visible()


def test_the_data_of_the_page_is_json(file: Path):
    blocks = re.findall(
        r'<script type="application/json" id="([\w-]+)">(.*?)</script>', file.read_text(), re.S
    )
    assert {name for name, _ in blocks} >= {"data", "statements-0"}
    for _, block in blocks:
        json.loads(block)
        assert not set("<>&'") & set(block)
