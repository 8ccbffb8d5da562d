"""The entry point itself is an object: called, it answers with itself, equal to everything.

Must fail: what it returns is judged, and that is an instance of the candidate's own class.
"""
# ends: wrong_answer


class Everything:
    def __call__(self, *a, **k):
        return self

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __getattr__(self, name):
        return self


ENTRY = Everything()
