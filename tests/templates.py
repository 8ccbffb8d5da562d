"""Chat templates in the form of what people serve, in our own words.

What matters of each: how a turn is marked, whether an assistant's last turn is kept as it is,
whether thinking is opened by the prompt, dropped from earlier turns or put into a channel.
"""

from typing import NamedTuple


class Template(NamedTuple):
    text: str
    special: tuple[str, ...] = ()
    """Special tokens that it uses."""
    eos: str = "<|end|>"
    plain_marks: tuple[str, ...] = ()
    """Marks that are tokens of their own, but not special ones."""


CHATML = """\
{%- for message in messages -%}
{{ '<|turn|>' + message['role'] + '\n' + message['content'] + '<|end|>' + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|turn|>assistant\n' }}{%- endif -%}
"""

LLAMA3 = """\
{{- '<|begin_of_text|>' -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' -}}
{{- message['content'] | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%}
"""

QWEN25 = """\
{%- if messages[0]['role'] == 'system' -%}
{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' -}}
{%- else -%}
{{- '<|im_start|>system\nYou help people who write code.<|im_end|>\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if not (loop.first and message['role'] == 'system') -%}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
"""

QWEN3_THINKING = """\
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{%- set answer = message['content'].split('</think>')[-1].lstrip('\n') -%}
{%- set thought = message['content'].split('</think>')[0].split('<think>')[-1] -%}
{%- if '</think>' not in message['content'] -%}{%- set thought = '' -%}{%- endif -%}
{{- '<|im_start|>assistant\n' -}}
{%- if loop.last -%}{{- '<think>\n' + thought.strip() + '\n</think>\n\n' -}}{%- endif -%}
{{- answer + '<|im_end|>\n' -}}
{%- else -%}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\n' -}}
{%- if enable_thinking is defined and enable_thinking is false -%}
{{- '<think>\n\n</think>\n\n' -}}
{%- endif -%}
{%- endif -%}
"""

DEEPSEEK_R1 = """\
{{- '<|begin_of_sentence|>' -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{- message['content'] -}}
{%- elif message['role'] == 'user' -%}{{- '<|User|>' + message['content'] -}}
{%- else -%}
{{- '<|Assistant|>' + message['content'].split('</think>')[-1] + '<|end_of_sentence|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|Assistant|><think>\n' -}}{%- endif -%}
"""

GPT_OSS = """\
{{- '<|start|>system<|message|>Reasoning: ' + (reasoning_effort or 'medium') + '<|end|>' -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}
{{- '<|start|>developer<|message|># Instructions\n' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'assistant' -%}
{{- '<|start|>assistant<|channel|>final<|message|>' + message['content'] -}}
{{- '<|return|>' if loop.last else '<|end|>' -}}
{%- else -%}
{{- '<|start|>' + message['role'] + '<|message|>' + message['content'] + '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start|>assistant' -}}{%- endif -%}
"""

TEMPLATES = {
    "chatml": Template(CHATML),
    "llama-3": Template(
        LLAMA3,
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        eos="<|eot_id|>",
    ),
    "qwen2.5": Template(QWEN25, ("<|im_start|>", "<|im_end|>"), eos="<|im_end|>"),
    "qwen3-thinking": Template(
        QWEN3_THINKING,
        ("<|im_start|>", "<|im_end|>"),
        eos="<|im_end|>",
        plain_marks=("<think>", "</think>"),
    ),
    "deepseek-r1": Template(
        DEEPSEEK_R1,
        ("<|begin_of_sentence|>", "<|User|>", "<|Assistant|>", "<|end_of_sentence|>"),
        eos="<|end_of_sentence|>",
        plain_marks=("<think>", "</think>"),
    ),
    "gpt-oss": Template(
        GPT_OSS,
        ("<|start|>", "<|message|>", "<|channel|>", "<|return|>"),
        eos="<|return|>",
    ),
}
