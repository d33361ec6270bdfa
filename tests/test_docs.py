"""The prose keeps its promises: settings, example files and commands are what the code says."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from bot.config import ENVIRONMENT, Settings, load_config
from tools.settings_page import page

ROOT = Path(__file__).resolve().parents[1]


def _keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _keys(kind, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found


def _flat(data: dict[str, object], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in data.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


def test_every_setting_is_on_the_settings_page() -> None:
    """docs/settings.md is what the declarations say, word for word."""
    assert (ROOT / "docs/settings.md").read_text("utf-8") == page()


def test_every_setting_is_in_the_example_file() -> None:
    """config/earshot.yaml names each setting once, with a comment near it."""
    text = (ROOT / "config/earshot.yaml").read_text("utf-8")
    assert _flat(yaml.safe_load(text)) == _keys(Settings)


def test_the_example_holds_the_defaults() -> None:
    """What the example file says is what an absent key means (but for api_id, which has no default)."""
    given = yaml.safe_load((ROOT / "config/earshot.yaml").read_text("utf-8"))
    assert Settings.model_validate(given) == Settings.model_validate(
        {"telegram": {"api_id": given["telegram"]["api_id"]}}
    )


def test_the_example_configuration_loads() -> None:
    """The shipped configuration is valid as it is, with at least 40 channels and some rules."""
    config = load_config(ROOT / "config/earshot.yaml", environment={})
    assert len(config.channels) >= 40
    assert config.rules


@pytest.mark.parametrize("page_name", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_links_between_pages_lead_somewhere(page_name: str) -> None:
    """Every relative link on a page names a file that is there."""
    path = ROOT / page_name
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", path.read_text("utf-8"))
    missing = [link for link in links if not (path.parent / link).exists()]
    assert missing == []


def test_every_environment_variable_is_on_the_settings_page() -> None:
    """Secrets from the environment are documented by name."""
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    assert [name for name in ENVIRONMENT if name not in text] == []
