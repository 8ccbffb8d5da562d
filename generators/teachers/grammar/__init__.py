"""The teacher that needs no model: problems made of typed operations. See docs/teachers.md."""

from generators.teachers.grammar.teacher import GrammarTeacher

__all__ = ["GrammarTeacher"]
