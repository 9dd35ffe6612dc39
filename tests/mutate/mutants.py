"""Small wrong versions of a module, one change each: what a test suite must notice.

    comparison   == for !=, < for <=, in for not in, is for is not
    boolean      and for or, one operand left out, not left out, any for all
    constant     a number one more, True for False, another code word
    return       nothing instead of the value
    condition    a test that always holds or never does, a filter left out
    statement    a check, a change or a `continue` left out
    arithmetic   + for -, & for |

Left alone are docstrings, annotations, `__all__`, imports and sentences: what only people read, no test should repeat.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mult: ast.Add,
}  # fmt: skip
_SWAPPED = {"any": "all", "all": "any", "max": "min", "min": "max"}
_SHOWN = 60
_CODE = re.compile(r"[A-Za-z0-9_.:-]*")


@dataclass(frozen=True)
class Mutant:
    """One wrong version."""

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every wrong version of a module, each once."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for path, node in _nodes(tree):
        for what, new in _changes(node):
            changed = copy.deepcopy(tree)
            _put(changed, path, new)
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                yield Mutant(_line(node), f"{what}: {_short(node)} → {_short(new)}", text)


def _line(node: ast.AST) -> int:
    return min((each.lineno for each in ast.walk(node) if hasattr(each, "lineno")), default=0)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


Path = tuple[tuple[str, int | None], ...]


def _nodes(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    """Yield every node that may be changed, with the way to it."""
    yield path, node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for at, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST) and not _left_alone(child):
                yield from _nodes(child, (*path, (name, at)))


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _put(tree: ast.AST, path: Path, new: ast.AST) -> None:
    for name, at in path[:-1]:
        value = getattr(tree, name)
        tree = value if at is None else value[at]
    name, at = path[-1]
    if at is None:
        setattr(tree, name, new)
    else:
        getattr(tree, name)[at] = new


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what a node may be changed to."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARE:
            yield "comparison", _with(node, ops=[_COMPARE[type(op)]()])
            if isinstance(op, ast.Lt | ast.GtE):
                yield "comparison", _with(node, ops=[ast.GtE() if isinstance(op, ast.Lt) else ast.Lt()])
        case ast.Compare(ops=[first, second]):
            yield "comparison", _with(node, ops=[_COMPARE[type(first)](), second])
            yield "comparison", _with(node, ops=[first, _COMPARE[type(second)]()])
        case ast.BoolOp(op=op, values=values):
            yield "boolean", _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for at in range(len(values)):
                rest = values[:at] + values[at + 1 :]
                yield "boolean", rest[0] if len(rest) == 1 else _with(node, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "boolean", operand
        case ast.Call(func=ast.Name(id=name)) if name in _SWAPPED:
            yield "boolean", _with(node, func=ast.Name(_SWAPPED[name], ast.Load()))
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield "arithmetic", _with(node, op=_ARITHMETIC[type(op)]())
        case ast.If(test=test) | ast.IfExp(test=test):
            yield from (("condition", _with(node, test=ast.Constant(held))) for held in (True, False))
            del test
        case ast.comprehension(ifs=ifs) if ifs:
            yield "condition", _with(node, ifs=[])
        case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
            yield "return", _with(node, value=ast.Constant(None))
        case ast.Raise() | ast.Continue() | ast.AugAssign() | ast.Expr():
            yield "statement", ast.Pass()
        case ast.Constant(value=bool() as held):
            yield "constant", ast.Constant(not held)
        case ast.Constant(value=int() as number):
            yield "constant", ast.Constant(number + 1)
        case ast.Constant(value=str() as word) if _CODE.fullmatch(word):
            yield "constant", ast.Constant(word + "X")


def _with(node: ast.AST, **changes: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in changes.items():
        setattr(new, name, value)
    return new
