"""One notebook with everything a page can show, made once before the first real page."""

from __future__ import annotations

from typing import Any

_PROSE = """# Heading
Text, *emphasis*, `code`, ~~struck~~, [a link](https://example.org), https://example.org and $x_1^2$.

- [x] a task

> a quotation

| a | b |
|---|---|
| 1 | 2 |

```python
for x in range(3): print(x)
```

```bash
ls -l
```

$$\\begin{pmatrix} a & b \\\\ \\frac{1}{2} & \\sqrt{x} \\end{pmatrix} \\tag{1}$$
"""
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_DATA: tuple[dict[str, Any], ...] = (
    {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"},
    {"text/markdown": "*text* $x$"},
    {"text/latex": "$\\displaystyle x$", "text/plain": "<IPython.core.display.Math object>"},
    {"image/png": _PIXEL, "text/plain": "<Figure>"},
    {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain": "<Figure>"},
    {"text/plain": "text"},
    {"application/x-unknown": "text"},
)


def _code(name: str, source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": source,
        "execution_count": 1,
        "outputs": outputs,
    }


SAMPLE: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python", "version": "3", "pygments_lexer": "ipython3"},
    },
    "cells": [
        {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": _PROSE},
        {"cell_type": "raw", "id": "raw", "metadata": {}, "source": "raw"},
        _code(
            "code",
            "def f(x: int) -> str:\n    return f'{x}'  # comment\nclass A: pass\n%time f(1)\n!ls",
            [
                {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m plain\n"},
                {"output_type": "stream", "name": "stderr", "text": "warning\n"},
                *({"output_type": "display_data", "metadata": {}, "data": data} for data in _DATA),
                {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": _DATA[0]},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mE\x1b[0m: v"]},
            ],
        ),
        _code("magic", "%%bash\nls", []),
    ],
}
