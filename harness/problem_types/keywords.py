"""What the words of a prompt say: one table, matched at word boundaries, case ignored.

A decisive word names the type ("permutation"); a supporting one goes with it ("pairs") and
counts only beside something that the program shows.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from harness.problem_types.taxonomy import Evidence


class Words(NamedTuple):
    """The words that speak for one type, as alternatives of a regular expression."""

    decisive: str = ""
    supporting: str = ""


WORDS: dict[str, Words] = {
    "regex": Words(r"regex(?:es)?|regular expressions?"),
    "date_time": Words(
        r"dates?|timestamps?|calendar|leap year|months?|weekday|time ?zones?|day of the week",
        r"days?|years?|hours?|minutes?|clock",
    ),
    "bits_bases": Words(
        r"binary(?! (?:search|tree|file|data|mode|class|target|outcome)\w*)|xor|bitwise|hexadecimal|octal|(?:set |toggled? )?bits?"
        r"|base \d+|in base|(?:numerical|number) base|numeral system",
        r"decimals?|base",
    ),
    "matrix_grid": Words(
        r"matrix|matrices|grids?|2[- ]?d (?:array|list)s?|chess ?board",
        r"rows?|columns?|boards?|2[- ]dimensional",
    ),
    "dp": Words(
        r"longest (?:\w+ )?(?:subsequence|chain)|longest common|knapsack|edit distance"
        r"|dynamic programming|minimum cost path|fibonacci|tribonacci",
        r"sub-?sequences?|sub-?arrays?|longest|contiguous|perrin|lucas|recurrence",
    ),
    "stack_queue": Words(
        r"brackets?|bracketing|parenthes[ei]s|stacks?|queues?|heaps?",
        r"nested|balanced|undo|sliding window",
    ),
    "combinatorics": Words(
        r"permutations?|combinations?|number of ways|(?:different|distinct) ways|how many ways"
        r"|power ?sets?|binomial|catalan|bell numbers?|derangements?|triplets|unordered pairs",
        r"pairs?|triples?|subsets?|possible|factorials?|arrangements?|selections?",
    ),
    "recursion": Words(r"recursi(?:on|ve|vely)|tower of hanoi|ackermann", r"flatten|depth|tree"),
    "number_theory": Words(
        r"primes?|divisors?|divisib(?:le|ility)|gcd|greatest common divisor|lcm"
        r"|(?:least|lowest|smallest) common multiple|co-?prime|modulo|armstrong|perfect (?:number|square)s?"
        r"|multiples? of|n[-' ]?th (?:[\w-]+ ){1,3}number|factors|composite number|collatz"
        r"|woodall|woodball|polite number|undulating|amicable|keith number|smith number|magnanimous"
        r"|sum of (?:the )?(?:its |\w+ )?digits",
        r"digits?|remainder|factorials?|number sequence|natural numbers|factor|divides|evenly"
        r"|even|odd|parity",
    ),
    "math_geometry": Words(
        r"area|volume|perimeter|circumference|circles?|triangles?|cones?|spheres?|cylinders?"
        r"|rectangles?|rectangular|radius|angles?|polygons?|hypotenuse|slope|coordinates?|polynomials?"
        r"|complex numbers?|standard deviation|variance|logarithms?|square root|cube root"
        r"|probability|quadratic|parabola|ellipse|tetrahedron|euclidean|cuboid|hexagon"
        r"|mean absolute deviation|magic square|geometric|harmonic",
        r"distance|mean|average|round(?:ed)?|ceil(?:ing)?|floor|power|closest|nearest|points?|cubes?"
        r"|intervals?|median",
    ),
    "dict_count": Words(
        r"dictionar(?:y|ies)|dicts?",
        r"frequen(?:t|cy|cies|tly)|occurrences?|occurs?|occurring|appears?|appearing|histogram"
        r"|number of times|most common|keys?|mapping|count of each|mode",
    ),
    "set_unique": Words(
        r"(?:remove|removing)(?: all)?(?: the)? duplicates?|disjoint",
        r"unique|distinct|duplicates?|duplicated|repeated|common|shared|intersection|union|dissimilar"
        r"|difference between|sets?|only once|subset|similar",
    ),
    "sort_order": Words(
        r"sort(?:s|ing)?|rearrange",
        r"sorted|ascending|descending|increasing|decreasing|order|ordered|largest|smallest|rank"
        r"|k-?th|median|maximum|minimum|highest|lowest",
    ),
    "tuple": Words(r"tuples?"),
    "string": Words(
        supporting=r"strings?|words?|characters?|chars?|letters?|vowels?|consonants?|text|sentences?"
        r"|sub-?strings?|palindrom(?:e|es|ic)|alphabets?|upper ?case|lower ?case|anagrams?|spaces?"
        r"|whitespaces?|case|digits?|name|password|prefix(?:es)?|suffix(?:es)?|roman",
    ),
    "list_array": Words(
        supporting=r"lists?|arrays?|elements?|sub-?lists?|items?|vectors?|sequence|indices|index"
        r"|numbers|integers",
    ),
    "arith_expr": Words(
        supporting=r"sum|products?|differences?|numbers?|integers?|calculates?|multipl(?:y|ies)"
        r"|multiplication|divides?|division|subtract|add|power|costs?|convert|equal|fraction"
        r"|maximum|minimum|smallest|largest|sign|profit|loss|percentage|solutions?|value",
    ),
}


def _pattern(words: str) -> re.Pattern[str] | None:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE) if words else None


_PATTERNS = {
    type_: (_pattern(words.decisive), _pattern(words.supporting)) for type_, words in WORDS.items()
}


def spoken(prose: str) -> Iterator[Evidence]:
    """The first decisive and the first supporting word of each type."""
    for type_, patterns in _PATTERNS.items():
        for pattern, decisive in zip(patterns, (True, False), strict=True):
            if pattern and (match := pattern.search(prose)):
                word = " ".join(match[0].lower().split())
                yield Evidence(axis="type", tag=type_, what=f'prompt: "{word}"', decisive=decisive)
