"""Blocks of code in Markdown pages and docstrings."""

import re

FENCE = re.compile(
    r"(?:^<!-- not run:(?P<reason>.*?)-->\n)?"
    r"^(?P<indent> *)```(?P<language>.*?)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
