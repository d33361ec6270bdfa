"""Rules on their way from one Earshot, or from a list of keywords, into another.

An export holds every rule file word for word, under its name. Keywords become a rule file, a rule for each.
"""

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from bot.config.load import read_text
from bot.errors import ConfigError, RuleError
from bot.model import Severity
from bot.rules import parse_rules
from bot.rules.query import as_choice
from bot.yamlfile import parse_yaml

_HEADER = "# Rule files of an Earshot, word for word; `earshot rules import FILE` takes them.\n"
_COLUMNS = ("rule", "title", "severity")
_NAME = re.compile(r"[\w-][\w.-]*")
_LONGEST_TITLE = 120
_MOST_ERRORS = 10
_LATIN = str.maketrans(
    dict(zip("абвгґдезийклмнопрстуфыэіїє", "abvggdeziyklmnoprstufyeiie", strict=True))
    | {
        "ё": "e",
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ю": "yu",
        "я": "ya",
        "ъ": "",
        "ь": "",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Rule files to be taken in, by their names in the rules folder; where each rule stood, when we wrote the file."""

    files: Mapping[str, str]
    places: Mapping[str, str] = field(default_factory=dict)


def bundle(files: Mapping[str, str], rules: Sequence[Mapping[str, object]], *, form: str) -> str:
    """All rule files as one text; as JSON with a list of the rules beside them, for programs."""
    if form == "json":
        whole = {"earshot": "rules", "rules": rules, "files": dict(files)}
        return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
    body = yaml.dump({"earshot": "rules", "files": dict(files)}, Dumper=_Dumper, allow_unicode=True, sort_keys=False)
    return _HEADER + body


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as they are."""


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text_node)


def read(file: Path, name: str | None) -> Parcel:
    """The rule files that a file stands for; ConfigError with file and line for what is not understood."""
    name = name or file.stem
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name}: cannot name a rule file; give one of letters, digits, - and _ with --name")
    text = read_text(file).removeprefix("\ufeff")
    match file.suffix.lower():
        case ".txt":
            return _made(name, file, _lines(text))
        case ".csv":
            return _made(name, file, _table(file, text))
        case ".yaml" | ".yml" | ".json":
            return _files(name, file, text)
    raise ConfigError(f"{file}: expected *.yaml or *.json (rules), *.txt (keywords) or *.csv (rule, title, severity)")


def check(parcel: Parcel, existing: Mapping[str, str], *, force: bool) -> int:
    """How many rules would come in; ConfigError for anything that is wrong with them, or among all rules together."""
    taken = [name for name, text in parcel.files.items() if existing.get(name, text) != text]
    if taken and not force:
        raise ConfigError(
            f"{taken[0]}: is in the rules folder already; choose another --name, or overwrite with --force"
        )
    try:
        known = parse_rules({**existing, **parcel.files})
    except RuleError as error:
        lines = [_at_source(line, parcel.places) for line in str(error).splitlines()]
        more = f"\nand {len(lines) - _MOST_ERRORS} more" if len(lines) > _MOST_ERRORS else ""
        raise RuleError("\n".join(lines[:_MOST_ERRORS]) + more) from None
    return sum(rule.file in parcel.files for rule in known.rules)


def _at_source(line: str, places: Mapping[str, str]) -> str:
    found = re.match(r"[^:]+:\d+: rule ([\w-]+): ", line)
    return f"{places[found[1]]}: {line[found.end() :]}" if found and found[1] in places else line


def write(files: Mapping[Path, str], *, force: bool) -> None:
    """Write the files, each whole or not at all; ConfigError when one is there and differs, unless forced."""
    for path, text in files.items():
        if path.exists() and not force and read_text(path) != text:
            raise ConfigError(f"{path}: is there already; overwrite it with --force")
    for path, text in files.items():
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8")
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


# --- rule files -------------------------------------------------------------------------------------------------------


