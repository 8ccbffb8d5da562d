"""A dozen problems of our own in LiveCodeBench's format, each with right and wrong programs.

    path = write(folder / "test6.jsonl")
    for problem in PROBLEMS: problem.right, problem.wrong

Half of the rows have their private tests as the dataset has them, a pickle in zlib in base64.
"""

import base64
import json
import pickle
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """One problem, and what to do with it."""

    id: str
    date: str
    difficulty: str
    content: str
    public: Sequence[tuple[str, str]]
    private: Sequence[tuple[str, str]]
    right: Sequence[str]
    wrong: Mapping[str, str]
    """Program to the status that it has on `public`, or `private:` before that of `private`."""
    starter: str = ""
    method: str = ""
    pickled: int | None = None
    """Protocol of the pickle; None: plain JSON."""

    def row(self) -> dict[str, object]:
        kind = "functional" if self.method else "stdin"

        def tests(pairs: Sequence[tuple[str, str]]) -> str:
            return json.dumps([{"input": i, "output": o, "testtype": kind} for i, o in pairs])

        private = tests(self.private)
        if self.pickled is not None:
            packed = zlib.compress(pickle.dumps(private, protocol=self.pickled))
            private = base64.b64encode(packed).decode()
        return {
            "question_title": self.id,
            "question_content": self.content,
            "platform": "leetcode" if self.method else "atcoder",
            "question_id": self.id,
            "contest_id": "ours",
            "contest_date": f"{self.date}T00:00:00",
            "starter_code": self.starter,
            "difficulty": self.difficulty,
            "public_test_cases": tests(self.public),
            "private_test_cases": private,
            "metadata": json.dumps({"func_name": self.method} if self.method else {}),
        }


