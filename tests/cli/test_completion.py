"""Tab in real shells, and what it is told by the program."""

from __future__ import annotations

import os
import pty
import random
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from sigcli.cli import completion

from ..program import PAGES, loaded_after

SHELLS = {
    "bash": ["bash", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
INSTALLED = [shell for shell in SHELLS if shutil.which(shell)]
SHOW = {
    "bash": "show() { printf '{%s}' \"$@\" >> ../log; echo >> ../log; }\r",
    "zsh": "bindkey -e; show() { printf '{%s}' \"$@\" >> ../log; echo >> ../log; }\r",
}
# zsh finds the installed script in a way of its own, and the first Tab must already work there.
SETUP = {
    "bash": 'eval "$(sigcli --show-completion)"\r',
    "zsh": "sigcli --install-completion; source ~/.zshrc\r",
}
LAYERS = """
open("RAN", "w").close()
class Sigmoid: pass
class Twice: pass
def build(): pass
def needs(a): pass
class _Private: pass
"""
FILES = (
    "x.npy", "X2.CSV", "my file.npy", "my dir/in.tsv", "only/one.npz", "$(touch RAN).npy",
    "`touch RAN`.csv", r"\$(touch RAN).tsv", "it's.txt", 'q"q.json', "h!h.npy", "a:b.npy",
    "a=b.npy", "~t.npy", "*.npy", "é.npy", "-dash.npy", "-dash.py", ".hidden.npy", "new\nline.npy",
    "esc\x1b.npy", "readme.md", "p.svg", "solo.py", ".hidden/f.npy",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with all kinds of files."""
    here = tmp_path / "here"
    for name in FILES:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("class Solo: pass\n" if name == "solo.py" else "")
    (here / "layers.py").write_text(LAYERS)
    home = tmp_path / "home"
    home.mkdir()
    (home / "home.csv").touch()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def offered(sigcli, monkeypatch):
    """Return what fish is told, without the help."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_SIGCLI_COMPLETE", "complete_fish")
        ran = sigcli(line)
        assert (ran.code, ran.err) == (0, "")
        return [text.partition("\t")[0] for text in ran.out.splitlines()]

    return ask


def typed(shell: str, lines: list[str], setup: str = "") -> list[str]:
    """Type each of `lines` and a Z, and return the words that the shell reads then."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execvp(shell, SHELLS[shell])
    log = Path("../log")
    log.write_text("")
    try:
        keys = [SHOW[shell] + (setup or SETUP[shell]) + "show ready\r"]
        keys += [f"{line}Z\x01show \r" for line in lines]
        for count, text in enumerate(keys, 1):
            os.write(terminal, text.encode())
            end = time.monotonic() + 10
            while log.read_text().count("\n") < count and time.monotonic() < end:
                if select.select([terminal], [], [], 0.01)[0]:
                    os.read(terminal, 65536)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)
    return log.read_text().splitlines()[1:]


TYPED = {
    "forw\t": "{forward}{Z}",
    "forward @x\t": "{forward}{@x.npy}{Z}",
    "forward @X\t": "{forward}{@X2.CSV}{Z}",
    "forward 2\t": "{forward}{2Z}",
    "forward @my\\ f\t": "{forward}{@my file.npy}{Z}",
    'forward "@my f\t': "{forward}{@my file.npy}{Z}",
    'forward "@my d\t\t': "{forward}{@my dir/in.tsv}{Z}",
    "forward '@it\t": "{forward}{@it's.txt}{Z}",
    'forward "@q\t': '{forward}{@q"q.json}{Z}',
    "forward @\\$\t": "{forward}{@$(touch RAN).npy}{Z}",
    "forward @\\`\t": "{forward}{@`touch RAN`.csv}{Z}",
    "forward @\\\\\t": "{forward}{@\\$(touch RAN).tsv}{Z}",
    'forward "@h\t': "{forward}{@h!h.npy}{Z}",
    "forward @a:\t": "{forward}{@a:b.npy}{Z}",
    "forward @a\\=\t": "{forward}{@a=b.npy}{Z}",
    "forward @\\*\t": "{forward}{@*.npy}{Z}",
    "forward @é\t": "{forward}{@é.npy}{Z}",
    "forward @o\t": "{forward}{@only/Z}",
    "forward @o\t\t": "{forward}{@only/one.npz}{Z}",
    "forward @nowhere/\t": "{forward}{@nowhere/Z}",
    "backward 24 --dout 1 2 @x\t": "{backward}{24}{--dout}{1}{2}{@x.npy}{Z}",
    "backward 24 --dout=@x\t": "{backward}{24}{--dout=@x.npy}{Z}",
    "forward 24 --output=p\t": "{forward}{24}{--output=p.svg}{Z}",
    "forward 24 --output=on\t": "{forward}{24}{--output=only/Z}",
    "forward 24 -o ./-\t": "{forward}{24}{-o}{./-dash.npy}{Z}",
    "forward 24 -o \\~\t": "{forward}{24}{-o}{~t.npy}{Z}",
    "forward 24 -o ~/h\t": "{forward}{24}{-o}{HOME/home.csv}{Z}",
    "forward --output=~/h\t": "{forward}{--output=~/hZ}",
    "forward 24 --dtype f\t": "{forward}{24}{--dtype}{floatZ}",
    "forward @my\tf\t": "{forward}{@my file.npy}{Z}",
    "forward 24 --format=j\t": "{forward}{24}{--format=json}{Z}",
    "gradcheck --layer s\t": "{gradcheck}{--layer}{solo.py:Z}",
    "gradcheck --layer s\t\t": "{gradcheck}{--layer}{solo.py:Solo}{Z}",
    "gradcheck --layer=layers.py:T\t": "{gradcheck}{--layer=layers.py:Twice}{Z}",
    "manual g\t": "{manual}{gradcheck}{Z}",
    "manual --no-color ho\t": "{manual}{--no-color}{how}{Z}",
    "manual how s\t": "{manual}{how}{sZ}",
}


@pytest.mark.long
@pytest.mark.parametrize("shell", [shell for shell in INSTALLED if shell != "fish"])
def test_tab_puts_into_the_line_what_the_program_is_to_get(folder, shell):
    found = typed(shell, [f"sigcli {line}" for line in TYPED])
    home = os.environ["HOME"]
    assert found == [f"{{sigcli}}{line}".replace("HOME", home) for line in TYPED.values()]
    assert not (folder / "RAN").exists()


BRIEFLY = ("forw\t", "forward @my\\ f\t", "forward @\\$\t", "gradcheck --layer=layers.py:T\t")


@pytest.mark.parametrize("shell", [shell for shell in INSTALLED if shell != "fish"])
def test_tab_does_so_for_a_command_a_file_and_a_layer(folder, shell):
    found = typed(shell, [f"sigcli {line}" for line in BRIEFLY])
    assert found == [f"{{sigcli}}{TYPED[line]}" for line in BRIEFLY]
    assert not (folder / "RAN").exists()


@pytest.mark.long
def test_bash_may_break_words_elsewhere(folder):
    lines = ["sigcli gradcheck --layer=layers.py:T\t", "sigcli forward @o\t\t"]
    setup = SETUP["bash"] + "COMP_WORDBREAKS=' '\r"
    assert typed("bash", lines, setup) == [
        "{sigcli}{gradcheck}{--layer=layers.py:Twice}{Z}",
        "{sigcli}{forward}{@only/one.npz}{Z}",
    ]


@pytest.mark.long
def test_bash_completes_behind_an_assignment_and_after_a_redirection(folder):
    lines = ["A=1 sigcli forward @x\t", "sigcli forward 1 < readm\t"]
    expected = ["{A=1}{sigcli}{forward}{@x.npy}{Z}", "{sigcli}{forward}{1}{Z}"]
    assert typed("bash", lines) == expected


@pytest.mark.skipif("fish" not in INSTALLED, reason="its protocol is tested without it too")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sigcli forward @x", ["@x.npy"]),
        ("sigcli forward '@it", ["@it's.txt"]),
        ("sigcli forward @my\\ f", ["@my file.npy"]),
        ("sigcli forward 24 -o ~/", ["~/home.csv"]),
        ("sigcli forward 2", []),
        ("sigcli gradcheck --layer=layers.py:T", ["--layer=layers.py:Twice"]),
        ("A=1 sigcli forw", ["forward\tForward pass"]),
    ],
)
def test_fish_offers_this(folder, line, words):
    code = '_SIGCLI_COMPLETE=source_fish sigcli | source; complete -C "$argv[1]"'
    done = subprocess.run(
        ["fish", "--no-config", "-c", code, line], capture_output=True, text=True, check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (words, "")


FOLDERS = ["my dir/", "only/"]
READABLE = sorted([
    "x.npy", "X2.CSV", "my file.npy", "$(touch RAN).npy", "`touch RAN`.csv", r"\$(touch RAN).tsv",
    "it's.txt", 'q"q.json', "h!h.npy", "a:b.npy", "a=b.npy", "~t.npy", "*.npy", "é.npy",
    "-dash.npy", *FOLDERS,
])  # fmt: skip
AT = [f"@{name}" for name in READABLE]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ["backward", "forward", "gradcheck", "graph", "manual", "plot"]),
        ("b", ["backward"]),
        ("--v", ["--version"]),
        ("nope @", []),
        ("forward ", AT),
        ("forward @", AT),
        ("forward 24 ", []),
        ("forward 24 @", AT),
        ("forward -1", []),
        ("forward -- -", []),
        ("forward -- @", AT),
        ("forward --f", ["--format"]),
        ("forward --format csv --f", []),
        ("backward --dout 1 --do", ["--dout"]),
        ("backward --dout ", AT),
        ("backward --dout 1 2 ", AT),
        ("backward 24 --dout 1 2 ", []),
        ("backward 24 --dout 1 2 @", AT),
        ("backward 24 --dout 1 --dout ", []),
        ("backward --dout -1 -2 @x", ["@x.npy"]),
        ("backward --dout [1, 2] @x", ["@x.npy"]),
        ("backward --y @x", ["@x.npy"]),
        ("gradcheck --dx @x", ["@x.npy"]),
        ("gradcheck --dx=@x", ["--dx=@x.npy"]),
        ("gradcheck --method ", ["central", "complex"]),
        ("gradcheck --rtol ", []),
        ("gradcheck --rtol --method ", []),
        ("forward --dtype=float1", ["--dtype=float16"]),
        ("forward --format ", ["csv", "json", "plain", "table"]),
        ("forward --nope=@", []),
        ("forward --output=p", ["--output=p.svg"]),
        ("forward -o p", ["p.svg"]),
        ("forward @.h", ["@.hidden.npy", "@.hidden/"]),
        ("forward @only/", ["@only/one.npz"]),
        ("forward @./only/../x", ["@./only/../x.npy"]),
        ("forward @x.npy/", []),
        ("gradcheck --layer ", ["./-dash.py:", "layers.py:", "my dir/", "only/", "solo.py:"]),
        ("gradcheck --layer layers.py:", [f"layers.py:{n}" for n in ("Sigmoid", "Twice", "build")]),
        ("gradcheck --layer nope.py:", []),
        ("gradcheck --layer math:", []),
        ("manual ", sorted(PAGES)),
        ("manual h", ["how"]),
        ("manual --no-color l", ["layers"]),
        ("manual how ", []),
        ("manual -", ["--help", "--no-color"]),
        ("forward @x\\", []),
        ("forward @$(", []),
        ('forward "@$', []),
        ("forward @`", []),
        ("forward @a;", []),
    ],
)  # fmt: skip
def test_what_is_offered(folder, offered, line, expected):
    assert offered(f"sigcli {line}") == expected
    assert not (folder / "RAN").exists()


@pytest.mark.parametrize(
    ("instruction", "printed"),
    [
        ("complete_fish", "@my file.npy\n"),
        ("complete_bash", "@my\\ file.npy\n"),
        ("complete_zsh", "@my file.npy\t@my\\ file.npy\n"),
    ],
)
def test_each_shell_is_told_in_its_own_way(folder, sigcli, monkeypatch, instruction, printed):
    monkeypatch.setenv("_SIGCLI_COMPLETE", instruction)
    raw = [] if instruction == "complete_fish" else ["@my\\ f"]
    assert sigcli("sigcli forward @my\\ f", *raw).out == printed


def test_an_option_comes_with_a_word_on_it(sigcli, monkeypatch):
    monkeypatch.setenv("_SIGCLI_COMPLETE", "complete_fish")
    assert sigcli("sigcli backward --dou").out == "--dout\tThe upstream gradient ∂L/∂y\n"
    monkeypatch.setenv("_SIGCLI_COMPLETE", "complete_zsh")
    assert sigcli("sigcli forward --q", "--q").out == (
        "--quiet  -- No notes on standard error\t--quiet\n"
    )


def test_no_line_is_too_odd(folder, sigcli):
    """Called without what keeps errors from the screen."""
    import typer

    from sigcli.cli import app

    group = typer.main.get_command(app)
    parts = ["sigcli", "gradcheck", "--layer", "--dout", "@", "=", ":", "x", "'", '"', "\\", " ",
             "$(", "layers.py", "/", "~", "--", "-", "1", "[", "\udcff", "\n", ".."]  # fmt: skip
    draw = random.Random(5)
    for _ in range(1000):
        line = "sigcli gradcheck " + "".join(draw.choices(parts, k=draw.randrange(9)))
        for shell in completion.SCRIPTS:
            completion.answer(f"complete_{shell}", [line, ""], group)
    completion.answer("complete_bash", ["", ""], group)


def test_what_goes_wrong_is_not_said(sigcli, monkeypatch):
    monkeypatch.setenv("_SIGCLI_COMPLETE", "complete_bash")
    monkeypatch.setattr(completion, "split", lambda _: 1 / 0)
    ran = sigcli("sigcli forw", "forw")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_folder_that_cannot_be_read_and_a_pipe_offer_nothing(folder, offered, monkeypatch):
    os.mkfifo("pipe.py")
    assert offered("sigcli gradcheck --layer pipe.py:") == []

    def refuse(_):
        raise PermissionError

    monkeypatch.setattr(os, "listdir", refuse)
    assert offered("sigcli forward @only/") == []


def test_neither_numpy_nor_rich_is_loaded(folder, monkeypatch):
    monkeypatch.setenv("_SIGCLI_COMPLETE", "complete_fish")
    lines = ("gradcheck @x.npy --layer layers.py:B", "backward --", "forward @")
    after = loaded_after(*([f"sigcli {line}"] for line in lines))
    assert [now & {"numpy", "rich.console"} for now in after] == [set()] * len(lines)


@pytest.mark.parametrize("shell", INSTALLED)
def test_the_script_is_shown_and_installed_for_the_shell_that_asks(shell):
    def run(option: str) -> str:
        # What follows keeps the shell from giving its process to the program.
        done = subprocess.run(
            [shell, "-c", f"sigcli {option} && true"], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout

    home = Path(os.environ["HOME"])
    script = completion.SCRIPTS[shell] + "\n"
    assert run("--show-completion") == script
    for _ in range(2):
        assert "completion installed in" in run("--install-completion")
    file = {
        "bash": ".bash_completions/sigcli.sh",
        "zsh": ".zfunc/_sigcli",
        "fish": ".config/fish/completions/sigcli.fish",
    }[shell]
    assert (home / file).read_text().strip() == script.strip()
    if shell == "bash":
        assert (home / ".bashrc").read_text().count("sigcli.sh") == 1


@pytest.mark.parametrize(
    ("line", "found", "message"),
    [
        (["--show-completion", "zsh"], "bash",
         "--show-completion is for the shell that it is called from; drop 'zsh'"),
        (["--install-completion"], "tcsh",
         "--install-completion is not for tcsh; expected bash, zsh or fish"),
        (["--show-completion"], None,
         "--show-completion: no shell is around it; call it from bash, zsh or fish"),
    ],
)  # fmt: skip
def test_another_shell_is_refused(sigcli, monkeypatch, line, found, message):
    import shellingham

    def detect() -> tuple[str, str]:
        if found is None:
            raise shellingham.ShellDetectionFailure
        return found, ""

    monkeypatch.setattr(shellingham, "detect_shell", detect)
    ran = sigcli(*line)
    assert (ran.code, ran.out, ran.err) == (2, "", f"sigcli: {message}\n")