def _files(name: str, file: Path, text: str) -> Parcel:
    data = parse_yaml(str(file), text).data
    if not isinstance(data, dict):
        raise ConfigError(f"{file}:1: expected an export, or a rule file with `rules:` or `terms:`")
    if data.get("earshot") != "rules":
        # JSON may hold what YAML reads otherwise, as escaped surrogates.
        return Parcel(files={f"{name}.yaml": text if file.suffix.lower() != ".json" else _dumped(json.loads(text))})
    files = data.get("files")
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in (*files, *files.values())):
        raise ConfigError(f"{file}: files: expected the text of each rule file under its name")
    for other in files:
        _check_name(file, other)
    return Parcel(files=files)


def _check_name(file: Path, name: str) -> None:
    """Names come from strangers: they may lead nowhere but into the rules folder."""
    parts = PurePosixPath(name).parts
    if not name.endswith(".yaml") or len(parts) > 3 or not all(_NAME.fullmatch(part) for part in parts):
        raise ConfigError(f"{file}: {name!r} cannot name a rule file; expected NAME.yaml or FOLDER/NAME.yaml")


def _dumped(data: Any) -> str:
    return str(yaml.dump(data, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=10_000))


# --- keywords ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A keyword or query, as it stands in a line of the file."""

    line: int
    rule: str
    title: str = ""
    severity: Severity | None = None


def _lines(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if (rule := line.strip()) and not rule.startswith("#"):
            yield _Row(line=number, rule=rule)


def _table(file: Path, text: str) -> Iterator[_Row]:
    header = text.partition("\n")[0]
    rows = csv.reader(text.splitlines(), delimiter=";" if ";" in header and "," not in header else ",", strict=True)
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if "rule" not in names or (unknown := set(names) - set(_COLUMNS)):
            what = "no column rule" if "rule" not in names else f"an unknown column {min(unknown)!r}"
            raise ConfigError(f"{file}:1: there is {what}; expected the columns {', '.join(_COLUMNS)}")
        for row in rows:
            values = dict(zip(names, map(str.strip, row), strict=False))
            if any(values.values()):
                yield _row(values, rows.line_num, f"{file}:{rows.line_num}")
    except csv.Error as error:
        raise ConfigError(f"{file}:{rows.line_num}: not valid CSV: {error}") from None


def _row(values: Mapping[str, str], line: int, where: str) -> _Row:
    if not values.get("rule"):
        raise ConfigError(f"{where}: rule is empty; write a keyword or a query")
    severity = values.get("severity", "").lower()
    if severity and severity not in list(Severity):
        raise ConfigError(f"{where}: severity cannot be {severity!r}; expected {', '.join(Severity)}")
    return _Row(
        line=line,
        rule=values["rule"],
        title=values.get("title", ""),
        severity=Severity(severity) if severity else None,
    )


def _made(name: str, file: Path, rows: Iterator[_Row]) -> Parcel:
    """A rule file with a rule for each row. Ids come from the words, so that they stay when lines move."""
    watchlist = _slug(name) or "imported"
    rules: list[dict[str, str]] = []
    places: dict[str, str] = {}
    for row in rows:
        base = f"{watchlist}-{_slug(row.rule)}"[:56].rstrip("-")
        rule_id = next(one for one in _numbered(base) if one not in places)
        places[rule_id] = f"{file}:{row.line}"
        title = row.title or (row.rule if len(row.rule) <= _LONGEST_TITLE else f"{row.rule[:_LONGEST_TITLE]}…")
        rule = {"id": rule_id, "title": title, "match": as_choice(row.rule)}
        rules.append({**rule, "severity": row.severity.value} if row.severity else rule)
    if not rules:
        raise ConfigError(f"{file}: there is no keyword in it")
    text = f"# Made by `earshot rules import` from {file.name}.\n{_dumped({'watchlist': watchlist, 'rules': rules})}"
    return Parcel(files={f"{name}.yaml": text}, places=places)


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _slug(text: str) -> str:
    """Lower-case a-z, digits and hyphens, as ids are."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().translate(_LATIN)).strip("-")
