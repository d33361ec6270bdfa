"""A model that translates word for word, and a desk on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.translation import LocalTranslator, TranslationSettings
from tests.monitor.conftest import desk, either_desk
from tests.translation.models import word_for_word

__all__ = ["desk", "either_desk"]

WORDS = {
    "Попов": "Popov",
    "снят": "dismissed",
    "с": "from",
    "должности.": "office.",
    "Удар": "Strike",
    "по": "on",
    "штабу.": "headquarters.",
    "Да.": "Yes.",
    '"Да"': '"Yes"',
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model from Russian."""
    return word_for_word(tmp_path_factory.mktemp("models") / "opus-ru-en", WORDS)


@pytest.fixture
async def translator(model: Path) -> AsyncIterator[LocalTranslator]:
    """Its process, started when first needed."""
    translator = LocalTranslator(TranslationSettings(models={"ru": model}))
    yield translator
    await translator.close()