def write(path: Path, problems: "Sequence[Written] | None" = None) -> Path:
    rows = [problem.row() for problem in (PROBLEMS if problems is None else problems)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def _primes(end: int) -> list[int]:
    sieve = bytearray([0, 0]) + bytearray([1]) * (end - 2)
    for number in range(2, 245):
        sieve[2 * number :: number] = bytes(len(range(2 * number, end, number)))
    return [number for number in range(end) if sieve[number]]


PROBLEMS = (
    Written(
        id="ours_sum",
        date="2024-11-02",
        difficulty="easy",
        content="Two integers stand on one line. Print their sum.",
        public=[("1 2\n", "3\n"), ("10 -4\n", "6")],
        private=[("0 0", "0"), (f"{10**30} 1", f"{10**30 + 1}")],
        pickled=4,
        right=[
            "a, b = map(int, input().split())\nprint(a + b)",
            "import sys\n\ndef main():\n    print(sum(map(int, sys.stdin.read().split())))\n\n"
            'if __name__ == "__main__":\n    main()\n',
            "import sys\na, b = map(int, sys.stdin.buffer.readline().split())\n"
            "sys.stdout.write(str(a + b))\nsys.exit(0)",
            "import os\na, b = open(0).read().split()\nos.write(1, b'%d' % (int(a) + int(b)))",
            "total = 0\ndef add(n):\n    global total\n    total += n\n"
            "for word in input().split():\n    add(int(word))\nprint(total)\nexit()",
        ],
        wrong={
            "print(3)": "wrong_answer",
            "a, b = map(int, input().split())\nprint(float(a + b) if a < 100 else a)": (
                "private:wrong_answer"
            ),
            "print(sum(map(int, input().split())), end='!')": "wrong_answer",
            "print(sum(map(int, input())))": "exception",
            "a, b = map(int, input().split()": "syntax_error",
            "import sys\nprint(sum(map(int, input().split())), file=sys.stderr)": "wrong_answer",
        },
    ),
    Written(
        id="ours_lines",
        date="2024-12-01",
        difficulty="easy",
        content="Print the numbers from 1 to n, one a line.",
        public=[("3", "1\n2\n3\n")],
        private=[("1", "1"), ("50", "\n".join(map(str, range(1, 51))))],
        right=["print(*range(1, int(input()) + 1), sep='\\n')"],
        wrong={
            "print(*range(1, int(input())), sep='\\n')": "wrong_answer",
            "print(*range(1, int(input()) + 1))": "wrong_answer",
            "n = int(input())\nprint(*range(1, min(n, 40) + 1), sep='\\n')": "private:wrong_answer",
            "n = int(input())\nprint(*range(1, n + 2), sep='\\n')": "wrong_answer",
        },
    ),
    Written(
        id="ours_half",
        date="2024-12-31",
        difficulty="medium",
        content="Print half of an integer.",
        public=[("3", "1.5"), ("4", "2")],
        private=[("7", "3.50"), ("-1", "-0.5"), ("100000", "5e4")],
        pickled=2,
        right=["print(int(input()) / 2)"],
        wrong={"print(int(input()) // 2)": "wrong_answer"},
    ),
    Written(
        id="ours_words",
        date="2025-01-01",
        difficulty="medium",
        content="Read a text up to its end. Print how often each word stands in it, in order.",
        public=[("b a\nb\n", "a 1\nb 2\n")],
        private=[("", ""), ("x\n" * 5000, "x 5000\n"), ("é e é", "e 1\né 2")],
        pickled=5,
        right=[
            "import sys\nfrom collections import Counter\n"
            "for word, n in sorted(Counter(sys.stdin.read().split()).items()):\n    print(word, n)",
            # The runner's imports are there for it, as at the publisher's.
            "for word, n in sorted(Counter(sys.stdin.read().split()).items()): print(word, n)",
        ],
        wrong={
            "words = input().split()\nfor w in sorted(set(words)): print(w, words.count(w))": (
                "wrong_answer"
            ),
        },
    ),
    Written(
        id="ours_depth",
        date="2025-01-15",
        difficulty="hard",
        content="A number n. Print how deep f(n) goes, where f(n) calls f(n - 1), down to f(0).",
        public=[("3", "3")],
        private=[("30000", "30000")],
        right=[
            "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\n"
            "def f(n): return f(n - 1) + 1 if n else 0\n"
            "threading.Thread(target=lambda: print(f(int(input())))).start()",
            "import atexit, io, os, sys\nsys.stdout = io.StringIO()\n"
            "atexit.register(lambda: os.write(1, sys.stdout.getvalue().encode()))\nprint(input())",
        ],
        wrong={"n = int(input())\nprint(n if n < 1000 else 1 // 0)": "private:exception"},
    ),
    Written(
        id="ours_state",
        date="2025-02-01",
        difficulty="hard",
        content="Print n as often as the program was started: once.",
        public=[("1", "1"), ("2", "2"), ("3", "3")],
        private=[("4", "4")],
        pickled=4,
        right=[
            "import os\nassert os.listdir('.') == []\nopen('seen', 'w').close()\nprint(input())",
        ],
        wrong={
            "while True: pass": "timeout",
            "import os\nprint(input(), flush=True)\nos.kill(os.getpid(), 11)": "exception",
        },
    ),
    Written(
        id="ours_echo",
        date="2025-03-01",
        difficulty="easy",
        content="Print the input as it is.",
        public=[("a\nb\n", "a\nb\n")],
        private=[
            ("z" * 200_000, "z" * 200_000),
            ("\n".join("q" * 40_000), "\n".join("q" * 40_000)),
        ],
        pickled=3,
        right=["import sys\nprint(sys.stdin.read())"],
        wrong={
            "import sys\nprint(sys.stdin.read()[:100_000])": "private:wrong_answer",
            "import sys\nprint(sys.stdin.read().replace('q', 'r'))": "private:wrong_answer",
        },
    ),
    Written(
        id="ours_twice",
        date="2024-11-15",
        difficulty="easy",
        content="Return twice a number.",
        starter="class Solution:\n    def twice(self, n: int) -> int:\n        ",
        method="twice",
        public=[("2", "4"), ("0", "0")],
        private=[("-3", "-6"), (str(10**25), str(2 * 10**25))],
        right=[
            "class Solution:\n    def twice(self, n: int) -> int:\n        return 2 * n",
            "def twice(n):\n    return n + n",
            "class Solution:\n    def twice(self, n: int) -> float:\n        return n * 2.0 if n < 9 else 2 * n",
        ],
        wrong={
            "class Solution:\n    def twice(self, n): return 4": "wrong_answer",
            "class Solution:\n    def double(self, n): return 2 * n": "exception",
            "class Solution:\n    def twice(self, n): return str(2 * n)": "wrong_answer",
        },
    ),
    Written(
        id="ours_pairs",
        date="2025-01-02",
        difficulty="medium",
        content="Return all pairs (i, j), i < j, of indices of equal numbers, as lists.",
        starter=(
            "class Solution:\n    def pairs(self, numbers: List[int]) -> List[List[int]]:\n        "
        ),
        method="pairs",
        public=[("[1, 2, 1]", "[[0, 2]]")],
        private=[("[]", "[]"), ("[5, 5, 5]", "[[0, 1], [0, 2], [1, 2]]")],
        pickled=4,
        right=[
            "class Solution:\n    def pairs(self, numbers: List[int]) -> List[List[int]]:\n"
            "        return [[i, j] for i, j in combinations(range(len(numbers)), 2)"
            " if numbers[i] == numbers[j]]",
            "class Solution:\n    def pairs(self, numbers):\n"
            "        return tuple([i, j] for j in range(len(numbers)) for i in range(j)"
            " if numbers[i] == numbers[j]) if len(numbers) < 3 else"
            " [[i, j] for i in range(len(numbers)) for j in range(i + 1, len(numbers))"
            " if numbers[i] == numbers[j]]",
        ],
        wrong={
            # A tuple inside is no list: theirs looks at the outermost alone.
            "class Solution:\n    def pairs(self, numbers):\n        return list("
            "(i, j) for i, j in combinations(range(len(numbers)), 2)"
            " if numbers[i] == numbers[j])": "wrong_answer",
        },
    ),
    Written(
        id="ours_join",
        date="2025-01-20",
        difficulty="easy",
        content="Return two texts, joined by a third.",
        starter="class Solution:\n    def join(self, a: str, b: str, by: str) -> str:\n        ",
        method="join",
        public=[('"x"\n"y"\n"-"', '"x-y"')],
        private=[('""\n""\n""', '""'), ('"\\u00e9"\n"\\""\n" "', '"\\u00e9 \\""')],
        right=["class Solution:\n    def join(self, a, b, by): return by.join((a, b))"],
        wrong={"class Solution:\n    def join(self, a, b, by): return a + b": "wrong_answer"},
    ),
    Written(
        id="ours_primes",
        date="2025-02-10",
        difficulty="hard",
        content="Return the primes below n.",
        starter="class Solution:\n    def primes(self, n: int) -> List[int]:\n        ",
        method="primes",
        public=[("10", "[2, 3, 5, 7]")],
        private=[("60000", json.dumps(_primes(60000)))],
        pickled=4,
        right=[
            "class Solution:\n    def primes(self, n):\n        sieve = bytearray([1]) * n\n"
            "        sieve[:2] = b'\\0\\0'\n        for i in range(2, isqrt(n) + 1):\n"
            "            if sieve[i]: sieve[i * i::i] = bytes(len(range(i * i, n, i)))\n"
            "        return tuple(i for i in range(n) if sieve[i])",
        ],
        wrong={
            "class Solution:\n    def primes(self, n):\n"
            "        return [i for i in range(2, min(n, 50000)) if all(i % d for d in range(2, isqrt(i) + 1))]": (
                "private:wrong_answer"
            ),
        },
    ),
    Written(
        id="ours_true",
        date="2025-03-31",
        difficulty="medium",
        content="Return whether a number is even.",
        starter="class Solution:\n    def even(self, n: int) -> bool:\n        ",
        method="even",
        public=[("2", "true"), ("3", "false")],
        private=[("0", "true")],
        right=[
            "class Solution:\n    def even(self, n): return n % 2 == 0",
            "class Solution:\n    def even(self, n): return 1 - n % 2",
        ],
        wrong={
            "class Solution:\n    def even(self, n): return 'true'": "wrong_answer",
            "class Solution:\n    def even(self, n): raise KeyError(n)": "exception",
        },
    ),
)
