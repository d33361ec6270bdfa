"""`earshot rules`: cases, explanations, export and import."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.cli import cli
from bot.cli.guard import guard
from bot.config import ENVIRONMENT, load_config
from bot.rules import parse_rules
from tests.configured import Folder, server_key

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secrets in the environment."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def key() -> str:
    """One server key for all."""
    return server_key()


@pytest.fixture
def folder(tmp_path: Path, key: str) -> Iterator[Folder]:
    """A configuration with one short rule file."""
    with ExitStack() as stack:
        folder = Folder(tmp_path / "earshot", stack, key=key)
        for file in (folder.path / "rules").rglob("*.yaml"):
            file.unlink()
        folder.write("rules/axis.yaml", "rules:\n  - {id: strike, match: $hit OR =РЭБ, severity: high}\n")
        folder.write("rules/lists/hits.yaml", "terms:\n  hit: [удар, взрыв]\n")
        yield folder


def call(folder: Folder, *arguments: str) -> int:
    """Run `earshot rules ARGUMENTS` on the folder; the exit code."""
    return guard(cli, ["--config", str(folder.path), "rules", *arguments])


def bare(*arguments: str) -> int:
    """The same where there is no configuration."""
    return guard(cli, ["rules", *arguments])


def rule_files(folder: Folder) -> dict[str, str]:
    """What lies in the rules folder."""
    root = folder.path / "rules"
    return {str(path.relative_to(root)): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}


# --- cases ------------------------------------------------------------------------------------------------------------

_RIGHT: list[dict[str, object]] = [
    {"id": "a", "rule": "удар", "text": "Был удар.", "expect_match": True, "expect_span": "удар"},
    {"id": "b", "rule": "удар", "text": "Тихо.", "expect_match": False, "expect_span": "удар"},
    {"id": "c", "rule": "=РЭБ AND удар", "text": "удар по РЭБ", "expect_match": True, "kind": "transcript"},
]


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file for cases, in a folder where nothing else is."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return tmp_path / "cases.json"


def test_right_cases_end_with_0(cases: Path, capsys: Capture) -> None:
    """Where every case is as expected, with exact spans, the exit code is 0; no configuration is needed."""
    cases.write_text(json.dumps(_RIGHT), "utf-8")
    assert bare("test", "--cases", str(cases), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {name: said[name] for name in ("right", "wrong", "total")} == {"right": 3, "wrong": 0, "total": 3}
    first = said["cases"][0]
    assert (first["id"], first["right"], first["matched"]) == ("a", True, True)
    assert [(span["text"], span["start"], span["end"], span["reason"]) for span in first["spans"]] == [
        ("удар", 4, 8, "exact")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "w", "rule": "удар", "text": "Тихо.", "expect_match": True},
        {"id": "w", "rule": "удар", "text": "Был удар.", "expect_match": False},
        {"id": "w", "rule": "удар", "text": "Был удар.", "expect_match": True, "expect_span": "Был удар"},
        {"id": "w", "rule": "удар AND (", "text": "удар", "expect_match": True},
        {"id": "w", "rule": "удар AND (", "text": "удар", "expect_match": False},
    ],
)
def test_one_wrong_case_ends_with_1(wrong: dict[str, object], cases: Path, capsys: Capture) -> None:
    """A match too many or too few, another span, or a query that does not compile, is wrong; the rest is still run."""
    cases.write_text(json.dumps([wrong, *_RIGHT]), "utf-8")
    assert bare("test", "--cases", str(cases), "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert [case["right"] for case in said["cases"]] == [False, True, True, True]
    assert ("error" in said["cases"][0]) == ("(" in str(wrong["rule"]))
    assert bare("test", "--cases", str(cases)) == 1
    assert "3 right, 1 wrong of 4 (75.0 %)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[\n {,\n]", ":2: not valid JSON"),
        ("{}", ":1: expected a JSON list"),
        ("[\n\n 7]", ":3: case 1: expected an object"),
        ('[{"id": "x", "rule": "a", "text": "b"}]', ":1: case x: expect_match must be true or false"),
        ('[\n{"id": 3, "rule": "a", "expect_match": true}]', ":2: case 3: text must be text, and is not there"),
        ('[{"rule": "a", "text": "b", "expect_match": true, "kind": "ocr"}]', "kind must be post or transcript"),
    ],
)
def test_a_file_of_cases_that_is_none(text: str, complaint: str, cases: Path, capsys: Capture) -> None:
    """What cannot be read as cases is said with file and line."""
    cases.write_text(text, "utf-8")
    assert bare("test", "--cases", str(cases)) == 3
    assert complaint in " ".join(capsys.readouterr().err.split())


def test_half_a_surrogate_pair_in_a_case(cases: Path, capsys: Capture) -> None:
    """JSON that holds what no terminal can print is still run and printed."""
    cases.write_text('[{"id": "\\ud83d", "rule": "удар", "text": "удар \\ud83d", "expect_match": true}]', "utf-8")
    assert bare("test", "--cases", str(cases), "--json") == 0
    assert json.loads(capsys.readouterr().out)["right"] == 1


# --- test and explain -------------------------------------------------------------------------------------------------


def test_a_query_is_tried_without_a_configuration(cases: Path, capsys: Capture) -> None:
    """A query that is no id is held against a text anywhere, and every hit says why."""
    assert bare("test", "удар", "после удара") == 0
    assert "'удара'  (inflected)" in capsys.readouterr().out


def test_a_rule_or_query_of_the_configuration(folder: Folder, capsys: Capture) -> None:
    """A rule goes by its id; a query may use the shared lists; what could be an id and is none is refused."""
    assert call(folder, "test", "strike", "Взрыв!") == 0
    assert call(folder, "test", "$hit NOT учения", "Взрыв!") == 0
    assert call(folder, "test", "absent", "Взрыв!") == 3
    assert "there is no such rule" in capsys.readouterr().err


def test_explain(folder: Folder, capsys: Capture) -> None:
    """Forms come with their reasons, and those that need something with what it is."""
    assert call(folder, "explain", "person:Попов", "--json") == 0
    (term,) = json.loads(capsys.readouterr().out)["terms"]
    forms = {form["form"]: form for form in term["paths"][0][0]["forms"]}
    assert any(form["needs"] == [] for form in forms.values())
    assert any("capital" in need for need in forms["попов"]["needs"])
    assert call(folder, "explain", "strike") == 0
    said = capsys.readouterr().out
    assert "удар" in said
    assert "rev " in said


def test_explain_says_why_a_word_is_kept(folder: Folder, capsys: Capture) -> None:
    """A form that is mostly another word counts where the rule has it so, and that is said; others have nothing to say."""
    assert call(folder, "explain", "банка OR =банка OR ракета OR place:Банка", "--json") == 0
    kept = {term["term"]: term.get("kept") for term in json.loads(capsys.readouterr().out)["terms"]}
    why = [{"form": "банка", "although": "is mostly another word (банк)"}]
    assert kept == {"банка": why, "=банка": why, "ракета": None, "place:Банка": None}
    assert call(folder, "explain", "банка OR ракета") == 0
    assert "kept as the rule has it: банка, though it is mostly another word (банк)" in capsys.readouterr().out


# --- export and import ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["all.yaml", "all.json"])
def test_an_export_is_imported_word_for_word(name: str, folder: Folder, tmp_path: Path) -> None:
    """What one Earshot exports another imports: the same files, the same rules."""
    before = rule_files(folder)
    assert call(folder, "export", str(tmp_path / name)) == 0
    for file in (folder.path / "rules").rglob("*.yaml"):
        file.unlink()
    folder.write("rules/other.yaml", "rules: [{id: other, match: дождь}]\n")
    assert call(folder, "import", str(tmp_path / name)) == 0
    assert rule_files(folder) == before | {"other.yaml": "rules: [{id: other, match: дождь}]\n"}


def test_keywords_become_rules(folder: Folder, tmp_path: Path, capsys: Capture) -> None:
    """Each line of a text file is a rule, named after its words; several plain words are a phrase."""
    file = tmp_path / "my words.txt"
    file.write_text("\ufeff# a comment\n\nШторм Шэдоу\nperson:Попов AND отставка\nудар\nудар\n", "utf-8")
    assert call(folder, "import", str(file), "--name", "words") == 0
    assert "4 rules in words.yaml" in capsys.readouterr().out
    known = parse_rules(load_config(folder.path / "earshot.yaml").rules).rules
    assert [(rule.id, rule.text) for rule in known if rule.file == "words.yaml"] == [
        ("words-shtorm-shedou", '"Шторм Шэдоу"'),
        ("words-person-popov-and-otstavka", "person:Попов AND отставка"),
        ("words-udar", "удар"),
        ("words-udar-2", "удар"),
    ]


def test_a_table_becomes_rules(folder: Folder, tmp_path: Path) -> None:
    """A CSV file gives titles and severities too; a semicolon parts columns as well."""
    file = tmp_path / "table.csv"
    file.write_text('rule;title;severity\n"""Storm Shadow""";Missiles;high\nудар;;\n', "utf-8")
    assert call(folder, "import", str(file)) == 0
    known = parse_rules(load_config(folder.path / "earshot.yaml").rules).rules
    assert [(rule.title, rule.severity, rule.text) for rule in known if rule.file == "table.yaml"] == [
        ("Missiles", "high", '"Storm Shadow"'),
        ("удар", "medium", "удар"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.txt", "удар\n\nудар AND (\n", "a.txt:3: "),
        ("a.txt", "# nothing\n", "there is no keyword in it"),
        ("a.csv", "word\nудар\n", "a.csv:1: there is no column rule"),
        ("a.csv", "rule,severity\nудар,loud\n", "a.csv:2: severity cannot be 'loud'"),
        ("a.csv", "rule,title\n,Nothing\n", "a.csv:2: rule is empty"),
        ("a.docx", "удар", "expected *.yaml"),
        ("axis.txt", "удар\n", "axis.yaml: is in the rules folder already"),
        ("a.yaml", "rules: [{id: strike, match: удар}]\n", "the id is already used"),
        ("a.yaml", "earshot: rules\nfiles: {../../evil.yaml: 'rules: []'}\n", "cannot name a rule file"),
        ("a.yaml", "earshot: rules\nfiles: [1]\n", "expected the text of each rule file"),
        ("a.yaml", "- 1\n", "expected an export, or a rule file"),
    ],
)
def test_nothing_is_written_when_anything_is_wrong(
    name: str, text: str, complaint: str, folder: Folder, tmp_path: Path, capsys: Capture
) -> None:
    """An import that would break the rules, or lose some, says why and where, and leaves the folder as it was."""
    file = tmp_path / name
    file.write_text(text, "utf-8")
    before = rule_files(folder)
    assert call(folder, "import", str(file)) == 3
    assert complaint in " ".join(capsys.readouterr().err.split())
    assert rule_files(folder) == before


def test_force_overwrites(folder: Folder, tmp_path: Path) -> None:
    """With --force a rule file gives way; the same import again changes nothing and needs none."""
    file = tmp_path / "axis.txt"
    file.write_text("дождь\n", "utf-8")
    assert call(folder, "import", str(file), "--force") == 0
    after = rule_files(folder)
    assert "дождь" in after["axis.yaml"]
    assert call(folder, "import", str(file)) == 0
    assert rule_files(folder) == after
