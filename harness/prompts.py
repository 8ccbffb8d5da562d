"""From a problem to what a model is asked: chat messages, or text to go on from.

    style = detect(tokenizer, system=None, chat=True)
    prompt = style.prompt(problem, tokenizer)

The words, the fences and the stops are EvalPlus's (evaluation.md §1.2), for BigCodeBench its own,
which has the same words; tests hold them equal to the installed packages. The forms:

    base      the problem's prompt as it is: tokenizers without a chat template, `--no-chat`
    prefill   a chat whose assistant turn is begun, up to the opening fence: EvalPlus's way
    plain     a chat that ends where the assistant's turn begins: templates that drop, rewrite or
              think before the assistant's last turn, where a prefill would not be what it says
    messages  a chat for an endpoint that applies its own template

Problems that ask for a whole program have words of their own: LiveCodeBench's, to the letter, in a
chat that is never begun for the model (its base models get the question alone, not its example);
for rows of a `jsonl:` benchmark ours.

Thinking models get no textual stops: `\\nprint(` in a draft must not end it. Not here: finding
code in a reply (extraction.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from harness.errors import UserError
from harness.extraction import THINK_MARKS
from harness.records import Problem, content_sha256

Form: TypeAlias = Literal["base", "prefill", "plain", "messages"]
Message: TypeAlias = Mapping[str, str]

INSTRUCTION_PREFIX = (
    "Please provide a self-contained Python script that solves the following problem in a "
    "markdown code block:"
)
RESPONSE_PREFIX = (
    "Below is a Python script with a self-contained function that solves the problem and passes "
    "corresponding tests:"
)
OPENING_FENCE = "```python\n"

PROGRAM_PREFIX = (
    "Please provide a self-contained Python script that reads standard input, writes to standard "
    "output and solves the following problem, in a markdown code block:"
)
PROGRAM_RESPONSE_PREFIX = (
    "Below is a Python script that reads standard input and solves the problem:"
)
LIVECODEBENCH_SYSTEM = (
    "You are an expert Python programmer. You will be given a question (problem specification) and "
    "will generate a correct Python program that matches the specification and passes all tests."
)
"""LiveCodeBench's own, in place of none. A user's system message takes its place."""

END_MARKS = ("<|endoftext|>", "<|endofmask|>", "</s>")
STOPS = (*END_MARKS, "\nif __name__", "\ndef main(", "\nprint(")
BASE_STOPS: Mapping[str, tuple[str, ...]] = {
    "humaneval": ("\ndef ", "\nclass ", "\nimport ", "\nfrom ", "\nassert "),
    "mbpp": ('\n"""', "\nassert"),
}
"""What ends a completion, by the family of the problem."""
PREFILL_STOPS = ("\n```\n",)

