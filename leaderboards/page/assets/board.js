/* The page's behaviour: routes, sorting, search, and the views that are made on demand.

   Programs and what they printed were written by models: they reach the page as text nodes and
   attributes alone. No number is computed here that a claim rests on: estimates, intervals and
   p values come with the page; what is counted here is counted from its verdicts. */
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse($("#data").textContent);
  const LETTERS = { P: "passed", X: "failed", W: "wrong answer", E: "exception", S: "syntax error", N: "no code",
    C: "truncated", T: "timeout", M: "out of memory", F: "forbidden", "·": "unscored" };
  const mark = (letter) => letter === "P" ? "✓" : letter === "T" ? "◷" : letter === "·" ? "∅" : "✗";
  const look = (letter) => letter === "P" ? "ok" : letter === "·" ? "un" : "no";

  /* --- elements ------------------------------------------------------------------------- */

  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const show = (node, ...children) => { node.replaceChildren(); fill(node, {}, children); };
  const link = (hash, text, attributes) => el("a", { href: hash, ...attributes }, text);
  const say = (text) => { $("#status").textContent = text; };
  const percent = (rate) => (rate * 100).toFixed(1);
  const signed = (rate) => {
    const tenths = Math.round(rate * 1000);
    return `${tenths > 0 ? "+" : tenths < 0 ? "−" : ""}${(Math.abs(tenths) / 10).toFixed(1)}`;
  };
  const pValue = (p) => p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`;

  /* --- what the page knows -------------------------------------------------------------- */

  const samples = new Map();
  const waiting = new Map();
  window.BOARD = { add: (number, found) => samples.set(number, found) };

  /** The samples of a run, by task; null where they are not in this file. */
  async function samplesOf(run) {
    if (run.file === null) return null;
    if (samples.has(run.file)) return samples.get(run.file);
    const block = document.getElementById(`samples-${run.file}`);
    if (block) samples.set(run.file, JSON.parse(block.textContent));
    else if (data.folder) {
      if (!waiting.has(run.file)) waiting.set(run.file, new Promise((done) => {
        const script = el("script", { src: `${data.folder}/${run.file}.js`, on: { load: done, error: done } });
        document.head.append(script);
      }));
      await waiting.get(run.file);
      waiting.delete(run.file);
    }
    return samples.get(run.file) || null;
  }
  const statements = new Map();
  function statementOf(number, task) {
    if (!statements.has(number)) {
      const block = document.getElementById(`statements-${number}`);
      statements.set(number, block ? JSON.parse(block.textContent) : {});
    }
    return statements.get(number)[task];
  }
  /** The ranking of a key; one that leaves the benchmark's version out finds the first. */
  const rankingOf = (key) => data.rankings.find((ranking) => ranking.key === key)
    || data.rankings.find((ranking) => key && ranking.key.startsWith(`${key} `));
  const findRun = (id) => {
    for (const [number, ranking] of data.rankings.entries())
      for (const [place, run] of ranking.runs.entries())
        if (run.id === id) return { number, ranking, place, run };
    return null;
  };
  const rateAt = (run, column) => {
    const letter = run.s[column];
    if (letter === "·") return null;
    if (!run.r) return letter === "P" ? 1 : 0;
    return "0123456789a".indexOf(run.r[column]) / 10;
  };
  const typeAt = (ranking, column) => ranking.of ? ranking.types[ranking.of[column]] : undefined;
  const runHash = (run, type) => `#/run/${encodeURIComponent(run.id)}${type ? `/${encodeURIComponent(type)}` : ""}`;
  const taskHash = (ranking, task, run) =>
    `#/problem/${encodeURIComponent(ranking.key)}/${encodeURIComponent(task)}${run ? `/${encodeURIComponent(run.id)}` : ""}`;

  function copyButton(text, label) {
    return el("button", { type: "button", class: "copy", "aria-label": label, on: { click: async (event) => {
      const button = event.currentTarget;
      let done = false;
      try { await navigator.clipboard.writeText(text); done = true; } catch {
        const area = el("textarea", { readonly: true });
        area.value = text;
        document.body.append(area);
        area.select();
        done = document.execCommand("copy");
        area.remove();
      }
      button.textContent = done ? "copied" : "select it by hand";
      say(button.textContent);
    } } }, "copy");
  }

  /* --- board ---------------------------------------------------------------------------- */

  let shown = data.rankings.length ? data.rankings[0].key : "";
  function showRanking(key) {
    shown = (rankingOf(key) || { key: shown }).key;
    for (const part of $$(".ranking")) part.hidden = part.dataset.ranking !== shown;
    for (const button of $$(".chips button")) button.setAttribute("aria-pressed", String(button.dataset.ranking === shown));
    filter();
  }
  function filter() {
    const words = $(".search input").value.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    const wanted = $$("[data-facet]").filter((select) => select.value);
    const promoted = $("[data-promoted]");
    const table = $(`#\\/board .ranking:not([hidden])`);
    if (!table) return;
    let left = 0;
    for (const row of $$("tbody tr", table)) {
      const fits = (!words.length || words.some((word) => row.dataset.name.toLowerCase().includes(word)))
        && wanted.every((select) => row.dataset[select.dataset.facet] === select.value)
        && (!promoted || !promoted.checked || row.dataset.decision === "promoted");
      row.hidden = !fits;
      left += fits;
    }
    $(".nothing").hidden = left > 0;
    if (words.length || wanted.length) say(`${left} checkpoints`);
  }
  function sortBy(button) {
    const head = button.closest("th");
    const table = head.closest("table");
    const key = button.dataset.sort;
    const before = head.getAttribute("aria-sort");
    const rises = before ? before === "descending" : key === "rank" || key === "name";
    for (const other of $$("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", rises ? "ascending" : "descending");
    const value = (row) => key === "rank" ? Number(row.dataset.n) : key === "name" ? row.dataset.name.toLowerCase() : row.dataset[key];
    const rows = $$("tbody tr", table).sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      if (!a !== !b && key !== "rank") return a ? -1 : 1; // what is not known stands below
      const order = key === "name" || key === "date" ? String(a).localeCompare(String(b)) : Number(a) - Number(b);
      return rises ? order : -order;
    });
    $("tbody", table).append(...rows);
    say(`sorted by ${button.textContent.trim()}, ${rises ? "rising" : "falling"}`);
  }
  function moveInRows(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("tbody tr");
    if (!step || !row || event.target.matches("input, select")) return;
    const rows = $$("tr:not([hidden])", row.parentElement);
    const next = rows[rows.indexOf(row) + step];
    const target = next && $("a, summary", next);
    if (target) { target.focus(); event.preventDefault(); }
  }

  /* --- types ---------------------------------------------------------------------------- */

  function whisker(axis, [value, low, high]) {
    const x = (rate) => 8 + Math.min(1, Math.max(0, rate)) * (axis - 16);
    return svg("svg", { class: "whisker", viewBox: `0 0 ${axis} 20`, width: axis, height: 20, "aria-hidden": "true" },
      [0, 0.25, 0.5, 0.75, 1].map((tick) => svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 0, y2: 20 })),
      svg("line", { class: "interval", x1: x(low), x2: x(high), y1: 10, y2: 10 }),
      svg("circle", { cx: x(value), cy: 10, r: 4 }));
  }
  function showBars(button) {
    const part = button.closest(".ranking");
    const ranking = data.rankings.find((found) => found.key === part.dataset.ranking);
    const run = ranking.runs[Number(button.dataset.bars)];
    for (const other of $$("[data-bars]", part)) other.setAttribute("aria-pressed", String(other === button));
    $(".bars h2", part).replaceChildren(link(runHash(run), run.name));
    $(".bars tbody", part).replaceChildren(...ranking.types.map((type, number) => run.heat[number] && el("tr", {},
      el("th", { scope: "row" }, type),
      el("td", { class: "num" }, percent(run.heat[number][0]), " ", el("small", {}, `±${percent((run.heat[number][2] - run.heat[number][1]) / 2)}`)),
      el("td", {}, whisker(200, run.heat[number])))).filter(Boolean));
    const radar = $(".radar", part);
    if (radar) radar.hidden = button.dataset.bars !== "0";
    say(`types of ${run.name}`);
  }

  /* --- one run -------------------------------------------------------------------------- */

  const statusOf = (letter, rate, k) => el("span", { class: `status ${look(letter)}` },
    `${mark(letter)} ${LETTERS[letter]}${k > 1 && rate !== null ? ` · ${Math.round(rate * 100)} % pass` : ""}`);
  function firstFailure(found) {
    for (const sample of found || []) for (const suite of sample[2]) if (suite[4]) return suite[4];
    return null;
  }
  function facts(pairs) {
    return el("dl", { class: "facts" }, Object.entries(pairs).map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }
  function score(run) {
    if (!run.score) return el("p", { class: "headline" }, "nothing scored");
    const [value, low, high, n] = run.score;
    return el("p", { class: "headline" }, `${percent(value)} `,
      el("small", {}, `pass@1, 95 % interval [${percent(low)}, ${percent(high)}], ${n} problems, ${run.unscored} of ${run.samples} samples unscored, profile ${run.profile}`));
  }
  async function showRun(id, type) {
    const found = findRun(id);
    const section = $("[data-view='run']");
    if (!found) return missing(section, "There is no such run on this page.");
    const { ranking, run, place } = found;
    const programs = await samplesOf(run);
    const columns = [...ranking.problems.keys()].filter((column) => run.s[column] !== "·");
    const inType = columns.filter((column) => !type || typeAt(ranking, column) === type);
    const failed = inType.filter((column) => run.s[column] !== "P");
    const others = ranking.runs.filter((other) => other !== run);
    const rival = others.find((other) => other.name === run.parent) || (place ? ranking.runs[0] : others[0]);
    const rows = failed.slice(0, 400).map((column) => {
      const task = ranking.problems[column];
      const failure = firstFailure(programs && programs[task]);
      return el("tr", {},
        el("th", { scope: "row" }, link(taskHash(ranking, task, run), task)),
        el("td", {}, typeAt(ranking, column) || ""),
        el("td", {}, statusOf(run.s[column], rateAt(run, column), run.k)),
        el("td", { class: "why" }, failure ? `${cut(failure[1], 90)} → ${cut(failure[3], 70)}, not ${cut(failure[2], 70)}` : ""));
    });
    show(section, 
      el("p", { class: "crumb" }, link(`#/board/${encodeURIComponent(ranking.key)}`, ranking.benchmark), " / run"),
      el("h1", { tabindex: "-1" }, run.name),
      score(run),
      run.notes.map((note) => el("p", { class: "caveat" }, note)),
      facts(run.facts),
      run.command ? el("p", { class: "command" }, el("code", {}, run.command), copyButton(run.command, `Copy the command that repeats ${run.name}`)) : null,
      rival ? el("p", {}, link(`#/compare/${encodeURIComponent(ranking.key)}/${encodeURIComponent(rival.id)}/${encodeURIComponent(run.id)}`, `Compare with ${rival.name}`)) : null,
      el("h2", {}, `${failed.length} of ${inType.length} problems ${run.k > 1 ? "failed at least once" : "failed"}${type ? `: ${type}` : ""}`),
      type ? el("p", {}, link(runHash(run), "all types")) : null,
      programs === null ? el("p", { class: "caveat" }, `The programs of this run are not in this file. harness show ${run.id} --failed prints them; harness board --html FILE --split writes all.`) : null,
      el("div", { class: "scroll" }, el("table", { class: "problems" }, el("caption", { class: "visually-hidden" }, "Problems that failed"),
        el("thead", {}, el("tr", {}, ["Problem", "Type", "Verdict", "First failed test"].map((head) => el("th", { scope: "col" }, head)))),
        el("tbody", {}, rows))),
      failed.length > 400 ? el("p", { class: "legend" }, `and ${failed.length - 400} more: choose a type`) : null);
  }
  const cut = (text, length) => text.length > length ? `${text.slice(0, length - 1)}…` : text;
  function missing(section, text) {
    show(section, el("h1", { tabindex: "-1" }, "Not here"), el("p", { class: "lede" }, text), el("p", {}, link("#/board", "To the board")));
  }

  /* --- one problem ---------------------------------------------------------------------- */

  function verdictOf(sample) {
    return sample[2].map((suite) => el("div", {},
      el("p", {}, el("strong", {}, suite[0]), ` ${suite[1].replaceAll("_", " ")}${suite[3] === null ? "" : `, ${suite[2]} of ${suite[3]} tests passed`}`),
      suite[4] ? el("dl", { class: "failure" },
        el("dt", {}, `test ${suite[4][0]}`), el("dd", {}, suite[4][1]),
        el("dt", {}, "expected"), el("dd", { class: "expected" }, suite[4][2]),
        el("dt", {}, "got"), el("dd", { class: "got" }, suite[4][3])) : null));
  }
  const stderrOf = (sample) => sample[3] ? [el("p", {}, el("small", {}, "standard error, its end")), el("pre", { tabindex: "0" }, sample[3])] : null;
  const passedAll = (sample) => sample[2].length > 0 && sample[2].every((suite) => suite[1] === "passed");
  function program(sample, many, marks) {
    const ok = passedAll(sample);
    return el("article", { class: "sample" },
      many ? el("h4", {}, el("span", { class: `status ${ok ? "ok" : "no"}` }, `${ok ? "✓" : "✗"} sample ${sample[0]}`)) : null,
      el("pre", { tabindex: "0" }, marks ? marked(sample[1], marks) : sample[1]), verdictOf(sample), stderrOf(sample));
  }
  function strip(ranking, column) {
    return el("ul", { class: "strip wide" }, ranking.runs.map((run) => {
      const letter = run.s[column];
      const rate = rateAt(run, column);
      const kind = letter === "·" ? "U" : rate === 1 ? "P" : rate ? "M" : "X";
      return el("li", {}, link(taskHash(ranking, ranking.problems[column], run), rate && rate < 1 ? "½" : mark(letter),
        { class: `s-${kind}`, "aria-label": `${run.name}: ${LETTERS[letter]}`, title: LETTERS[letter] }), el("span", {}, run.name));
    }));
  }
  async function showProblem(key, task, id) {
    const section = $("[data-view='problem']");
    const ranking = rankingOf(key);
    const number = data.rankings.indexOf(ranking);
    const column = ranking ? ranking.problems.indexOf(task) : -1;
    if (column < 0) return missing(section, "There is no such problem on this page.");
    const runs = id ? ranking.runs.filter((run) => run.id === id) : ranking.runs.filter((run) => run.file !== null);
    const parts = [];
    for (const run of runs) {
      const found = ((await samplesOf(run)) || {})[task];
      parts.push(el("h2", {}, link(runHash(run), run.name), " ", statusOf(run.s[column], rateAt(run, column), run.k)));
      if (found) parts.push(found.length < run.k ? el("p", { class: "legend" }, `${found.length} of ${run.k} samples are in this file, one of each outcome`) : "", found.map((sample) => program(sample, run.k > 1)));
      else parts.push(el("p", { class: "caveat" }, `Its program is not in this file: harness show ${run.id} ${task} prints it.`));
    }
    const statement = statementOf(number, task);
    const tags = ranking.tags && ranking.tags[task] || [typeAt(ranking, column)].filter(Boolean);
    show(section, 
      el("p", { class: "crumb" }, link(`#/board/${encodeURIComponent(key)}`, ranking.benchmark), " / problem"),
      el("h1", { tabindex: "-1" }, task),
      tags.length ? el("p", { class: "tags" }, tags.map((tag) => el("span", {}, tag))) : "",
      statement ? el("pre", { class: "statement", tabindex: "0" }, statement) : el("p", { class: "caveat" }, "The benchmark's file was not at hand when this page was made, so its statement is not here."),
      el("h2", {}, "Who solves it"), strip(ranking, column), parts,
      id ? el("p", {}, link(taskHash(ranking, task), "All checkpoints whose programs are here")) : "");
  }

  /* --- two runs ------------------------------------------------------------------------- */

  /** Lines of each text that the other lacks: a longest common subsequence. */
  function differences(one, two) {
    const [a, b] = [one.split("\n"), two.split("\n")];
    if (a.length * b.length > 400000) return [new Set(), new Set()];
    const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--)
      table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    const [gone, added] = [new Set(a.keys()), new Set(b.keys())];
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { gone.delete(i++); added.delete(j++); }
      else if (table[i + 1][j] >= table[i][j + 1]) i++;
      else j++;
    }
    return [gone, added];
  }
  const marked = (text, { lines, kind }) => text.split("\n").map((line, number) =>
    lines.has(number) ? [el("span", { class: kind }, line || " "), "\n"] : `${line}\n`);
  async function sides(ranking, a, b, column) {
    const task = ranking.problems[column];
    const both = await Promise.all([a, b].map(async (run) => ((await samplesOf(run)) || {})[task]));
    const [one, two] = both.map((found) => found && (found.find((sample) => !passedAll(sample)) || found[0]));
    const [gone, added] = one && two ? differences(one[1], two[1]) : [new Set(), new Set()];
    const side = (run, letter, sample, marks) => el("div", { class: "side" },
      el("h4", {}, `${letter} · ${run.name} `, statusOf(run.s[column], rateAt(run, column), run.k)),
      sample ? program(sample, false, marks) : el("p", { class: "caveat" }, `Its program is not in this file: harness show ${run.id} ${task} prints it.`));
    return [el("p", {}, link(taskHash(ranking, task), "The problem, and who solves it")),
      el("div", { class: "sides" }, side(a, "A", one, { lines: gone, kind: "gone" }), side(b, "B", two, { lines: added, kind: "new" }))];
  }
  function flips(ranking, a, b, columns, title, open) {
    const line = (column) => {
      const body = el("div", {});
      const type = typeAt(ranking, column);
      return el("li", {}, el("details", { on: { toggle: async (event) => {
        if (event.currentTarget.open && !body.firstChild) body.append(...await sides(ranking, a, b, column));
      } } }, el("summary", {}, el("b", {}, ranking.problems[column]),
        el("span", {}, `A ${mark(a.s[column])} ${LETTERS[a.s[column]]}, B ${mark(b.s[column])} ${LETTERS[b.s[column]]}${type ? ` · ${type}` : ""}`)), body));
    };
    const list = el("ul", { class: "flips" }, columns.slice(0, 60).map(line));
    const more = columns.length > 60 ? el("button", { type: "button", class: "more", on: { click: (event) => {
      list.append(...columns.slice(60).map(line));
      event.currentTarget.remove();
    } } }, `${columns.length - 60} more`) : "";
    if (open) return [el("h2", {}, `${title}: ${columns.length}`), columns.length ? list : "", more];
    return [el("details", { class: "still" }, el("summary", {}, `${title}: ${columns.length}`), list, more)];
  }
  function sentence(pair, n) {
    const [delta, low, high] = pair.d;
    const claim = pair.p >= 0.05 ? "not distinguishable" : delta > 0 ? "B is better" : "B is worse";
    const flips = pair.test === "exact McNemar" ? `B fixes ${pair.w} and breaks ${pair.l}` : `B is better on ${pair.w} and worse on ${pair.l}`;
    return `Of ${n}, ${flips}: ${signed(delta)} points, 95% CI [${signed(low)}, ${signed(high)}], ${pair.test} ${pValue(pair.p)} — ${claim}.`;
  }
  function pairOf(ranking, a, b) {
    const straight = ranking.pairs[`${a},${b}`];
    if (straight) return straight;
    const turned = ranking.pairs[`${b},${a}`];
    return turned && { ...turned, w: turned.l, l: turned.w, d: [-turned.d[0], -turned.d[2], -turned.d[1]] };
  }
  function byType(ranking, a, b, shared, pair) {
    const rows = ranking.types.map((type, number) => {
      const mine = shared.filter((column) => ranking.of[column] === number);
      if (!mine.length) return null;
      const mean = (run) => mine.reduce((sum, column) => sum + rateAt(run, column), 0) / mine.length;
      const won = mine.filter((column) => rateAt(b, column) > rateAt(a, column)).length;
      const lost = mine.filter((column) => rateAt(b, column) < rateAt(a, column)).length;
      const [x, y] = [mean(a), mean(b)];
      const holm = pair && pair.t ? pair.t[number] : null;
      const width = Math.min(70, Math.abs(y - x) * 140);
      return el("tr", {}, el("th", { scope: "row" }, type), el("td", { class: "num" }, String(mine.length)),
        el("td", { class: "num" }, percent(x)), el("td", { class: "num" }, percent(y)),
        el("td", { class: "num" }, String(won)), el("td", { class: "num" }, String(lost)), el("td", { class: "num" }, signed(y - x)),
        el("td", { class: "diverge" }, svg("svg", { viewBox: "0 0 144 16", width: 144, height: 16, "aria-hidden": "true" },
          svg("rect", { class: y < x ? "lost" : "won", x: y < x ? 72 - width : 72, y: 4, width, height: 8 }),
          svg("line", { class: "zero", x1: 72, x2: 72, y1: 0, y2: 16 }))),
        el("td", {}, holm === null || holm === undefined ? "–" : holm < 0.05 ? el("strong", {}, `${pValue(holm)} *`) : pValue(holm)));
    }).filter(Boolean);
    const heads = [["Type"], ["n", "num"], ["A", "num"], ["B", "num"], ["fixes", "num"], ["breaks", "num"], ["difference", "num"], ["drawn", "drawn"], ["Holm"]];
    return el("table", { class: "bytype" }, el("caption", {}, "By type"),
      el("thead", {}, el("tr", {}, heads.map(([head, kind]) => el("th", { scope: "col", class: kind }, head)))), el("tbody", {}, rows));
  }
  function showCompare(key, first, second) {
    const box = $("#comparison");
    if (!box) return;
    const ranking = rankingOf(key) || data.rankings[data.pair[0]];
    const at = (id) => ranking.runs.findIndex((run) => run.id === id);
    let [x, y] = [at(first), at(second)];
    if (x < 0 || y < 0) [x, y] = ranking === data.rankings[data.pair[0]] ? data.pair.slice(1) : [Math.min(1, ranking.runs.length - 1), 0];
    const [a, b] = [ranking.runs[x], ranking.runs[y]];
    const choose = (select, options, value) => {
      select.replaceChildren(...options.map(([id, text]) => el("option", { value: id, selected: id === value }, text)));
      select.value = value;
    };
    choose($("#pick-ranking"), data.rankings.filter((found) => found.runs.length > 1).map((found) => [found.key, found.label]), ranking.key);
    for (const [select, run] of [["#pick-a", a], ["#pick-b", b]])
      choose($(select), ranking.runs.map((found) => [found.id, found.published ? `${found.name} (imported)` : found.name]), run.id);
    const shared = [...ranking.problems.keys()].filter((column) => rateAt(a, column) !== null && rateAt(b, column) !== null);
    const pair = x === y ? null : pairOf(ranking, x, y);
    const left = (run) => [...run.s].filter((letter) => letter !== "·").length - shared.length;
    const fixed = shared.filter((column) => rateAt(b, column) > rateAt(a, column));
    const broken = shared.filter((column) => rateAt(b, column) < rateAt(a, column));
    const still = shared.filter((column) => rateAt(a, column) < 1 && rateAt(b, column) === rateAt(a, column));
    const caveats = [...new Set([...a.notes, ...b.notes])];
    if (left(a) || left(b)) caveats.push(`left out, because only one of them has it: ${left(a)} problems of A, ${left(b)} of B`);
    show(box, 
      el("h2", {}, link(runHash(a), a.name), " ", el("span", { class: "versus" }, "→"), " ", link(runHash(b), b.name)),
      el("p", { class: "sentence" }, pair ? sentence(pair, shared.length)
        : x === y ? "That is one run." : `Of ${shared.length}, B fixes ${fixed.length} and breaks ${broken.length}. This pair was not tested when the page was made: harness compare ${a.id} ${b.id} does it.`),
      caveats.map((text) => el("p", { class: "caveat" }, text)),
      ranking.of ? byType(ranking, a, b, shared, pair) : "",
      flips(ranking, a, b, fixed, "Fixed", true), flips(ranking, a, b, broken, "Broken", true),
      flips(ranking, a, b, still, "Still failing", false));
  }
  function picked() {
    const value = (id) => encodeURIComponent($(id).value);
    location.hash = `#/compare/${value("#pick-ranking")}/${value("#pick-a")}/${value("#pick-b")}`;
  }

  /* --- routes --------------------------------------------------------------------------- */

  let routed = false;
  async function route() {
    const [view, ...rest] = location.hash.replace(/^#\//, "").split("/").map((part) => {
      try { return decodeURIComponent(part); } catch { return part; }
    });
    const name = $(`[data-view="${CSS.escape(view)}"]`) ? view : "board";
    if (name === "board" || name === "types") showRanking(rest[0] || shown);
    if (name === "compare") showCompare(...rest);
    if (name === "run") await showRun(...rest);
    if (name === "problem") await showProblem(...rest);
    for (const section of $$("[data-view]")) {
      section.hidden = false;
      section.classList.toggle("here", section.dataset.view === name);
    }
    for (const anchor of $$("nav a")) {
      if (anchor.getAttribute("href") === `#/${name}`) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    const heading = $(".here h1");
    document.title = heading ? `${heading.textContent} · ${data.title}` : data.title;
    if (routed) { heading.focus({ preventScroll: true }); window.scrollTo(0, 0); }
    routed = true;
    document.documentElement.dataset.ready = location.hash || "#/board";
  }

  /* --- theme, refreshing, start --------------------------------------------------------- */

  const themes = ["system", "light", "dark"];
  let theme = "system";
  try { theme = localStorage.getItem("board-theme") || theme; } catch { /* not from every file */ }
  function setTheme(next) {
    theme = next;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    $(".theme-name").textContent = theme === "system" ? "Theme" : theme === "light" ? "Light" : "Dark";
    $(".theme").setAttribute("aria-label", `Theme: ${theme}`);
    try { localStorage.setItem("board-theme", theme); } catch { /* then it lasts as long as the page */ }
  }
  async function refresh() {
    try {
      const state = await (await fetch("state")).text();
      if (state !== data.state) location.reload();
    } catch { /* the server has ended: what is here stays */ }
  }
  setTheme(themes.includes(theme) ? theme : "system");
  $(".theme").hidden = false;
  for (const part of $$(".tools, .chips, .pick")) part.hidden = false;
  $(".theme").addEventListener("click", () => setTheme(themes[(themes.indexOf(theme) + 1) % 3]));
  for (const button of $$(".chips button"))
    button.addEventListener("click", () => { location.hash = `${button.closest("[data-view]").id.replace("/", "#/")}/${encodeURIComponent(button.dataset.ranking)}`; });
  for (const button of $$("[data-sort]")) button.addEventListener("click", () => sortBy(button));
  for (const button of $$("[data-bars]")) button.addEventListener("click", () => showBars(button));
  for (const input of $$(".facets input, .facets select")) input.addEventListener("input", filter);
  for (const select of $$(".pick select")) select.addEventListener("change", picked);
  for (const detail of $$(".repeat details")) detail.addEventListener("toggle", () => {
    const code = $("code", detail);
    if (detail.open && !$("button", code)) code.append(" ", copyButton(code.textContent, "Copy the command"));
  });
  const swap = $("#swap");
  if (swap) swap.addEventListener("click", () => {
    const [a, b] = [$("#pick-a"), $("#pick-b")];
    [a.value, b.value] = [b.value, a.value];
    picked();
  });
  document.addEventListener("keydown", moveInRows);
  document.addEventListener("click", (event) => {
    for (const detail of $$(".repeat details[open]")) if (!detail.contains(event.target)) detail.open = false;
  });
  window.addEventListener("hashchange", route);
  if (data.state) setInterval(refresh, 3000);
  route();
})();
