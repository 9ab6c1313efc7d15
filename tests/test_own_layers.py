"""`sigcli gradcheck` on layers of the user's own, and on gradients given in numbers."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

LAYERS = """
import numpy as np
print("hello from the layer")

class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out
    def backward(self, dout):
        return dout * (1 - self.out) * self.out

class Squared(Sigmoid):
    def backward(self, dout):
        return dout * self.out * self.out

class Relu:
    def forward(self, x):
        self.mask = x <= 0
        return x * ~self.mask
    def backward(self, dout):
        dout[self.mask] = 0
        return dout

class Loud(Sigmoid):
    def backward(self, dout):
        print("backward")
        return super().backward(dout)

class Failing(Sigmoid):
    def backward(self, dout):
        return dout * self.ou

class Dropout:
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > 0.5
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask

class Affine:
    def __init__(self, W):
        self.W = W
    def forward(self, x):
        return x @ self.W
    def backward(self, dout):
        return dout @ self.W.T

def affine():
    return Affine(np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]]))

class Loss(Sigmoid):
    def forward(self, x):
        return super().forward(x).mean()
    def backward(self, dout):
        return (1 - self.out) * self.out / self.out.size

class Signed:
    def forward(self, x):
        self.x = x
        return x * np.abs(x)
    def backward(self, dout):
        return dout * 2 * np.abs(self.x)

class Abs:
    def forward(self, x):
        self.sign = np.sign(x)
        return np.abs(x)
    def backward(self, dout):
        return dout * self.sign
