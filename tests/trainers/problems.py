"""Small problems that a tiny model can learn: a file of rows for the tests of the trainers."""

import json
from pathlib import Path

SIGNS = {"add": "+", "subtract": "-", "multiply": "*"}
NAMES = tuple(SIGNS)


def row(name: str, number: int) -> dict[str, object]:
    """`add_7(x)`: docstring form, two tests."""
    head = f'def {name}_{number}(x):\n    """{name} {number}."""\n'
    return {
        "id": f"{name}-{number}",
        "prompt": head,
        "entry_point": f"{name}_{number}",
        "solution": f"{head}    return x {SIGNS[name]} {number}\n",
        "types": [name],
        "tests": {"base": [f"{name}_{number}({each})" for each in (1, 5)]},
    }


def write(path: Path, count: int = 48) -> Path:
    """`count` problems, the types in turn."""
    rows = [row(NAMES[number % 3], number // 3) for number in range(count)]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path
