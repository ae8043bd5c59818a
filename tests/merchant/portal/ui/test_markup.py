"""Text of documents as HTML: nothing of it is taken as HTML, and long names may break."""

import pytest

from merchant.portal.ui.markup import breakable, fill, inline, prose


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("Sends `code`.", "Sends <code>code</code>."),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("One ` alone", "One ` alone"),
        ("``", "``"),
        ("<b>&</b>", "&lt;b&gt;&amp;&lt;/b&gt;"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
    ],
)
def test_only_backticks_mean_something(text: str, html: str) -> None:
    assert inline(text) == html


def test_what_fills_a_place_is_escaped_unless_it_is_html_of_ours() -> None:
    filled = fill('<a href="/x?y={}">{}</a>', '"&', inline("`{0}`"))
    assert filled == '<a href="/x?y=&#34;&amp;"><code>{0}</code></a>'
    assert fill("{}", filled) == filled


def test_blank_lines_part_paragraphs() -> None:
    assert prose("One\nline.\n\n  \nTwo.\n") == "<p>One\nline.</p>\n<p>Two.</p>"
    assert prose(" \n\n ") == ""


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("/a/{b_c}", "/<wbr>a/<wbr>{b_<wbr>c}"),
        ("owners[].phone", "owners[]<wbr>.<wbr>phone"),
        ("plain", "plain"),
        ("ends/", "ends/"),
        ("<i>/", "&lt;i&gt;/"),
        ("", ""),
    ],
)
def test_long_names_break_after_their_separators(name: str, html: str) -> None:
    assert breakable(name) == html
