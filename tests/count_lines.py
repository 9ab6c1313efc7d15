"""How much code there is, and what is too long: ``python -m tests.count_lines``.

A line of code is one that is not blank, no comment, and in no docstring. Tables of data (a
statement at module level of a literal without calls) and the manual do not count.
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "sigcli"
FLOW = (
    "errors",
    "arrays",
    "record",
    "read",
    "layer",
    "custom",
    "check",
    "manual",
    "show",
    "write",
    "cli",
)
LONG_FILE, LONG_FUNCTION = 300, 40
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> set[int]:
    """Return the numbers of the lines that hold code."""
    tree, lines = ast.parse(source), set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, node.end_lineno + 1))  # a docstring
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        literal = isinstance(node.value, ast.Dict | ast.List | ast.Tuple | ast.Set)
        if literal and not any(isinstance(inner, ast.Call) for inner in ast.walk(node.value)):
            lines -= set(range(node.lineno, node.end_lineno + 1))  # a table
    return lines


def functions(tree: ast.AST) -> list[tuple[str, int]]:
    """Return each function with how many lines it has, without its docstring."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                length -= first.end_lineno - first.lineno + 1
            found.append((node.name, length))
    return found


def imports(tree: ast.AST, package: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Return the first folder or file of this package that each import names, and if in a function.

    An import for types alone counts as none.
    """
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    inside = {
        inner for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    }  # fmt: skip
    found = []
    for node in ast.walk(tree):
        if node in skipped or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        target = ""
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - node.level + 1]
            path = (*above, *(node.module or node.names[0].name).split("."))
            target = path[1] if len(path) > 1 else node.names[0].name
        found.append((target, node in inside))
    return found


def main() -> None:
    """Print the figures."""
    lines, long_files, long_functions, deferred, against = 0, [], [], 0, []
    for path in sorted(PACKAGE.rglob("*.py")):
        source, name = path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE))
        tree, folder = ast.parse(source), path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        lines += len(code_lines(source))
        if len(source.splitlines()) > LONG_FILE:
            long_files.append(f"{name} {len(source.splitlines())}")
        long_functions += [f"{name} {f} {n}" for f, n in functions(tree) if n > LONG_FUNCTION]
        package = ("sigcli", *path.relative_to(PACKAGE).parts[:-1])
        for target, inside in imports(tree, package):
            deferred += inside
            if target in FLOW and folder in FLOW and FLOW.index(target) > FLOW.index(folder):
                against.append(f"{name} → {target}")
    print(f"{lines} lines of code")
    print(f"{deferred} imports inside functions")
    for what, found in (
        (f"files above {LONG_FILE} lines", long_files),
        (f"functions above {LONG_FUNCTION} lines", long_functions),
        ("imports against the flow", against),
    ):
        print(f"{len(found)} {what}: {'; '.join(found)}")


if __name__ == "__main__":
    main()
