from __future__ import annotations

import pytest

from ..program import ESCAPES, PAGES, Ran, in_terminal

KNOWN = (
    "the pages are sigmoid, gradcheck, layers, typing, files, results, python, how, speed, security"
)


def test_without_a_page_all_are_listed_with_their_first_sentences(sigcli):
    ran = sigcli("manual")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert sorted(line.split()[0] for line in lines) == list(PAGES)
    assert lines[0].endswith(
        "Forward, backward, graph and plot: the layer of the book, in numbers."
    )
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_a_pipe_is_the_file_as_it_is(sigcli, name):
    ran = sigcli("manual", name)
    assert ran == Ran(0, PAGES[name], "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("layrs",), "no page 'layrs'; did you mean layers?"),
        (("GRADCHECK",), "no page 'GRADCHECK'; did you mean gradcheck?"),
        (("../cli",), f"no page '../cli'; {KNOWN}"),
        (("",), f"no page ''; {KNOWN}"),
        (("how", "--colour"), "no option '--colour'; did you mean --no-color?"),
    ],
)
def test_what_is_no_page_is_an_error_of_one_line(sigcli, line, message):
    ran = sigcli("manual", *line)
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {message}\n")


def test_two_pages_are_an_error_of_one_line(sigcli):
    ran = sigcli("manual", "how", "speed")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)


def test_a_page_in_a_terminal_goes_through_the_pager():
    shown = in_terminal(["manual", "python"], 80, PAGER="sed 's/^/> /'")
    assert all(line.startswith("> ") for line in shown.splitlines())
    text = ESCAPES.sub("", shown)
    assert "From Python" in text
    assert "```" not in text
    assert "\x1b[" in shown


@pytest.mark.parametrize("settings", [{"PAGER": ""}, {"PAGER": "no-such-program"}, {"PAGER": "'"}])
def test_without_a_pager_a_page_is_printed(settings):
    assert "From Python" in in_terminal(["manual", "python"], 80, **settings)


def test_a_pager_that_ends_at_once_is_no_error():
    assert in_terminal(["manual", "how"], 80, PAGER="true") == ""


def test_colour_can_be_turned_off():
    for off in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in in_terminal(["manual", "how"], 80, PAGER="cat", **off)
    assert "\x1b" not in in_terminal(["manual", "how", "--no-color"], 80, PAGER="cat")


@pytest.mark.parametrize("columns", [40, 200, pytest.param(80, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_terminal_and_no_line_is_too_long_to_read(name, columns):
    shown = in_terminal(["manual", name, "--no-color"], columns, PAGER="")
    assert max(map(len, shown.splitlines())) <= min(columns, 100)


def test_an_old_encoding_gets_a_page_in_ascii():
    settings = {"PAGER": "cat", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = in_terminal(["manual", "sigmoid"], 80, **settings)
    assert shown.isascii()
    assert "y = sigma(x) = 1 / (1 + exp(-x))" in shown
