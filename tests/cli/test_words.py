from __future__ import annotations

import numpy as np
import pytest

from sigcli.cli.words import FLAG, ONE, RUN, rewrite
from sigcli.errors import UsageError

ARITIES = {
    "--dout": RUN, "--y": RUN, "--rtol": ONE, "--format": ONE, "-o": ONE, "-e": ONE,
    "--textbook": FLAG, "-h": FLAG, "--help": FLAG,
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "options", "positional"),
    [
        ("24 32 5", "", "24 32 5"),
        ("-1 .5 -2", "", "-1 .5 -2"),
        ("-1e-3 2", "", "-1e-3 2"),
        ("-inf -nan -.5 -Infinity", "", "-inf -nan -.5 -Infinity"),
        ("24 --rtol -3 5", "--rtol=-3", "24 5"),
        ("24 32 5 --dout 1 0.5 -2", "--dout=1 --dout=0.5 --dout=-2", "24 32 5"),
        ("24 32 5 --dout 1,0.5,-2", "--dout=1,0.5,-2", "24 32 5"),
        ("24 --dout 1 --dout -2", "--dout=1 --dout=-2", "24"),
        ("--dout=1 24 32", "--dout=1", "24 32"),
        ("--dout=-1 -24", "--dout=-1", "-24"),
        ("--dout 1 24 32 5", "--dout=1 --dout=24 --dout=32 --dout=5", ""),
        ("--dout 1 2 --textbook 24 32", "--dout=1 --dout=2 --textbook", "24 32"),
        ("--dout 1 2 -- 24 -32", "--dout=1 --dout=2", "24 -32"),
        ("--dout [1,2] 24 32", "--dout=[1,2]", "24 32"),
        ("--dout [1, -2] 24 32", "--dout=[1, --dout=-2]", "24 32"),
        ("--dout [[1, 2], [3, 4]] 24", "--dout=[[1, --dout=2], --dout=[3, --dout=4]]", "24"),
        ("--dout [1, 24 --rtol 3", "--dout=[1, --dout=24 --rtol=3", ""),
        ("--dout array([1,2]) 24", "--dout=array([1,2])", "24"),
        ("--dout @d.npy 24 32", "--dout=@d.npy", "24 32"),
        ("--dout - 24 32", "--dout=-", "24 32"),
        ("--dout 1 2 @x.npy", "--dout=1 --dout=2", "@x.npy"),
        ("- --dout 1 2", "--dout=1 --dout=2", "-"),
        ("24 --textbook -5", "--textbook", "24 -5"),
        ("24 -o f.json 32", "-of.json", "24 32"),
        ("24 -o - 32", "-o-", "24 32"),
        ("-of.json 24", "-of.json", "24"),
        ("-∞ -−1 -[1]", "", "-∞ -−1 -[1]"),
        ("-- --dout -1", "", "--dout -1"),
        ("-１", "", "-１"),
    ],
)
def test_each_word_goes_where_it_was_meant(line, options, positional):
    expected = [*options.split(), "--", *positional.split()]
    assert rewrite(line.split(), ARITIES) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("24 --dout", "--dout needs a value, such as --dout 1 0.5 -2"),
        ("24 --dout --rtol 1", "--dout needs a value, such as --dout 1 0.5 -2"),
        ("24 --rtol", "--rtol needs a value"),
        ("24 --rtol --format csv", "--rtol needs a value"),
        ("24 --rtol -- 3", "--rtol needs a value"),
        ("24 --duot 1", "no option '--duot'; did you mean --dout?"),
        ("24 --duot=1", "no option '--duot'; did you mean --dout?"),
        ("24 -dout 1", "no option '-dout'; did you mean --dout?"),
        ("24 -x", "no option '-x'"),
        ("24 -info", "no option '-info'"),
        ("24 --textbook=1", "--textbook takes no value"),
    ],
)
def test_what_is_no_option_or_lacks_its_value_is_refused(line, message):
    with pytest.raises(UsageError) as caught:
        rewrite(line.split(), ARITIES)
    assert str(caught.value) == message


def test_no_word_is_lost_and_none_changes_its_order():
    rng = np.random.default_rng(11)
    words = ["1", "-2", ".5", "-1e-3", "-inf", "--dout", "--y", "--rtol", "--textbook", "[1,",
             "2]", "@f", "-", "--dout=7", "a b", ""]  # fmt: skip
    for _ in range(3000):
        line = list(rng.choice(words, rng.integers(0, 12)))
        try:
            result = rewrite(line, ARITIES)
        except UsageError:
            continue
        cut = result.index("--")
        values = [word.partition("=")[2] for word in result[:cut] if "=" in word]
        given = [w.partition("=")[2] if "=" in w else w for w in line if not w.startswith("--d")
                 or "=" in w]  # fmt: skip
        given = [w for w in given if w not in ("--y", "--rtol", "--textbook")]
        assert sorted(values + result[cut + 1 :]) == sorted(given)
        positional = iter(line)
        assert all(word in positional for word in result[cut + 1 :]), line
