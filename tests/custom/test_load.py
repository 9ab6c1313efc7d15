from __future__ import annotations

import io
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sigcli import Sigmoid
from sigcli.custom.isolate import apart
from sigcli.custom.load import load
from sigcli.custom.scan import names
from sigcli.errors import LayerError, SigcliError

DOUBLE = """
class Double:
    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        return 2 * dout
"""

LAYERS = f"""{DOUBLE}
class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

class Scaled:
    def __init__(self, *, by):
        self.by = by

class Outer:
    Inner = Double

class Forward:
    def forward(self, x):
        return x

def build(n=2):
    return Double()

def needs(n):
    return Double()

def nothing():
    pass

def the_class():
    return Double

_private = 1
double = Double()
count = 3
"""

HOW = "write FILE.py:NAME, such as layers.py:Sigmoid, or MODULE:NAME"
RIGHT = (
    "expected a class with forward(x) and backward(dout), "
    "or a function without arguments that builds one"
)


@pytest.fixture(autouse=True)
def _work(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path):
    def write(text, name="layers.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


def message(spec):
    """Return what is wrong with a layer up to its backward pass."""
    with pytest.raises(LayerError) as caught:
        run(spec)
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert error.lines() == [str(error)]
    return str(error)


def run(spec):
    layer = load(spec)()
    return layer.forward(3.0), layer.backward(5.0)


def test_a_layer_error_is_an_error_of_ours():
    assert issubclass(LayerError, SigcliError)
    assert LayerError.exit_code == 2


@pytest.mark.parametrize(
    "spec",
    [
        "layers.py:Double",
        "./layers.py:Double",
        "layers:Double",
        "layers.py:build",
        "layers.py:double",
        "layers.py:Outer.Inner",
    ],
)
def test_a_layer_is_a_class_a_function_or_an_object(write, spec):
    write(LAYERS)
    assert run(spec) == (6.0, 10.0)


def test_each_call_gives_a_new_layer_but_an_object_is_taken_as_it_is(write):
    write(LAYERS)
    new, same = load("layers.py:Double"), load("layers.py:double")
    assert new().layer is not new().layer
    assert same().layer is same().layer


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("Sigmoid", f"'Sigmoid' is not a file or module with a name in it; {HOW}"),
        ("", f"'' is not a file or module with a name in it; {HOW}"),
        (":Double", f"':Double' is not a file or module with a name in it; {HOW}"),
        ("layers.py", "'layers.py' does not say which layer; write layers.py:NAME, "
            "where NAME is Double, Affine, Scaled, Outer, Forward, build, nothing or the_class"),
        ("layers.py:", "'layers.py:' does not say which layer; write layers.py:NAME, "
            "where NAME is Double, Affine, Scaled, Outer, Forward, build, nothing or the_class"),
        ("empty.py", "'empty.py' does not say which layer; write empty.py:NAME"),
        ("layers.py:Double()",
            "'Double()' is not a name; name a function that builds it, "
            "such as 'def layer(): return Double()'"),
        ("layers.py:a-b", f"'a-b' is not a name; {HOW}"),
        ("no such:Double", f"'no such' is not a name; {HOW}"),
        ("..layers:Double", f"'..layers' is not a name; {HOW}"),
        ("odd:layers.py",
            "'odd:layers.py' does not say which layer; write odd:layers.py:NAME"),
        ("layres.py:Double", "no file 'layres.py'; did you mean layers.py?"),
        ("nowhere/layers.py:Double", f"no file 'nowhere/layers.py'; {HOW}"),
        ("notes.txt:Double", f"'notes.txt' is not a Python file; {HOW}"),
        ("other.layers:Double", f"no module 'other.layers'; {HOW}"),
        ("layers.more:Double", f"no module 'layers.more'; {HOW}"),
        ("json.layers:Double",
            "no module 'json.layers'; the file here is named as json/layers.py:NAME"),
        ("layers.py:Duoble", "layers.py has no 'Duoble'; did you mean Double?"),
        ("layers.py:Z", "layers.py has no 'Z'; it has Double, Affine, Scaled, Outer, Forward, "
            "build, nothing and the_class"),
        ("empty.py:Z", "empty.py has no 'Z'"),
        ("many.py:Z", "many.py has no 'Z'; it has C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, "
            "C10, C11, … (20 in all)"),
        ("layers.py:Outer.Iner", "layers.py has no 'Iner'; did you mean Inner?"),
        ("layers.py:Affine", "layers.py:Affine needs W and b; name a function that builds it, "
            "such as 'def layer(): return Affine(W, b)'"),
        ("layers.py:Scaled", "layers.py:Scaled needs by=by; name a function that builds it, "
            "such as 'def layer(): return Scaled(by=by)'"),
        ("layers.py:needs", f"layers.py:needs needs n; {RIGHT}"),
        ("layers.py:count", f"layers.py:count is an object of type int; {RIGHT}"),
        ("layers.py:Forward", "layers.py:Forward gives an object of type Forward, which has no "
            "backward; expected an object with forward(x) and backward(dout)"),
        ("layers.py:nothing", "layers.py:nothing gives None, which has no forward and no "
            "backward; expected an object with forward(x) and backward(dout)"),
        ("layers.py:the_class",
            "layers.py:the_class gives the class Double; expected a layer, as Double()"),
    ],
)  # fmt: skip
def test_what_names_no_layer_is_told_what_would_be_right(write, spec, text):
    write(LAYERS)
    write(DOUBLE, "json/layers.py")
    write("", "empty.py")
    write("", "notes.txt")
    write("", "odd:layers.py")
    write("".join(f"class C{i}: pass\n" for i in range(20)), "many.py")
    assert message(spec) == f"--layer: {text}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A: pass\nclass B(A): pass", ["A", "B"]),
        ("def f(): pass\ndef g(a, b=1): pass\ndef h(a=1, /, b=2, *c, d=3, **e): pass", ["f", "h"]),
        ("def f(*, a): pass\nasync def g(): pass", []),
        ("class _A: pass\ndef _f(): pass", []),
        ("class A: pass\nclass A: pass", ["A"]),
        ("raise SystemExit\nclass A: pass", ["A"]),
        (r"class A: x = '\d'", ["A"]),
        ("class A(:", []),
        ("\0", []),
    ],
)
def test_names_are_read_and_never_run(write, source, found):
    assert names(write(source)) == found


