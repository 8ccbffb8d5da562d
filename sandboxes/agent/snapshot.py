"""What a program must leave as it found it: the bindings and code of the modules that judge it.

`Watch` remembers, before the program is loaded, what every name of some modules and classes is
bound to, and the code, defaults and closure of every function there. `changed` compares, by
identity and by syntax alone: no builtin is called that the program could have replaced, and the
types that are asked (dict, mappingproxy, function, cell) are C types that nobody can patch.

It holds what it remembers, so an identity is not given out twice. It can't see a change that was
undone before it looked, nor hold against a program that finds this object and edits it.
"""

import sys
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

_MISSING = object()
_UNNAMED = ("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl")
"""Made anew, or filled, by honest use."""


class Watch:
    def __init__(self) -> None:
        self._bindings: list[tuple[str, Callable[..., object], str, object]] = []
        self._names: list[tuple[str, Any, frozenset[str]]] = []
        self._functions: list[tuple[str, Any, object, object, object, tuple[Any, ...]]] = []
        self._seen: set[int] = set()

    def modules(self, names: Iterable[str]) -> "Watch":
        """Watch these modules as far as they are loaded, and the classes that they define."""
        for name in names:
            module = sys.modules.get(name)
            if type(module) is not ModuleType:
                continue
            self._bindings.append((f"sys.modules[{name!r}]", sys.modules.get, name, module))
            for key, value in list(vars(module).items()):
                if key in ("__builtins__", "__warningregistry__", "_"):
                    continue
                self._bindings.append((f"{name}.{key}", vars(module).get, key, value))
                if isinstance(value, type) and value.__module__ == name and name != "builtins":
                    self.of_class(value)
                else:
                    self._function(f"{name}.{key}", value)
        return self

    def of_class(self, cls: type) -> "Watch":
        """Watch a class: nothing may be added to it either."""
        if id(cls) in self._seen:
            return self
        self._seen.add(id(cls))
        own = type.__dict__["__dict__"].__get__(cls)
        label = f"{cls.__module__}.{cls.__qualname__}"
        self._names.append((label, own, frozenset(own)))
        for key, value in list(own.items()):
            if key not in _UNNAMED:
                self._bindings.append((f"{label}.{key}", own.get, key, value))
                self._function(f"{label}.{key}", value)
        return self

    def _function(self, label: str, value: Any) -> None:
        if isinstance(value, staticmethod | classmethod):
            value = getattr(value, "__func__", None)
        if isinstance(value, property):
            for part in (value.fget, value.fset):
                self._function(label, part)
            return
        while type(value) is FunctionType and id(value) not in self._seen:
            self._seen.add(id(value))
            cells = tuple((cell, _contents(cell)) for cell in value.__closure__ or ())
            self._functions.append(
                (label, value, value.__code__, value.__defaults__, value.__kwdefaults__, cells)
            )
            value = getattr(value, "__wrapped__", None)

    def changed(self) -> "list[str]":
        """Labels of all that is no longer what it was."""
        found: list[str] = []
        missing = _MISSING
        for label, get, key, value in self._bindings:
            if get(key, missing) is not value:
                found += [label]
        for label, own, names in self._names:
            for key in own:
                if key not in names:
                    found += [f"{label}.{key}"]
        for label, function, code, defaults, keywords, cells in self._functions:
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
