"""What a program must leave as it found it: the bindings and code of the modules that judge it.

`remember` takes down, before the program is loaded, what every name of some modules and classes
is bound to, and the code, defaults and closure of every function there. `changed` compares, by
identity and by syntax alone: no builtin is called that the program could have replaced, and the
types that are asked (dict, mappingproxy, function, cell) are C types that nobody can patch.

Functions and tuples, no class: `object.__subclasses__()` would lead to one. A memory holds what it
remembers, so an identity is not given out twice. It can't see a change that was undone before it
looked.
"""

import sys
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any, TypeAlias

_MISSING = object()
_UNNAMED = ("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl")
"""Made anew, or filled, by honest use."""


Memory: TypeAlias = tuple[
    tuple[tuple[str, Callable[..., object], str, object], ...],
    tuple[tuple[str, Any, frozenset[str]], ...],
    tuple[tuple[str, Any, object, object, object, tuple[Any, ...]], ...],
]
"""Bindings, the names of classes, functions. Plain tuples: they have no method to replace."""


def remember(modules: "Iterable[str]", classes: "Iterable[type]" = ()) -> Memory:
    """Take down these modules, as far as they are loaded, with the classes that they define."""
    bindings: list[Any] = []
    names: list[Any] = []
    functions: list[Any] = []
    seen: set[int] = set()

    def of_function(label: str, value: Any) -> None:
        if type(value) in (staticmethod, classmethod):
            value = value.__func__
        if type(value) is property:
            of_function(label, value.fget)
            of_function(label, value.fset)
        while type(value) is FunctionType and id(value) not in seen:
            seen.add(id(value))
            cells = tuple((cell, _contents(cell)) for cell in value.__closure__ or ())
            functions.append(
                (label, value, value.__code__, value.__defaults__, value.__kwdefaults__, cells)
            )
            value = getattr(value, "__wrapped__", None)

    def of_class(cls: type) -> None:
        if id(cls) in seen:
            return
        seen.add(id(cls))
        own = type.__dict__["__dict__"].__get__(cls)
        label = f"{cls.__module__}.{cls.__qualname__}"
        names.append((label, own, frozenset(own)))
        for key, value in list(own.items()):
            if key not in _UNNAMED:
                bindings.append((f"{label}.{key}", own.get, key, value))
                of_function(f"{label}.{key}", value)

    for name in modules:
        module = sys.modules.get(name)
        if type(module) is not ModuleType:
            continue
        bindings.append((f"sys.modules[{name!r}]", sys.modules.get, name, module))
        for key, value in list(vars(module).items()):
            if key in ("__builtins__", "__warningregistry__", "_"):
                continue
            bindings.append((f"{name}.{key}", vars(module).get, key, value))
            if isinstance(value, type) and value.__module__ == name and name != "builtins":
                of_class(value)
            else:
                of_function(f"{name}.{key}", value)
    for cls in classes:
        of_class(cls)
    return tuple(bindings), tuple(names), tuple(functions)


def changed(memory: Memory) -> "list[str]":
    """Labels of all that is no longer what it was."""
    found: list[str] = []
    bindings, names, functions = memory
    missing = _MISSING
    for label, get, key, value in bindings:
        if get(key, missing) is not value:
            found += [label]
    for label, own, known in names:
        for key in own:
            if key not in known:
                found += [f"{label}.{key}"]
    for label, function, code, defaults, keywords, cells in functions:
        if (
            function.__code__ is not code
            or function.__defaults__ is not defaults
            or function.__kwdefaults__ is not keywords
        ):
            found += [label]
            continue
        for cell, held in cells:
            if held is not missing and cell.cell_contents is not held:
                found += [label]
    return found


def _contents(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING
