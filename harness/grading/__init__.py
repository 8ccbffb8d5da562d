"""The one place where a pass is decided: Problem × code × Sandbox → Verdict."""

from harness.grading.judge import Judge, Progress, grade
from harness.grading.profiles import GRADER_VERSION, PROFILES, Profile, profile_named
from harness.grading.submissions import Submission, Twins

__all__ = [
    "GRADER_VERSION",
    "PROFILES",
    "Judge",
    "Profile",
    "Progress",
    "Submission",
    "Twins",
    "grade",
    "profile_named",
]