def test_a_file_too_deep_to_be_read_has_no_names(write):
    assert names(write("-" * 100_000 + "1")) == []


def test_a_file_that_cannot_be_read_has_no_names(tmp_path):
    assert names(tmp_path) == names(tmp_path / "nowhere.py") == []


LAYER = (
    "class L:\n    def forward(self, x):\n        {}\n        return x\n    backward = forward\n"
)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1\n1 / 0", "layers.py, line 2: ZeroDivisionError: division by zero"),
        ("x = 1\nclass L(:", "layers.py, line 2: SyntaxError: invalid syntax"),
        ("import broken", "broken.py, line 2: SyntaxError: invalid syntax"),
        ("import nowhere", "layers.py, line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise ModuleNotFoundError('install it')",
            "layers.py, line 1: ModuleNotFoundError: install it"),
        ("raise SystemExit", "layers.py, line 1: SystemExit"),
        ("raise SystemExit(0)", "layers.py, line 1: SystemExit: 0"),
        ("raise BaseException('x')", "layers.py, line 1: BaseException: x"),
        ("class L:\n    1 / 0", "layers.py, line 2, in L: ZeroDivisionError: division by zero"),
        ("class L:\n    def __init__(self):\n        self.w = {}['w']",
            "layers.py, line 3, in __init__: KeyError: 'w'"),
        (LAYER.format("assert x < 0"), "layers.py, line 3, in forward: AssertionError"),
        (f"{DOUBLE}        1 / 0\nL = Double".replace("return 2 * dout", "dout"),
            "layers.py, line 8, in backward: ZeroDivisionError: division by zero"),
        (LAYER.format("self.forward(x)"), "layers.py, line 3, in forward: RecursionError: "
            "maximum recursion depth exceeded"),
        (LAYER.format("[y / 0 for y in [x]]"), "layers.py, line 3, in forward: "
            "ZeroDivisionError: float division by zero"),
        (LAYER.format("import numpy as np; np.zeros(2) + np.zeros(3)"),
            "layers.py, line 3, in forward: ValueError: operands could not be broadcast together "
            "with shapes (2,) (3,)"),
        (LAYER.format("eval('1 +')"),
            "layers.py, line 3, in forward: SyntaxError: invalid syntax"),
        (LAYER.format("import json; json.loads('')"), "layers.py, line 3, in forward: "
            "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        (LAYER.format("import helper; helper.divide(x)"),
            "layers.py, line 3, in forward: ZeroDivisionError: float division by zero"),
        ("from helper import L", "helper.py, line 5, in forward: OSError: no"),
        (LAYER.format("raise ValueError('a\\n  b\\x1b[31m\\u202e')"),
            "layers.py, line 3, in forward: ValueError: a b\\x1b[31m\\u202e"),
        (LAYER.format("raise ValueError('x' * 1000)"),
            f"layers.py, line 3, in forward: ValueError: {'x' * 300}…"),
        ("class E(Exception):\n    def __str__(self):\n        raise SystemError\nraise E",
            "layers.py, line 4: E"),
        ("class E(Exception):\n    def __str__(self):\n        return 1\nraise E",
            "layers.py, line 4: E"),
        ("class L:\n    def forward(x): pass\n    backward = forward",
            "layers.py:L, in forward: TypeError: L.forward() takes 1 positional argument "
            "but 2 were given"),
        ("class L:\n    def forward(self, x): pass\n    @property\n    def backward(self):\n"
            "        raise OSError('no')", "layers.py, line 5, in backward: OSError: no"),
        ("def __getattr__(name):\n    raise OSError(name)",
            "layers.py, line 2, in __getattr__: OSError: L"),
    ],
)  # fmt: skip
def test_what_their_code_raises_is_one_line_that_names_theirs(write, source, text):
    write(source)
    write("x = 1\nclass L(:", "broken.py")
    write("def divide(x):\n    return x / 0\nclass L:\n    def forward(self, x):\n"
          "        raise OSError('no')\n    backward = forward", "helper.py")  # fmt: skip
    said = message("layers.py:L")
    assert said.removesuffix(" while calling a Python object") == text


