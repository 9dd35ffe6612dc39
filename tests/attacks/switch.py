"""How a defence is switched off in a test: exactly one check is cut out of the product's own code while it runs.

    with unraised(Checks.check, "SENDER_PARTY"): …     the `if` that raises this code is not there
    with edited(lane._aad, ("topic.encode()", "b''")): …    one expression is another one
    with patched(loop, "_bare", lambda record: True): …     one named function is another one

The function stays the same object, only its code is exchanged, so whoever imported it by name runs it without the
check. What is to be cut must stand in the function exactly once; else the switch raises, and the tests that use it
fail: a defence that moved cannot look as if it were switched off. Texts are as `ast.unparse` writes them. There is no
such switch in the product.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType
from typing import Any

from samband.streams import directory_book

__all__ = ["edited", "patched", "together", "unraised"]


@contextmanager
def unraised(function: Any, code: str) -> Iterator[None]:
    """Cut the `if` (one, in this function) whose body raises an error with this code."""
    plain, cut = _plain(function), _Cut(code)
    tree = cut.visit(ast.parse(_text(plain)))
    if cut.found != 1:
        raise LookupError(f"{plain.__qualname__} has {cut.found} checks that raise {code}")
    with _running(plain, ast.unparse(ast.fix_missing_locations(tree))):
        yield


@contextmanager
def edited(function: Any, *changes: tuple[str, str]) -> Iterator[None]:
    """Run a function with pieces of its text exchanged; each stands in it exactly once."""
    plain = _plain(function)
    text = _text(plain)
    for old, new in changes:
        if text.count(old) != 1:
            raise LookupError(f"{plain.__qualname__} has {text.count(old)} times: {old}")
        text = text.replace(old, new)
    with _running(plain, text):
        yield


@contextmanager
def patched(owner: Any, name: str, new: Any) -> Iterator[None]:
    """Give a module or class another value under a name that it has."""
    old, own = inspect.getattr_static(owner, name), name in vars(owner)
    setattr(owner, name, new)
    _forget()
    try:
        yield
    finally:
        _forget()
        if own:
            setattr(owner, name, old)
        else:  # it was a base's
            delattr(owner, name)


@contextmanager
def together(*switches: Callable[[], Any]) -> Iterator[None]:
    """Switch several things off: one defence that stands in several places."""
    with ExitStack() as stack:
        for switch in switches:
            stack.enter_context(switch())
        yield


def _forget() -> None:
    """Forget what this process has verified: with a defence cut out it was verified without, and held for ever."""
    for each in (directory_book._CARDS, directory_book._KEY_CARDS, directory_book._KEYS):
        each._known.clear()


def _plain(function: Any) -> Any:
    """Return the function itself, without cache or method around it."""
    return inspect.unwrap(getattr(function, "__func__", function))


_TEXTS: dict[Any, str] = {}
"""The text that a function runs by now, where something is cut out of it."""


def _text(function: Any) -> str:
    return _TEXTS.get(function) or ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))


class _Cut(ast.NodeTransformer):
    """Takes out an `if` that raises a code."""

    def __init__(self, code: str) -> None:
        self.code, self.found = code, 0

    def visit_If(self, node: ast.If) -> ast.AST:
        """Replace the statement by nothing, its `else` apart."""
        self.generic_visit(node)
        if not any(isinstance(each, ast.Raise) and self._raises(each) for each in node.body):
            return node
        self.found += 1
        return ast.If(test=ast.Constant(value=False), body=[ast.Pass()], orelse=node.orelse)

    def _raises(self, node: ast.Raise) -> bool:
        match node.exc:
            case ast.Call(args=[ast.Constant(value=code), *_]):
                return bool(code == self.code)
        return False


@contextmanager
def _running(function: Any, text: str) -> Iterator[None]:
    old, before = function.__code__, _TEXTS.get(function)
    module = compile(text, old.co_filename, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    (new,) = (each for each in module.co_consts if isinstance(each, CodeType) and each.co_name == function.__name__)
    if new.co_freevars != old.co_freevars:
        raise LookupError(f"{function.__qualname__} closes over {old.co_freevars}")
    function.__code__ = new.replace(co_qualname=old.co_qualname)
    _TEXTS[function] = text
    _forget()
    try:
        yield
    finally:
        _forget()
        function.__code__ = old
        del _TEXTS[function]
        if before is not None:
            _TEXTS[function] = before
