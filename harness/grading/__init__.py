"""The one place where a pass is decided: Problem × code × Sandbox → Verdict."""

from harness.grading.judge import Judge, Progress, Submission, grade
from harness.grading.profiles import GRADER_VERSION, PROFILES, Profile, profile_named

__all__ = [
    "GRADER_VERSION",
    "PROFILES",
    "Judge",
    "Profile",
    "Progress",
    "Submission",
    "grade",
    "profile_named",
]