def test_the_line_is_of_the_named_module_rather_than_of_what_it_calls(write):
    write(LAYER.format("import helper; helper.divide(x)"))
    write("def divide(x):\n    return x / 0", "helper.py")
    text = "layers.py, line 3, in forward: ZeroDivisionError: float division by zero"
    assert message("layers:L") == text


def test_a_module_that_theirs_lacks_is_not_theirs(write):
    write("import nowhere")
    text = "layers.py, line 1: ModuleNotFoundError: No module named 'nowhere'"
    assert message("layers:L") == text


def test_the_line_is_never_of_an_installed_package(write, tmp_path, monkeypatch):
    write("def divide(x):\n    return x / 0", "site-packages/installed.py")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    write("from helper import L")
    write(LAYER.format("import installed; installed.divide(x)"), "helper.py")
    text = "helper.py, line 3, in forward: ZeroDivisionError: float division by zero"
    assert message("layers.py:L") == text


def test_a_file_that_cannot_be_decoded_is_an_error_of_theirs(write):
    write("").write_bytes(b"x = '\xff'\n")
    assert message("layers.py:L").startswith("layers.py, line 1: SyntaxError: ")


def test_a_control_c_passes_through(write):
    write(LAYER.format("raise KeyboardInterrupt"))
    out = sys.stdout
    layer = load("layers.py:L")()
    with pytest.raises(KeyboardInterrupt):
        layer.forward(1)
    assert sys.stdout is out