MARKS: tuple[tuple[str, str], ...] = (
    THINK_MARKS,
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""Pairs of marks around thinking, as templates write them. All up to the second is thinking."""
_HARMONY = MARKS[1]


class ChatTemplate(Protocol):
    """What is needed of a tokenizer."""

    @property
    def chat_template(self) -> object:
        """Its text; None or empty where there is none."""
        ...

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
    ) -> object:
        """The conversation as text."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent for one problem. Exactly one of `text` and `messages` is there."""

    text: str | None
    messages: tuple[Message, ...] = ()
    stops: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return content_sha256([self.text, [dict(m) for m in self.messages], self.stops])


@dataclass(frozen=True, slots=True)
class Style:
    """How one checkpoint is asked: decided once, recorded, shown."""

    form: Form
    system: str | None = None
    marks: tuple[str, str] | None = None
    """The marks of its thinking; None where it does not think."""
    opens_thinking: bool = False
    """Whether the prompt ends inside the thinking: its reply lacks the opening mark."""
    is_api: bool = False
    """Whether the reply comes from a template that is not ours."""

    def opens_fence(self, problem: Problem) -> bool:
        """Whether the prompt ends in the opening fence of the reply's code."""
        if problem.family == "livecodebench":
            return self.form == "base"
        return self.form == "prefill" or (self.form == "base" and problem.asks_for_program)

    def prompt(self, problem: Problem, template: ChatTemplate | None = None) -> Prompt:
        """What is asked for `problem`."""
        if problem.asks_for_program:
            return self._program_prompt(problem, template)
        if self.form == "base":
            if problem.is_instruction:
                raise UserError(
                    f"{problem.id.partition('/')[0]} asks in words, which takes a chat; of a base "
                    "model ask bigcodebench or bigcodebench-hard"
                )
            stops = (*STOPS, *_base_stops(problem))
            return Prompt(text=f"{problem.prompt.strip()}\n", stops=stops)
        is_bigcodebench = problem.family == "bigcodebench"
        if self.form == "messages" and not is_bigcodebench:
            # EvalPlus's providers of endpoints name the language in the fence, and stop at nothing.
            content = f"{INSTRUCTION_PREFIX}\n{OPENING_FENCE}{problem.prompt.strip()}\n```"
            return Prompt(text=None, messages=tuple(_conversation(content, self.system)))
        asked = problem.prompt.strip()
        content = f"{INSTRUCTION_PREFIX}\n"
        content += f"{asked}\n" if problem.is_instruction else f"```\n{asked}\n```\n"
        if self.form == "messages":
            return Prompt(text=None, messages=tuple(_conversation(content, self.system)))
        assert template is not None, "a chat without its template"
        text = _rendered(template, _conversation(content, self.system))
        if self.form == "plain":
            return Prompt(text=text)
        # BigCodeBench means to stop at the closing fence too, and looks for it in the wrong place.
        stops = STOPS if is_bigcodebench else (*STOPS, *PREFILL_STOPS)
        return Prompt(text=f"{text}{RESPONSE_PREFIX}\n{OPENING_FENCE}", stops=stops)

    def _program_prompt(self, problem: Problem, template: ChatTemplate | None) -> Prompt:
        """Where a program may print and have a main part, so that neither may end it."""
        is_theirs = problem.family == "livecodebench"
        system = self.system
        if is_theirs:
            content = problem.prompt
            system = LIVECODEBENCH_SYSTEM if system is None else system
            fence = OPENING_FENCE
        else:
            content = f"{PROGRAM_PREFIX}\n\n{problem.prompt.strip()}\n"
            fence = f"{PROGRAM_RESPONSE_PREFIX}\n{OPENING_FENCE}"
        stops = (*END_MARKS, *PREFILL_STOPS) if self.opens_fence(problem) else ()
        if self.form == "base":
            text = content if is_theirs else f"{problem.prompt.strip()}\n\n"
            return Prompt(text=text + fence, stops=stops)
        messages = _conversation(content, system)
        if self.form == "messages":
            return Prompt(text=None, messages=tuple(messages))
        assert template is not None, "a chat without its template"
        text = _rendered(template, messages)
        return Prompt(text=text + fence if stops else text, stops=stops)

    def describe(self) -> str:
        """One line for the screen.

        >>> Style("plain", marks=("<think>", "</think>")).describe()
        'prompt: chat, plain generation prompt (the template keeps no prefill), thinking'
        """
        said = {
            "base": "completion of the problem's text",
            "prefill": "chat, the reply begun up to its fence, as EvalPlus does",
            "plain": "chat, plain generation prompt (the template keeps no prefill)",
            "messages": "chat, by the endpoint's own template",
        }[self.form]
        return f"prompt: {said}" + (", thinking" if self.marks and self.form != "messages" else "")


def detect(
    template: ChatTemplate | None,
    *,
    system: str | None = None,
    chat: bool = True,
    form: Form | None = None,
    marks: tuple[str, str] | None = None,
) -> Style:
    """The form that this tokenizer's template allows, tried on a short conversation.

    `form` insists on one; `marks` are the user's own.

    Raises:
        UserError: a system prompt without a chat, or a template that refuses.
    """
    has_template = template is not None and bool(template.chat_template)
    if not chat or not has_template or form == "base":
        if system is not None:
            why = "--no-chat" if has_template else "the tokenizer has no chat template"
            raise UserError(f"--system needs a chat, and this is none ({why}): leave it out")
        return Style("base", marks=marks)
    assert template is not None
    marks = marks or _marks_of(str(template.chat_template))
    asked = _rendered(template, _conversation("?", system))
    opens = marks is not None and asked.rstrip().endswith(marks[0])
    if form is None:
        form = "prefill" if _keeps_prefill(template, asked, system) and not opens else "plain"
    # A reply that is begun behind the thinking does not think.
    return Style(form, system, None if form == "prefill" else marks, opens)


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops in it.

    >>> cut("return 1\\nprint(2)", STOPS)
    'return 1'
    """
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


def _base_stops(problem: Problem) -> Sequence[str]:
    """By the family; else by the prompt: one that the program follows, imports first, is as MBPP's
    are, and one that ends inside the function as HumanEval's."""
    if problem.family in BASE_STOPS:
        return BASE_STOPS[problem.family]
    begun = f"def {problem.entry_point}(" in problem.prompt
    return BASE_STOPS["humaneval" if begun else "mbpp"]


def _keeps_prefill(template: ChatTemplate, asked: str, system: str | None) -> bool:
    """Whether an assistant's last turn stands in the text as it is, right behind the prompt."""
    begun = f"{RESPONSE_PREFIX}\n{OPENING_FENCE}"
    turn = {"role": "assistant", "content": f"{begun}pass\n```\n"}
    conversation = [*_conversation("?", system), turn]
    try:
        whole = _rendered(template, conversation, generate=False)
    except UserError:
        return False
    return whole.startswith(asked + begun)


def _marks_of(template: str) -> tuple[str, str] | None:
    if "<|channel|>" in template:
        return _HARMONY
    return next((marks for marks in MARKS if marks[0] in template or marks[1] in template), None)


def _conversation(content: str, system: str | None) -> list[dict[str, str]]:
    first = [{"role": "system", "content": system}] if system is not None else []
    return [*first, {"role": "user", "content": content}]


def _rendered(
    template: ChatTemplate, conversation: Sequence[Message], *, generate: bool = True
) -> str:
    from jinja2 import TemplateError

    try:
        text = template.apply_chat_template(
            [dict(message) for message in conversation],
            tokenize=False,
            add_generation_prompt=generate,
        )
    except (TemplateError, ValueError, TypeError) as error:
        roles = ", ".join(message["role"] for message in conversation)
        raise UserError(
            f"the chat template refuses a conversation of {roles}: {error}; try --no-chat"
        ) from None
    assert isinstance(text, str)
    return text
