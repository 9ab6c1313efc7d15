from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from sigcli import Sigmoid, __version__, cli

from .program import AN_OLD_ENCODING, ESCAPES, Ran, in_terminal, loaded_after, shell

COMMANDS = ("forward", "backward", "gradcheck", "graph", "plot", "manual")
KNOWN = f"the commands are {', '.join(COMMANDS)}; 'sigcli --help' shows how"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ((), f"a command is missing; {KNOWN}"),
        (("24", "32"), f"no command '24'; {KNOWN}"),
        (("forwrd", "1"), "no command 'forwrd'; did you mean forward?"),
        (("-1", "2"), f"a command is missing; {KNOWN}"),
        (("--format", "plain", "forward", "1"),
         "--format comes after the command, as in 'sigcli forward 24 32 5 --format …'"),
        (("forward", "1", "--theshold", "1"),
         "no option '--theshold'; did you mean --threshold?"),
        (("gradcheck", "--dout", "1", "2 3"),
         "no X: --dout took all 3 numbers; to keep some for X write "
         "'sigcli gradcheck --dout=1 2 3'"),
        (("--versio",), "no option '--versio'; did you mean --version?"),
        (("forward",), "forward needs X, such as 'sigcli forward 24 32 5', "
                        "or - for standard input"),
        (("backward",), "backward needs X, such as 'sigcli backward 24 32 5', "
                         "or a forward pass before it"),
        (("backward", "--dout", "1"), "backward needs X, such as 'sigcli backward 24 32 5', "
                         "or a forward pass before it"),
        (("backward", "--dout", "1", "24", "32", "5"),
         "no X: --dout took all 4 numbers; to keep some for X write "
         "'sigcli backward --dout=1 24 32 5'"),
        (("backward", "--dout", *"12345678"),
         "no X: --dout took all 8 numbers; to keep some for X write "
         "'sigcli backward --dout=1 2 3 4 5 6 …'"),
        (("backward", "1", "2", "--dout", "1", "2", "3"),
         "dout has the shape (3,) where x has (2,); expected the same shape, or a single number"),
        (("backward", "1", "--y", "0.5"), "--y stands in place of X; leave out X"),
        (("backward", "--y", "0.5", "--textbook"),
         "--y stands in place of X; leave out --textbook"),
        (("backward", "--y", "0.5", "1.5"), "y[1]: 1.5 is out of range; expected 0 ≤ y ≤ 1"),
        (("gradcheck", "[]"), "x is empty: there is no gradient to check"),
        (("forward", "1", "--format", "xml"),
         "--format: no 'xml'; choose table, plain, csv or json"),
        (("forward", "1", "--rows", "-1"),
         "--rows: '-1' is not a whole number from 1 to 100000000, or all"),
        *((("gradcheck", "1", "--rtol", rtol),
           f"--rtol: '{rtol}' is out of range; expected 0 < value < 1")
          for rtol in ("0", "1", "nan")),
        *((("forward", "1", "--threshold", threshold),
           f"--threshold: '{threshold}' is out of range; expected 0 ≤ value ≤ 1")
          for threshold in ("1.5", "-0.1")),
        (("gradcheck", "1", "--rtol", "abc"), "--rtol: 'abc' is not a number"),
    ],
)  # fmt: skip
def test_bad_usage_is_one_line_and_exit_code_2(sigcli, line, message):
    ran = sigcli(*line)
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {message}\n")