"""


def line(end: str) -> int:
    """Return which line of the layers ends in `end`."""
    return next(i for i, text in enumerate(LAYERS.splitlines(), 1) if text.endswith(end))


@pytest.fixture(autouse=True)
def layers(tmp_path, monkeypatch):
    (tmp_path / "layers.py").write_text(LAYERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(sigcli, *args: str) -> tuple[int, dict]:
    ran = sigcli("gradcheck", *args, "--format", "json")
    return ran.code, json.loads(ran.out)


def test_a_right_layer_exits_0_and_what_it_prints_is_on_standard_error(program):
    ran = program("gradcheck", "1", "2", "--layer", "layers.py:Loud", "--format", "plain")
    assert (ran.code, ran.out) == (0, "pass\npass\n")
    assert ran.err.startswith("hello from the layer\n")
    assert "backward\n" in ran.err


def test_a_wrong_layer_exits_1_and_is_told_what_is_wrong(sigcli):
    code, found = checked(sigcli, "-1", "0", "2", "--layer", "layers.py:Squared")
    assert code == 1
    assert found["verdicts"] == ["wrong", "pass", "wrong"]
    assert found["mistake"] == "dout times y · y, in place of y · (1 − y)"


def test_a_broken_promise_exits_1_though_all_gradients_pass(sigcli):
    code, found = checked(sigcli, "-1", "2", "--layer", "layers.py:Relu")
    assert (code, found["verdict"]) == (1, "pass")
    assert found["broken_promises"] == ["backward changes the dout of its caller"]


def test_what_is_not_verified_is_said_beside_any_form_of_the_result(sigcli, layers):
    args = "gradcheck", "-1", "2", "--layer", "layers.py:Relu"
    broken = "sigcli: Broken promise: backward changes the dout of its caller."
    for more in (["--format", "plain"], ["--format", "csv"], ["--output", "check.json"]):
        assert broken in sigcli(*args, *more).err.splitlines()
        assert broken not in sigcli(*args, *more, "--quiet").err.splitlines()
    assert "Broken promise" not in sigcli(*args).err
    ran = sigcli("gradcheck", "1", "2", "--format", "plain")
    assert (ran.code, ran.err) == (0, "")


def test_an_unresolved_layer_exits_3(sigcli):
    code, found = checked(sigcli, "0", "1", "--layer", "layers.py:Abs")
    assert (code, found["verdicts"]) == (3, ["unresolved", "pass"])
    assert found["reasons"][0] == (
        "kink: dx is -1.5 to the left of x and 1.5 to the right, and backward took neither; "
        "take x elsewhere"
    )


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (["--layer", "layers.py:Failing", "1"],
         f"layers.py, line {line('dout * self.ou')}, in backward: AttributeError: "
         "'Failing' object has no attribute 'ou'"),
        (["--layer", "layers.py:Dropout", *map(str, range(1, 61))],  # two masks are never the same
         "forward gives two different y for the same x"),
        (["--layer", "layers.py:Affine"],
         "--layer: layers.py:Affine needs W; name a function that builds it, such as "
         "'def layer(): return Affine(W)'"),
        (["--layer", "layers.py:affine", "--shape", "2,5"],
         f"layers.py, line {line('x @ self.W')}, in forward: ValueError: matmul"),
        (["--layer", "nowhere.py:A"], "--layer: no file 'nowhere.py'"),
        (["1", "--shape", "2"], "--shape is for points to be drawn; drop X"),
        (["--shape", "2"], "--shape is for points to be drawn; give --layer"),
        (
            ["1", "--dx", "0.2"],
            "dx comes without the dout that it was computed with; give dout too",
        ),
        (["1", "--method", "forward"], "--method: no 'forward'; choose central or complex"),
        (["1", "--samples", "0"], "--samples: '0' is not a whole number from 1 to 100000000"),
        (["1", "--why", "1"], "why: x has no element 1; 0 to 0 are there"),
        (["1", "--seed", "-1"], "--seed: '-1' is not a whole number from 0 to 100000000"),
        (["--layer", "layers.py:Sigmoid", "--shape", "0"],
         "--shape: '0' is not a whole number from 1 to 100000000"),
        (["--layer", "layers.py:Sigmoid", "--shape", "99999,99999"],
         "--shape: '99999,99999' holds more than 100000000 numbers"),
        (["1", "2", "--dout", "1", "1", "--dx", "1", "2", "3"],
         "dx has the shape (3,) where x has (2,); expected the same shape, or a single number"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_exit_2(sigcli, args, error):
    ran = sigcli("gradcheck", *args)
    assert (ran.code, ran.out) == (2, "")
    (said,) = [text for text in ran.err.splitlines() if text != "hello from the layer"]
    assert said.startswith(f"sigcli: {error}")


def test_a_drawn_x_of_the_wrong_shape_says_how_to_give_another(sigcli, layers):
    (layers / "four.py").write_text(
        "class Four:\n def forward(self, x):\n  n, c, h, w = x.shape\n  return x\n"
        " def backward(self, dout): return dout\n"
    )
    ran = sigcli("gradcheck", "--layer", "four.py:Four")
    assert ran.err == (
        "sigcli: four.py, line 3, in forward: ValueError: not enough values to unpack (expected 4, "
        "got 2); x was drawn with the shape (4, 3): give X, or another --shape\n"
    )
    assert sigcli("gradcheck", "--layer", "four.py:Four", "--shape", "1,2,1,2").code == 0


def test_points_are_drawn_by_seed_and_shape(sigcli):
    _, first = checked(sigcli, "--layer", "layers.py:Sigmoid")
    _, again = checked(sigcli, "--layer", "layers.py:Sigmoid", "--seed", "0")
    _, other = checked(sigcli, "--layer", "layers.py:Sigmoid", "--seed", "1", "--shape", "5")
    assert first["x"] == again["x"]
    assert np.shape(first["x"]) == (4, 3)
    assert np.shape(other["x"]) == (5,)
    assert np.max(np.abs(first["x"])) < 3


def test_elements_are_drawn_and_say_where_they_stand(sigcli):
    code, found = checked(sigcli, "--layer", "layers.py:affine", "--samples", "4")
    assert code == 0
    assert len(found["x"]) == len(found["analytic"]) == len(set(found["indices"])) == 4
    assert found["x_shape"] == [4, 3]
    _, whole = checked(sigcli, "--layer", "layers.py:affine")
    everything = np.array(whole["analytic"]).reshape(-1)
    assert found["analytic"] == everything[found["indices"]].tolist()
    assert np.shape(found["dout"]) == (4, 2)
    ran = sigcli("gradcheck", "--layer", "layers.py:affine", "--samples", "4", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [3 * int(row["i"]) + int(row["j"]) for row in rows] == found["indices"]
    ran = sigcli("gradcheck", "--layer", "layers.py:affine", "--samples", "4")
    assert "These 4 were drawn from 12." in ran.out.splitlines()


def test_a_loss_that_ignores_dout_is_checked_for_1_and_told_so(sigcli):
    code, found = checked(sigcli, "--layer", "layers.py:Loss")
    assert (code, found["dout"]) == (0, 1.0)
    assert found["advice"] == [
        "backward ignores dout, as a loss at the end of a network may; it is checked for dout 1"
    ]
    assert checked(sigcli, "--layer", "layers.py:Loss", "--dout", "2")[0] == 1


def test_wrong_and_unresolved_rows_stand_first_and_are_in_view_in_a_long_table(sigcli):
    x = [str(v / 100) for v in range(1, 100)]
    ran = sigcli("gradcheck", *x, "0", "--layer", "layers.py:Abs", "--rows", "3")
    body = [line.split() for line in ran.out.splitlines()[2:6]]
    assert body[0][0] == "99"
    assert body[0][-1] == "unresolved"
    assert [row[0] for row in body[1:]] == ["0", "1", "⋮"]
    assert "3 rows shown, 97 left out; --rows all shows all" in ran.out


BOOK = ("24", "32", "5", "--dout", "1", "0.5", "-2")


@pytest.mark.parametrize(
    ("dx", "verdicts", "code"),
    [
        (["3.775e-11", "6.332e-15", "-0.01330"], ["pass"] * 3, 0),
        (["3.775e-11", "6.328e-15", "-0.01330"], ["pass", "wrong", "pass"], 1),
        (["3.775e-11", "6.332e-15", "-0.0133000"], ["pass", "pass", "wrong"], 1),
        (["4e-11", "6.332e-15", "-0.01330"], ["unresolved", "pass", "pass"], 3),
        (["9e-11", "6.332e-15", "-0.01330"], ["wrong", "pass", "pass"], 1),
        (["0", "0.000", "0e9"], ["wrong"] * 3, 1),
        (["3.775134543994064e-11", "6.332082774546927e-15", "-0.013296113341580311"],
         ["pass"] * 3, 0),
    ],
    ids=["four digits", "a wrong digit", "zeros count", "one digit", "one wrong digit", "zeros",
         "all digits"],
)  # fmt: skip
def test_a_gradient_in_numbers_is_as_good_as_its_last_digit(sigcli, dx, verdicts, code):
    """The gradient is 3.7751345e-11, 6.3320828e-15, −0.013296113 (60-digit arithmetic)."""
    assert checked(sigcli, *BOOK, "--dx", *dx)[1]["verdicts"] == verdicts
    assert sigcli("gradcheck", *BOOK, "--dx", *dx).code == code


def test_a_number_is_right_to_as_many_digits_as_it_has(sigcli):
    _, found = checked(sigcli, *BOOK, "--dx", "3.775e-11", "6.3e-15", "-0.013296")
    assert found["digits"] == [4, 2, 5]
    ran = sigcli("gradcheck", *BOOK, "--dx", "3.775e-11", "6.332e-15", "-0.01330")
    assert "All 3 gradients are verified, to 4 digits or more (rtol 1.49e-08)." in ran.out


def test_numbers_from_json_and_npy_are_exact_and_those_in_text_are_not(sigcli, layers):
    rounded = [3.775e-11, 6.332e-15, -0.0133]
    np.save("dx.npy", rounded)
    (layers / "dx.json").write_text(json.dumps(rounded))
    (layers / "dx.txt").write_text("3.775e-11\n6.332e-15\n-0.01330\n")
    for name, verdict in (("dx.npy", "wrong"), ("dx.json", "wrong"), ("dx.txt", "pass")):
        assert checked(sigcli, *BOOK, "--dx", f"@{name}")[1]["verdicts"] == [verdict] * 3


def test_a_dx_of_0_is_right_where_the_gradient_is_0(sigcli):
    code, found = checked(sigcli, "1", "2", "--dout", "0", "1", "--dx", "0", "0.10499")
    assert (code, found["verdicts"]) == (0, ["pass", "pass"])
    assert found["unit"] == [0.0, 1e-05]


def test_few_digits_say_so(sigcli):
    _, found = checked(sigcli, "0", "--dout", "1", "--dx", "0.25")
    assert found["reasons"] == [
        "too few digits: the last digit of dx is worth more than 1 % of it; write more, as 0.250"
    ]


def test_the_textbook_formula_is_wrong_at_32_by_the_complex_step_alone(sigcli):
    args = "--layer", "layers.py:Sigmoid", "32", "40"
    assert checked(sigcli, *args)[1]["verdicts"][1] == "unresolved"
    code, found = checked(sigcli, *args, "--method", "complex")
    assert (code, found["verdicts"]) == (1, ["wrong", "wrong"])
    assert "dout · y · (1 − y) with 1 − y rounded" in found["mistake"]
    assert found["numeric"][0] == pytest.approx(1.5 * 1.2664165549093854e-14, rel=1e-12)


def test_complex_steps_are_not_believed_where_the_code_is_another_function_of_them(sigcli):
    """|x| of a complex number has no imaginary part; x · |x| has half of that it should have."""
    for name, advice in (("Abs", 1), ("Signed", 0)):
        layer = f"layers.py:{name}"
        code, found = checked(sigcli, "1", "-2", "--layer", layer, "--method", "complex")
        assert (code, found["verdicts"]) == (0, ["pass", "pass"])
        assert len(found.get("advice", [])) == advice


def test_the_evidence_of_one_element_is_a_v_of_error_against_step(sigcli):
    _, found = checked(sigcli, *BOOK, "--why", "1")
    why = found["why"]
    assert (why["index"], why["x"], why["function"]) == (1, 32.0, "complement")
    steps = [rung["step"] for rung in why["rungs"]]
    truncations = [rung["truncation"] for rung in why["rungs"]]
    roundings = [rung["rounding"] for rung in why["rungs"]]
    assert steps == sorted(steps, reverse=True)
    least = int(np.argmin(truncations))
    assert 3 < least < len(steps) - 3
    assert truncations[:least] == sorted(truncations[:least], reverse=True)
    assert roundings == sorted(roundings)
    assert why["numeric"] == found["numeric"][1]
    assert why["bound"] == pytest.approx(found["bound"][1], rel=0.01)
    for rung in why["rungs"]:
        assert abs(rung["difference"] - why["numeric"]) == pytest.approx(rung["truncation"])


def test_the_arithmetic_of_dx_is_shown_with_the_error_of_each_step(sigcli):
    _, found = checked(sigcli, *BOOK, "--why", "0")
    arithmetic = found["why"]["arithmetic"]
    assert arithmetic[-1]["step"] == "dx = dout · s · (1 − s)"
    assert arithmetic[-1]["value"] == found["analytic"][0]
    assert all(0 <= step["error_in_ulp"] < 3 for step in arithmetic)
    ran = sigcli("gradcheck", *BOOK, "--why", "0")
    assert "dx = dout · s · (1 − s)" in ran.out


def test_every_element_has_its_reason_and_digits_in_csv(sigcli):
    ran = sigcli("gradcheck", "0", "1", "--layer", "layers.py:Abs", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert rows[0]["reasons"].startswith("kink: dx is -1.5 to the left of x")
    assert [row["digits"] for row in rows] == ["0", "14"]