@pytest.mark.parametrize("where", ["repo", "elsewhere"])
def test_a_file_in_a_package_imports_as_it_would_there(write, tmp_path, monkeypatch, where):
    write("", "repo/kit/__init__.py")
    write("import beside\nfrom kit.functions import twice\nfrom .functions import twice as same\n"
          "assert twice is same and __name__ == 'kit.layers'\nclass L:\n"
          "    def forward(self, x): return twice(x)\n    backward = forward",
          "repo/kit/layers.py")  # fmt: skip
    write("def twice(x): return 2 * x", "repo/kit/functions.py")
    write("", "repo/beside.py")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / where)
    file = "kit/layers.py" if where == "repo" else f"{tmp_path}/repo/kit/layers.py"
    assert run(f"{file}:L") == (6.0, 10.0)
    assert sys.modules["kit"].layers is sys.modules["kit.layers"]


def test_a_file_finds_those_beside_it_and_in_the_working_directory(write):
    write("import near, far\nclass L:\n    def forward(self, x): return near.a + far.b\n"
          "    backward = forward", "some/layers.py")  # fmt: skip
    write("a = 1", "some/near.py")
    write("b = 2", "far.py")
    assert run("some/layers.py:L") == (3, 3)


@pytest.mark.parametrize("name", ["json", "numpy", "typer", "sigcli", "__main__", "ch5.x", "1 x"])
def test_a_file_by_the_name_of_another_module_replaces_nothing(write, name):
    before = {each: sys.modules.get(each) for each in ("json", "numpy", "typer", "sigcli")}
    write(f"import numpy\nassert numpy.pi\n{DOUBLE}", f"{name}.py")
    assert run(f"{name}.py:Double") == (6.0, 10.0)
    assert {each: sys.modules.get(each) for each in before} == before


def test_a_file_beside_theirs_does_not_stand_in_for_the_standard_library(write):
    write(f"import colorsys\ncolorsys.rgb_to_hsv\n{DOUBLE}")
    write("", "colorsys.py")
    assert run("layers.py:Double") == (6.0, 10.0)


def test_a_module_younger_than_what_was_looked_up_is_found(write, tmp_path):
    write(DOUBLE)
    run("layers:Double")
    then = tmp_path.stat().st_mtime_ns
    write(DOUBLE, "younger.py")
    os.utime(tmp_path, ns=(then, then))
    assert run("younger:Double") == (6.0, 10.0)


def test_a_folder_that_no_import_can_name_is_no_package(write):
    write("1 / 0", "my-kit/__init__.py")
    write(DOUBLE, "my-kit/layers.py")
    assert run("my-kit/layers.py:Double") == (6.0, 10.0)


def test_a_package_by_the_name_of_another_keeps_its_relative_imports(write):
    import email

    write("", "email/__init__.py")
    write(DOUBLE, "email/double.py")
    write("from .double import Double", "email/layers.py")
    assert run("email/layers.py:Double") == (6.0, 10.0)
    assert sys.modules["email"] is email


def test_a_package_itself_may_be_the_file(write):
    write("from .double import Double", "kit/__init__.py")
    write(DOUBLE, "kit/double.py")
    assert run("kit/__init__.py:Double") == run("kit:Double") == (6.0, 10.0)
    assert "kit.kit" not in sys.modules


def test_files_of_one_name_are_modules_of_their_own(write):
    write(DOUBLE, "a/layers.py")
    write(DOUBLE.replace("2 *", "4 *"), "b/layers.py")
    write(DOUBLE.replace("2 *", "8 *"), "c/layers.py")
    ran = [run(f"{folder}/layers.py:Double") for folder in "abc"]
    assert ran == [(6, 10), (12, 20), (24, 40)]


def test_a_module_that_its_package_has_imported_is_not_run_again(write):
    write("from .layers import Double", "kit/__init__.py")
    write(DOUBLE, "kit/layers.py")
    assert load("kit/layers.py:Double")().layer.__class__ is sys.modules["kit"].Double


def test_their_folders_come_last_on_the_import_path(write, tmp_path):
    before = [*sys.path]
    write(f"import sys\nsys.path.insert(0, '/theirs')\n{DOUBLE}", "some/layers.py")
    load("some/layers.py:Double")
    assert sys.path[: len(before)] == before
    assert sys.path[len(before) :] == ["/theirs", str(tmp_path / "some"), str(tmp_path)]