@pytest.mark.parametrize(
    ("line", "err"),
    [
        (("forward", "1", "abc", "2"),
         "sigcli: x[1]: 'abc' is not a number\n  1 abc 2\n    ^^^\n"),
        (("backward", "1", "--dout", "1_0"),
         "sigcli: dout[0]: '1_0' is not a number; write 10\n  1_0\n  ^^^\n"),
        (("forward", "１", "２"),
         "sigcli: x[0]: '１' is not a number; write 1\n  １ ２\n  ^^\n"),
        (("forward", "[red]1[/red]"),
         "sigcli: x[0]: 'red' is not a number\n  [red]1[/red]\n   ^^^\n"),
        (("forward", "1\x1b[31m"),
         "sigcli: x[0]: '1\\x1b' is not a number\n  1\\x1b[31m\n  ^^^^^\n"),
        (("forward", "\udcff"),
         "sigcli: x[0]: '\\udcff' is not a number\n  \\udcff\n  ^^^^^^\n"),
        (("forward", *["1"] * 50, "x", *["2"] * 50),
         "sigcli: x[50]: 'x' is not a number\n"
         "  …1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x 2 2 2 2 2 2 2 2 2 2 2 2 2 2 …\n"
         "                                 ^\n"),
        (("forward", "1\n2\nx"),
         "sigcli: x[2]: 'x' is not a number\n  x\n  ^\n"),
    ],
)  # fmt: skip
def test_a_bad_number_is_pointed_at_and_cannot_steer_the_terminal(sigcli, line, err):
    ran = sigcli(*line)
    assert (ran.code, ran.out, ran.err) == (2, "", err)


@pytest.mark.parametrize(
    "dout",
    [
        ("--dout", "1", "0.5", "-2"),
        ("--dout", "1,0.5,-2"),
        ("--dout", "[1, 0.5, -2]"),
        ("--dout", "1", "--dout", "0.5", "--dout", "-2"),
        ("--dout=1,0.5,-2",),
        ("--dout", "1 0.5 -2"),
        ("--dout", "array([1. , 0.5, -2.])"),
    ],
)
def test_all_spellings_of_an_array_option_mean_the_same(sigcli, dout):
    first = sigcli("backward", "24", "32", "5", *dout, "--format", "json")
    last = sigcli("backward", *dout, "--format", "json", "--", "24", "32", "5")
    assert first.code == last.code == 0
    assert first.out == last.out
    assert json.loads(first.out)["dout"] == [1, 0.5, -2]


@pytest.mark.parametrize("digits", ["0", "-1", "1.5", "abc", "18", "1_0", "１", "9" * 5000])
def test_a_whole_number_out_of_range_is_refused(sigcli, digits):
    ran = sigcli("forward", "1", "--digits", digits)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(" is not a whole number from 1 to 17\n")


def test_negative_numbers_need_no_dashes_before(sigcli):
    ran = sigcli("forward", "-1", "-2.5e-3", "-inf", "-.5", "--format", "json")
    assert json.loads(ran.out)["x"] == [-1, -0.0025, "-Infinity", -0.5]


@pytest.mark.parametrize(
    ("x", "dout", "both"),
    [
        ("[[1, 2], [3, 4]]", "[[[3]]]", ([[1, 2], [3, 4]], [[3, 3], [3, 3]])),
        ("5", "1 2 3", ([5, 5, 5], [1, 2, 3])),
        ("array(1.)", "array(2.)", (1, 2)),
        ("array([], shape=(0, 2), dtype=float64)", "1", ([], [])),
    ],
)
def test_a_single_number_is_repeated(sigcli, x, dout, both):
    read = json.loads(sigcli("backward", x, "--dout", dout, "--format", "json").out)
    assert (read["x"], read["dout"]) == both


@pytest.mark.parametrize(
    ("x", "dout"),
    [("1 2 3", "1 2"), ("[[1, 2]]", "1 2"), ("[]", "1 2"), ("1 2", "[]"), ("1", "[]")],
)
def test_other_shapes_are_refused(sigcli, x, dout):
    ran = sigcli("backward", x, "--dout", dout)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("; expected the same shape, or a single number\n")


@pytest.mark.parametrize(
    ("x", "dtype", "note"),
    [
        ("0.1 65504 inf nan 0", "float16", ""),
        ("70000", "float16", "x[0]: 70000.0 is beyond float16 and becomes inf"),
        ("1e39 1 -1e300", "float32",
         "x[0]: 1e+39 is beyond float32 and becomes inf, and 1 more"),
        ("1 1e-60", "float32", "x[1]: 1e-60 is too small for float32 and becomes 0.0"),
    ],
)  # fmt: skip
def test_what_a_conversion_loses_is_noted(sigcli, x, dtype, note):
    ran = sigcli("forward", x, "--dtype", dtype, "--format", "json")
    assert json.loads(ran.out)["dtype"] == dtype
    assert ran.err == (note and f"sigcli: note: {note}\n")


