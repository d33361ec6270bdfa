"""Makes a TL object of any class with the smallest values that its signature allows."""

import inspect
import types as python_types
import typing
from datetime import UTC, datetime
from typing import Any

from telethon.tl import TLObject, types

MOMENT = datetime(2023, 7, 12, 18, 0, tzinfo=UTC)
_PLAIN: dict[Any, Any] = {int: 1, str: "слово", bytes: b"\1", bool: True, float: 1.5, datetime: MOMENT}

# The generated module of `messages.*` types lacks the aliases that annotations use.
_NAMES = {f"Type{name}": thing for name, thing in vars(types.messages).items()} | vars(types)


def family(prefix: str) -> list[type]:
    """Every TL class whose name begins with `prefix`, in a stable order."""
    found = [thing for name, thing in vars(types).items() if name.startswith(prefix) and inspect.isclass(thing)]
    return sorted((cls for cls in found if issubclass(cls, TLObject)), key=lambda cls: cls.__name__)


def minimal(tl_class: type, *, optional: bool = False) -> Any:
    """An object of `tl_class` with its required fields, and with `optional` all fields that are not flags."""
    signature = inspect.signature(tl_class.__init__)
    if "kwargs" in signature.parameters:
        return tl_class()
    hints = typing.get_type_hints(tl_class.__init__, _NAMES)
    wanted = {
        name: hints[name]
        for name, parameter in signature.parameters.items()
        if name != "self" and (optional or parameter.default is inspect.Parameter.empty)
    }
    return tl_class(**{name: _value(hint) for name, hint in wanted.items()})


def _value(hint: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, python_types.UnionType):
        return _value(next(choice for choice in typing.get_args(hint) if choice is not type(None)))
    if origin is list:
        return [_value(typing.get_args(hint)[0])]
    if isinstance(hint, typing.ForwardRef):
        return _value(getattr(types, hint.__forward_arg__))
    return _PLAIN[hint] if hint in _PLAIN else minimal(hint)
