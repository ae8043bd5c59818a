"""Every shell block of the documents is run, or says why not and names a test that exists."""

import pytest

from tests.docs.shell_blocks import blocks_of, documents, every_block, faults


def test_every_block_is_run_or_says_why_not() -> None:
    assert [f"{block.path}:{block.line}: {fault}" for block in every_block() for fault in faults(block)] == []


def test_the_documents_with_the_first_steps_are_among_them() -> None:
    assert {"README.md", "docs/recover.md", "deploy/monitoring/operate.md"} <= set(documents())
    assert sum(block.is_run for block in every_block() if block.path == "README.md") >= 6


NOTE = "<!-- not run: needs root; tried by {} -->\n"
HERE = "tests/docs/test_marked_blocks.py::test_the_documents_with_the_first_steps_are_among_them"


@pytest.mark.parametrize(
    "text",
    [
        "```bash\ntrue\n```",
        "```console\n$ true\n```",
        "```sh\n$ true\n```",
        "```sh\nsudo true\n```",
        "```sh\nmake install\n```",
        "```sh\nmerchant serve\n```",
        NOTE.format("tests/docs/gone.py::test_it") + "```sh\nsudo true\n```",
        NOTE.format("tests/docs/test_marked_blocks.py::test_gone") + "```sh\nsudo true\n```",
        "<!-- not run: needs root -->\n```sh\nsudo true\n```",
        "1. In a list:\n\n   ```sh\n   sudo true\n   ```",
    ],
)
def test_a_block_that_is_marked_wrongly_is_found(text: str) -> None:
    (block,) = blocks_of("README.md", text)
    assert len(list(faults(block))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nmerchant status\n```",
        "```console\nready http://127.0.0.1:8000\n```",
        "```text\n$ anything\n```",
        NOTE.format(HERE) + "```sh\nsudo make install\nmerchant serve\n```",
        "```sh\nmerchant serve &\n```",
    ],
)
def test_a_block_that_is_marked_rightly_is_no_finding(text: str) -> None:
    (block,) = blocks_of("README.md", text)
    assert list(faults(block)) == []


def test_a_block_in_a_list_is_read_without_its_indent_and_longer_fences_hold_shorter_ones() -> None:
    text = "1. So:\n\n   ```sh\n   if true; then\n     echo\n   fi\n   ```\n\n````text\n```sh\n```\n````\n"
    first, second = blocks_of("a.md", text)
    assert (first.kind, first.text, first.line) == ("sh", "if true; then\n  echo\nfi\n", 3)
    assert (second.kind, second.text) == ("text", "```sh\n```\n")
