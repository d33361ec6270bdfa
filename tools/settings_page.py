"""Write docs/settings.md from the settings as declared: `python tools/settings_page.py > docs/settings.md`."""

from enum import Enum
from pathlib import PurePath
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.config import ENVIRONMENT, Settings

HEAD = """# Settings

Everything that `earshot.yaml` may hold. Paths are relative to that file. An unknown key is refused. Secrets are read from files or the environment,
never from the YAML itself. This page is made from the code by `python tools/settings_page.py`; a test holds it to the code.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, *_section(Settings, "")]
    parts.append("\n## Environment\n\n| variable | instead of |\n|---|---|")
    parts += [f"| `{variable}` | `{setting}` |" for variable, setting in ENVIRONMENT.items()]
    parts.append("| `EARSHOT_CONFIG` | `--config` |")
    return "\n".join(parts) + "\n"


def _section(model: type[BaseModel], prefix: str) -> list[str]:
    lines = [
        f"## {prefix.rstrip('.') or 'At the top'}\n",
        (model.__doc__ or "").strip(),
        "\n| key | default | what it does |",
        "|---|---|---|",
    ]
    nested: list[str] = []
    for name, field in model.model_fields.items():
        inner = _inner(field)
        if inner is not None:
            nested += ["", *_section(inner, f"{prefix}{name}.")]
        if inner is None or field.description:
            lines.append(f"| `{prefix}{name}` | {_default(field)} | {field.description} |")
    return lines + nested


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        value = "[" + ", ".join(item.value if isinstance(item, Enum) else str(item) for item in value) + "]"
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value.as_posix() if isinstance(value, PurePath) else value}`"


if __name__ == "__main__":
    print(page(), end="")