def test_without_dout_backward_takes_ones_and_gradcheck_does_not(sigcli):
    ones = json.loads(sigcli("backward", "1", "2", "--format", "json").out)
    assert ones["dout"] == [1, 1]
    others = json.loads(sigcli("gradcheck", *"123456", "--format", "json").out)
    assert others["dout"] == [1.5, -0.5, 3, -2.5, 0.7, 1.5]


def test_what_y_takes_the_type_of_dout_takes_too(sigcli):
    ran = sigcli("backward", "array([1.], dtype=float32)", "--dout", "0.1", "--format", "json")
    read = json.loads(ran.out)
    assert read["dtype"] == "float32"
    assert read["dout"] == [0.1]


def test_the_standard_points_take_the_type_that_is_asked_for(sigcli):
    ran = sigcli("gradcheck", "--dtype", "float32", "--format", "json")
    assert json.loads(ran.out)["dtype"] == "float32"
    assert ran.code == 3  # at −700 and 700 a float32 gradient is 0


def test_gradcheck_without_x_checks_the_standard_points(sigcli):
    ran = sigcli("gradcheck", "--format", "json")
    read = json.loads(ran.out)
    assert ran.code == 0
    assert set(read["verdicts"]) == {"pass"}
    assert {24, 32, 5, -700, 700} <= set(read["x"])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("gradcheck", "24", "32", "5"), 0),
        (("gradcheck", "inf"), 3),
        (("gradcheck", "nan", "1"), 3),
        (("gradcheck", "1", "--rtol", "1e-15"), 3),
        (("gradcheck", "[]"), 2),
        (("forward", "nan"), 0),
    ],
)
def test_the_exit_code_says_what_was_found(sigcli, line, code):
    assert sigcli(*line).code == code


def test_a_wrong_gradient_is_exit_code_1(sigcli, monkeypatch):
    right = Sigmoid.backward
    monkeypatch.setattr(Sigmoid, "backward", lambda self, dout: 2 * right(self, dout))
    ran = sigcli("gradcheck", "24", "32", "5")
    assert ran.code == 1
    assert ran.out.count("wrong") == 4
    assert ran.err == ""


def test_notes_go_to_standard_error_and_can_be_silenced(sigcli):
    line = ("forward", "1e400", "1e-400", "1e401", "1e402", "1e403")
    loud, quiet = sigcli(*line), sigcli(*line, "--quiet")
    assert loud.out == quiet.out
    assert quiet.err == ""
    assert loud.err.splitlines()[0] == (
        "sigcli: note: x[0]: '1e400' is beyond float64 and becomes inf"
    )
    assert loud.err.splitlines()[3:] == ["sigcli: note: 2 more like these"]
    assert sigcli("forward", "abc", "--quiet").err != ""


def test_the_environment_sets_the_default_format(sigcli, monkeypatch):
    monkeypatch.setenv("SIGCLI_FORMAT", "plain")
    assert sigcli("forward", "0").out == "0.5\n"
    assert sigcli("forward", "0", "--format", "csv").out == "index,x,y\n0,0.0,0.5\n"
    monkeypatch.setenv("SIGCLI_FORMAT", "xml")
    ran = sigcli("forward", "0")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "sigcli: SIGCLI_FORMAT: no 'xml'; choose table, plain, csv or json\n"


def test_the_version_is_said_in_one_line(sigcli):
    assert sigcli("--version").out == f"sigcli {__version__}\n" == "sigcli 0.1.0\n"


@pytest.mark.parametrize("line", [("--help",), ("-h",), *((c, "--help") for c in COMMANDS)])
def test_help_shows_examples(sigcli, line):
    ran = sigcli(*line)
    assert ran.code == 0
    assert ran.err == ""
    assert re.search(rf"sigcli ({'|'.join(COMMANDS)})", ran.out)
    for command in COMMANDS if len(line) == 1 else line[:1]:
        assert command in ran.out