def test_a_module_that_failed_is_not_left_behind(write):
    write("1 / 0")
    message("layers.py:L")
    assert "layers" not in sys.modules


PRINTS = """
import os, subprocess, sys
def say(where):
    print("python", where)
    sys.__stdout__.write(f"kept {where}\\n")
    os.write(1, f"descriptor {where}\\n".encode())
    subprocess.run(["echo", "program", where])
say("import")
class L:
    def __init__(self): say("construction")
    def forward(self, x): say("forward"); return x
    def backward(self, x): say("backward"); return x
"""

USE = """
import sys
from sigcli.custom.load import load;from sigcli.custom.isolate import apart
print("before", end=" ")
layer = load(sys.argv[1])()
layer.forward(1)
with apart():
    layer.backward(1)
print("after")
"""
END = "\nimport os, sys\nif sys.stdout: sys.stdout.flush()\nos._exit(0)"
DONE = USE.replace('print("after")', 'open("done", "w").write("x")') + END


def test_what_they_print_goes_to_standard_error(program, write):
    write(PRINTS)
    done = program("layers.py:L", hook=USE + END)
    assert (done.code, done.out) == (0, "before after\n"), done.err
    said = {f"{how} {when}" for how in ("python", "kept", "descriptor", "program")
            for when in ("import", "construction", "forward", "backward")}  # fmt: skip
    assert {*done.err.splitlines()} == said


def test_what_they_print_without_an_end_of_line_is_not_lost(program, write):
    write(LAYER.format("print(x, end=';')"))
    done = program("layers.py:L", hook=USE + END)
    assert (done.out, done.err) == ("before after\n", "1;1;")


def test_what_c_code_prints_goes_to_standard_error_too(program, write):
    write(f"import ctypes\nctypes.CDLL(None).puts(b'from C')\n{DOUBLE}")
    done = program("layers.py:Double", hook=USE + END)
    assert (done.out, done.err) == ("before after\n", "from C\n")


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_a_closed_descriptor_is_no_fault_and_stays_closed(program, write, closed):
    write(PRINTS.replace("sys.__stdout__.write", "(lambda text: None)"))
    check = (
        f"\nimport os\nfor n in {closed}:\n    try: os.fstat(n)\n"
        "    except OSError: print(file=open('done', 'a'))"
    )
    hook = USE + check + END
    ran = program("layers.py:L", hook=hook, preexec_fn=lambda: [os.close(n) for n in closed])
    assert (ran.code, os.path.getsize("done")) == (0, len(closed))


def test_what_a_full_standard_error_does_not_take_is_lost(program, write):
    write(LAYER.format("print(x, flush=True)"))
    with open("/dev/full", "w") as full:
        program("layers.py:L", hook=DONE, stderr=full)
    assert os.path.getsize("done") == 1


@pytest.mark.parametrize("stream", [None, io.StringIO()], ids=["none", "closed"])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_stream_that_is_gone_is_no_fault(write, monkeypatch, name, stream):
    if stream is not None:
        stream.close()
    write(LAYER.format("print(x, flush=True)"))
    monkeypatch.setattr(sys, name, stream)
    assert run("layers.py:L") == (3.0, 5.0)
    assert getattr(sys, name) is stream


def test_streams_that_were_replaced_are_used_and_restored(write, capsys):
    write("import sys\nprint('import')\nsys.stdout = sys.stderr = None\n" + DOUBLE)
    out, err = sys.stdout, sys.stderr
    load("layers.py:Double")
    assert (sys.stdout, sys.stderr) == (out, err)
    print("ours")
    assert capsys.readouterr() == ("ours\n", "import\n")


def test_apart_within_apart_does_nothing(capsys):
    with apart():
        out = sys.stdout
        with apart():
            assert sys.stdout is out
            print("inner")
        print("outer")
    print("ours")
    assert capsys.readouterr() == ("ours\n", "inner\nouter\n")


