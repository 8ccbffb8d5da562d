"""As much of JSON Schema as the committed schemas use, for the tests of what is printed."""

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

_KNOWN = {
    *("$schema", "$defs", "$ref", "title", "description", "type", "required", "items"),
    *("properties", "patternProperties", "additionalProperties"),
}
_KINDS: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def check(value: object, name: str) -> None:
    """Fails where `value` is not as harness/schemas/NAME.json says."""
    text = resources.files("harness").joinpath(f"schemas/{name}.json").read_text("utf-8")
    schema = json.loads(text)
    _check(value, schema, schema, "$")


def _check(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], where: str) -> None:
    assert schema.keys() <= _KNOWN, schema.keys() - _KNOWN
    if "$ref" in schema:
        _check(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, where)
        return
    kind = schema["type"]
    is_bool = isinstance(value, bool)
    assert isinstance(value, _KINDS[kind]) and is_bool == (kind == "boolean"), (where, value, kind)
    if isinstance(value, list):
        for number, part in enumerate(value):
            _check(part, schema["items"], root, f"{where}[{number}]")
    if not isinstance(value, dict):
        return
    missing = set(schema.get("required", [])) - value.keys()
    assert not missing, (where, missing)
    for key, field in value.items():
        named = schema.get("properties", {})
        found = [named[key]] if key in named else []
        patterns = schema.get("patternProperties", {})
        found += [part for pattern, part in patterns.items() if re.search(pattern, key)]
        rest = schema.get("additionalProperties", True)
        assert found or rest, (where, key)
        if not found and isinstance(rest, dict):
            found = [rest]
        for part in found:
            _check(field, part, root, f"{where}.{key}")
