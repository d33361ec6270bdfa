"""Written text becomes English, in a process of its own; with speech, the only room that imports ctranslate2.

Nothing here runs unless the settings name a model.
"""

from bot.translation.folder import check_folder
from bot.translation.settings import TranslationSettings
from bot.translation.translator import LocalTranslator
from bot.translation.worker import TranslationWorker

__all__ = ["LocalTranslator", "TranslationSettings", "TranslationWorker", "check_folder"]