def test_apart_keeps_no_descriptor_open():
    with apart():
        pass
    before = os.dup(0)
    os.close(before)
    for _ in range(3):
        with apart():
            pass
    after = os.dup(0)
    os.close(after)
    assert after == before


def test_no_bytecode_is_left_beside_their_files(process, write, tmp_path):
    write("import late_at_import\nclass L:\n    def forward(self, x):\n        import late\n"
          "        return x\n    backward = forward", "kit/layers.py")  # fmt: skip
    write("", "kit/__init__.py")
    write("", "kit/late.py")
    write("", "kit/late_at_import.py")
    hook = f"{USE}\nassert not sys.dont_write_bytecode{END}"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = process("kit/layers.py:L", hook=hook, env=environment)
    assert (done.code, done.err) == (0, "")
    assert [*tmp_path.rglob("*.pyc")] == []


def test_what_they_set_is_restored(write, tmp_path):
    write(
        "import os, sys, warnings\nimport numpy as np\n"
        "def mess():\n    np.seterr(all='raise')\n    warnings.simplefilter('always')\n"
        "    os.chdir('/')\n    sys.dont_write_bytecode = False\n"
        "mess()\nclass L:\n    def __init__(self): mess()\n"
        "    def forward(self, x): mess(); return x\n    backward = forward\n"
    )
    filters, error, bytecode = [*warnings.filters], np.geterr(), sys.dont_write_bytecode
    run("layers.py:L")
    assert (warnings.filters, np.geterr()) == (filters, error)
    assert (os.getcwd(), sys.dont_write_bytecode) == (str(tmp_path), bytecode)
    layer = load("layers.py:L")()
    with apart():
        layer.forward(1.0)
        assert np.geterr() == error


def test_what_they_set_of_numpy_lasts_for_themselves(write):
    write("import numpy as np\nnp.seterr(over='raise')\n" + LAYER.format("np.exp(x)"))
    layer = load("layers.py:L")()
    with pytest.raises(LayerError, match="line 5, in forward: FloatingPointError"):
        layer.forward(np.array([1000.0]))


def test_two_layers_may_run_at_the_same_time(write):
    write("import threading\nboth = threading.Barrier(2, timeout=10)\n"
          + LAYER.format("both.wait()"))  # fmt: skip
    new = load("layers.py:L")
    with apart(), ThreadPoolExecutor(2) as pool:
        assert [*pool.map(lambda layer: layer.forward(1), [new(), new()])] == [1, 1]


def test_an_overflow_is_no_warning(write):
    write("import numpy as np\n" + LAYER.format("np.exp(x) / 0"))
    load("layers.py:L")().forward(np.array([1000.0]))


def test_attributes_are_those_of_the_layer():
    layer = load("sigcli.layer:Sigmoid")()
    assert not hasattr(layer, "_tail")
    assert isinstance(layer.layer, Sigmoid)
    assert layer.ulps == Sigmoid.ulps
    assert layer.complement([0.0]) == [0.5]
    assert getattr(layer, "scale", None) is None
    assert getattr(layer, "__array__", None) is None


def test_what_an_attribute_raises_is_a_layer_error_too(write):
    write(DOUBLE + "    def complement(self, x):\n        1 / 0\n"
          "    @property\n    def ulps(self):\n        1 / 0\n")  # fmt: skip
    layer = load("layers.py:Double")()
    text = "ZeroDivisionError: division by zero"
    with pytest.raises(LayerError, match=f"layers.py, line 9, in complement: {text}"):
        layer.complement(1)
    with pytest.raises(LayerError, match=f"layers.py, line 12, in ulps: {text}"):
        layer.ulps  # noqa: B018  # the access is what is tested


def test_a_call_costs_little_within_apart(write):
    write(DOUBLE)
    layer = load("layers.py:Double")()
    with apart():
        start = time.perf_counter()
        for _ in range(10_000):
            layer.forward(1.0)
    assert time.perf_counter() - start < 10_000 * 10e-6  # measured: 0.5 µs each