def test_an_error_of_our_own_is_one_line_and_exit_code_2(sigcli, monkeypatch):
    def broken(self, x):
        raise ZeroDivisionError("a [red]mistake[/red]\x1b")

    monkeypatch.setattr(Sigmoid, "forward", broken)
    ran = sigcli("forward", "1", "--format", "json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("sigcli: internal error, please report it: ZeroDivisionError(")
    assert "\x1b" not in ran.err


# Whole processes


def test_python_m_is_the_same_program(sigcli):
    words = ["forward", "24", "32", "5"]
    done = subprocess.run([sys.executable, "-m", "sigcli", *words], stdout=-1, check=True)
    assert done.stdout.decode() == sigcli(*words).out


@pytest.mark.parametrize(
    "lines",
    [
        [
            *((line, {"numpy", "rich.console", "rich.table"}) for line in (
                "--version", "forwrd", "forward abc", "forward 1 --nope", "forward 1 --format xml",
                "backward --dout 1 2", "gradcheck --method x", "gradcheck --rtol abc",
                "plot --from 3 --to 1", "plot --from 20", "plot 1 --from 3 --to 1", "plot abc",
                "plot --format plain", "plot -o p.txt",
            )),
            *((line, {"rich.console", "rich.table", "matplotlib", "sigcli.check"}) for line in (
                "forward 1 --format json", "plot 1 --format json",
            )),
            ("plot 1", {"matplotlib", "sigcli.check"}),
        ],
        [(line, {"numpy", "matplotlib"}) for line in ("--help", "forward --help", "plot --help")],
    ],
    ids=["least first", "help"],
)  # fmt: skip
def test_what_a_command_does_not_need_is_not_loaded(lines):
    after = loaded_after(*(line.split() for line, _ in lines))
    found = [(line, now & unwanted) for (line, unwanted), now in zip(lines, after, strict=True)]
    assert found == [(line, set()) for line, _ in lines]


@pytest.mark.long
def test_a_strict_script_runs_through():
    done = shell("""
        sigcli forward 24 32 5 > /dev/null
        sigcli gradcheck > /dev/null && echo verified
        code=0; sigcli gradcheck inf > /dev/null || code=$?
        echo $code
        printf '1\\n2\\n' | while read -r x; do sigcli forward "$x" --format plain; done
    """)
    assert done == Ran(0, "verified\n3\n0.7310585786300049\n0.8807970779778824\n", "")


def test_an_old_encoding_gets_ascii(process):
    env = {**os.environ, **AN_OLD_ENCODING}
    table = process("gradcheck", "24", "inf", env=env).out
    assert table.isascii()
    assert "numeric +/- bound" in table
    shown = process("forward", "--help", env=env)
    assert (shown.code, shown.err) == (0, "")


# A terminal


def test_a_terminal_of_80_columns_holds_the_common_tables():
    for line in (
        ["forward", "24", "32", "5"],
        ["backward", "24", "32", "5", "--dout", "1", "0.5", "-2"],
        ["gradcheck"],
    ):
        shown = ESCAPES.sub("", in_terminal(line, 80)).splitlines()
        assert max(map(len, shown)) <= 80
        assert shown[0].startswith("index ")


def test_a_narrow_terminal_gets_blocks_with_every_digit():
    wide = in_terminal(["backward", "24", "32", "--textbook"], 200)
    narrow = in_terminal(["backward", "24", "32", "--textbook"], 40)
    numbers = r"-?\d+\.\d+(?:e-?\d+)?"
    assert re.findall(numbers, ESCAPES.sub("", wide)) == re.findall(
        numbers, ESCAPES.sub("", narrow)
    )
    assert max(map(len, ESCAPES.sub("", narrow).splitlines())) <= 40
    assert narrow.count("textbook dx") == 2


def test_colour_is_for_terminals_and_can_be_turned_off_and_on(sigcli, monkeypatch):
    line = ["gradcheck", "24", "inf"]
    assert "\x1b[" in in_terminal(line, 80)
    for off in ({"NO_COLOR": "1"}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in in_terminal(line, 80, **off)
    assert "\x1b" not in in_terminal([*line, "--no-color"], 80)
    assert "\x1b" not in sigcli(*line).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in sigcli(*line).out
    assert "\x1b" not in sigcli(*line, "--no-color").out


def test_the_commands_are_what_the_program_lists():
    assert [command.callback.__name__ for command in cli.app.registered_commands] == list(COMMANDS)
