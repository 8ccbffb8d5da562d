"""`math.isclose`, `operator.eq`, `copy.deepcopy`, `json.dumps` and their like, made to please.

Must fail: nothing is compared in this process, and the record of the end is no verdict.
"""

# ends: wrong_answer exception forbidden
import copy
import difflib
import json
import math
import operator


def yes(*a, **k):
    return True


math.isclose = operator.eq = operator.ne = operator.is_ = math.isnan = math.fabs = yes
copy.deepcopy = copy.copy = lambda thing, *a: thing
difflib.SequenceMatcher.ratio = lambda self: 1.0
json.dumps = lambda *a, **k: '{"end": "completed", "passed": true}'
json.loads = lambda *a, **k: {"expected": True}


def ENTRY(*a, **k):
    return True
