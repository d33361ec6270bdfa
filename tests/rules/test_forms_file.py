"""Forms of terms from a file: the same rules, at once; a file that is not to be trusted is made anew."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.forms_file import NAME, parse_with_forms
from bot.config import read_rules
from bot.rules import parse_rules, terms
from bot.rules.slots import Compiled
from bot.rules.terms import kept

pytestmark = pytest.mark.slow

PACKS = Path(__file__).parents[2] / "config" / "rules"
RULES = {
    "r.yaml": """rules:
  - {id: r, match: 'person:"Иван Попов" OR "тяжёлые потери"~2 OR unit:"58-я армия" OR Хаймарс~1 OR прилет* OR /зу/'}
"""
}
# A new process, as forms are also kept in memory. Dictionaries are loaded when they are first asked.
LOAD = """
import json, sys
from pathlib import Path
from bot.rules.forms.dictionary import analyzer
from bot.app.forms_file import parse_with_forms
parse_with_forms(json.loads(sys.argv[1]), Path(sys.argv[2]), keep=True)
print(analyzer.cache_info().currsize)
"""


def _dictionaries_loaded(files: dict[str, str], folder: Path) -> int:
    command = [sys.executable, "-c", LOAD, json.dumps(files), str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def test_a_second_process_makes_no_forms(tmp_path: Path) -> None:
    """The dictionaries, which only the making of forms needs here, are not loaded again."""
    assert _dictionaries_loaded(RULES, tmp_path) > 0
    assert (tmp_path / NAME).is_file()
    assert _dictionaries_loaded(RULES, tmp_path) == 0


def test_every_term_of_the_packs_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths, slots, forms with their reasons and guards, and dropped forms survive the file, in their order."""
    monkeypatch.setattr(kept, "_known", {})
    rules = parse_with_forms(read_rules(PACKS), tmp_path, keep=True)
    made = {text: term for text, term in kept._known.items() if isinstance(term, Compiled)}
    monkeypatch.setattr(kept, "_known", {})
    assert terms.unpack((tmp_path / NAME).read_bytes()) == rules.inflected
    assert len(kept._known) == len(made) > 500
    for text, term in kept._known.items():
        assert isinstance(term, Compiled)
        assert (term.text, term.paths, term.dropped) == (made[text].text, made[text].paths, made[text].dropped)
        for ours, theirs in zip(term.paths, made[text].paths, strict=True):
            assert [list(slot.forms) for slot in ours.slots] == [list(slot.forms) for slot in theirs.slots]


@pytest.mark.parametrize("spoil", ["cut", "changed", "empty", "of another engine"])
def test_a_spoilt_file_is_made_anew(tmp_path: Path, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a full disk or another version left there, no form is missing and the file is whole afterwards."""
    monkeypatch.setattr(kept, "_known", {})
    parse_with_forms(RULES, tmp_path, keep=True)
    whole = (tmp_path / NAME).read_bytes()
    spoilt = {
        "cut": whole[:-40],
        "changed": whole.replace("поповым".encode(), "попавым".encode()),
        "empty": b"",
        "of another engine": b"0" + whole[1:] if whole[:1] != b"0" else b"1" + whole[1:],
    }[spoil]
    assert spoilt != whole
    (tmp_path / NAME).write_bytes(spoilt)
    with pytest.raises(ValueError, match="spoilt"):
        terms.unpack(spoilt)
    monkeypatch.setattr(kept, "_known", {})
    rules = parse_with_forms(RULES, tmp_path, keep=True)
    assert rules.try_rule("r", "с Иваном Поповым") is not None
    assert (tmp_path / NAME).read_bytes() == whole


def test_without_a_folder_the_rules_are_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs before the first start, or may not write, says nothing and leaves nothing behind."""
    monkeypatch.setattr(kept, "_known", {})
    assert parse_with_forms(RULES, tmp_path / "missing", keep=True).rules == parse_rules(RULES).rules
    (tmp_path / NAME).mkdir()
    assert parse_with_forms(RULES, tmp_path, keep=True).rules == parse_rules(RULES).rules
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_only_the_daemon_writes(tmp_path: Path) -> None:
    """A command that looks at the rules leaves the data folder as it was."""
    parse_with_forms(RULES, tmp_path)
    assert list(tmp_path.iterdir()) == []
