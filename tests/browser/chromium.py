"""A browser without a window: it prints a page as PDF, and tells what a page looks like from inside."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["AXE", "CHROMIUM", "ask", "print_pdf", "sheets"]

CHROMIUM = os.environ.get("SAMBAND_CHROMIUM", "")
AXE = os.environ.get("SAMBAND_AXE", "")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
)  # fmt: skip
_ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)


def _run(page: Path, *options: str) -> str:
    profile = page.with_suffix(".profile")
    return subprocess.run(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", *options, page.resolve().as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip


def print_pdf(page: Path) -> bytes:
    """Return a page as it prints, without the browser's own head and foot."""
    pdf = page.with_suffix(".pdf")
    _run(page, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    return pdf.read_bytes()


def sheets(pdf: bytes) -> list[tuple[int, int]]:
    """Return width and height of each sheet in millimetres."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)
    return [(round(float(width) / 72 * 25.4), round(float(height) / 72 * 25.4)) for width, height in boxes]


def ask(page: Path, script: str, *, library: str = "", width: int = 727) -> Any:
    """Return what an async function's body returns that is run inside a copy of a page, `width` CSS pixels wide."""
    asking = (
        f"<script>{library}</script><script>addEventListener('load', async () => {{\n"
        f"const found = await (async () => {{ {script} }})();\n"
        "const answer = document.createElement('pre'); answer.id = 'answer';\n"
        "answer.textContent = JSON.stringify(found); document.body.append(answer); });</script></body>"
    )
    copy = page.with_suffix(f".{width}.asked.html")
    before, body, after = page.read_text("utf-8").rpartition("</body>")
    assert body
    copy.write_text(before + asking + after, "utf-8")
    dom = _run(copy, f"--window-size={width},1000", "--virtual-time-budget=20000", "--dump-dom")
    answer = _ANSWER.search(dom)
    assert answer, "the page gave no answer"
    return json.loads(html.unescape(answer[1]))
