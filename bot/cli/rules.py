"""`earshot rules`: list the watch rules, try them, see what they stand for, carry them from one Earshot to another."""

from pathlib import Path

import click
from rich.markup import escape
from rich.progress import track
from rich.table import Table
from rich.text import Text

from bot import app
from bot.cli import carry
from bot.cli.asked import asked_query, asked_rule, is_query
from bot.cli.cases import Verdict, judge, read_cases
from bot.cli.edge import (
    Group,
    State,
    err,
    examples,
    json_option,
    out,
    print_json,
    print_table,
    table,
)
from bot.cli.explain import explained, print_explained
from bot.model import Match, Span
from bot.rules import Rule


@click.group(
    cls=Group,
    epilog=examples(
        "earshot rules list",
        "earshot rules test commander-removed 'Меня сняли с должности'",
        "earshot rules explain person:Попов",
        "earshot rules backtest 'person:Попов AND отставка' --since 30d",
    ),
)
def rules() -> None:
    """List the watch rules, try them, see what they stand for, and what they would have found."""


@rules.command("list", short_help="List every rule.", epilog=examples("earshot rules list --json"))
@json_option
@click.pass_obj
def list_rules(state: State, as_json: bool) -> None:
    """List every rule with its severity, revision, title and file; --json has its terms too."""
    found = app.load_rules(state.config()).rules
    if as_json:
        print_json([_listed(rule) for rule in found])
        return
    rows = table("=rule", "severity", "=revision", "title", "=file")
    for rule in found:
        rows.add_row(rule.id, rule.severity.value, rule.revision, escape(rule.title), f"{rule.file}:{rule.line}")
    print_table(rows)


def _listed(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity,
        "revision": rule.revision,
        "watchlist": rule.watchlist,
        "file": rule.file,
        "line": rule.line,
        "match": rule.text,
        "terms": rule.terms,
    }


@rules.command(
    "test",
    short_help="Try a rule on a text, or many on a file of cases.",
    epilog=examples(
        "earshot rules test commander-removed 'Меня сняли с должности.'",
        "earshot rules test 'person:Попов AND отставка' 'Отставка Попова'",
        "earshot rules test --cases cases.json --json",
    ),
)
@click.argument("rule", required=False)
@click.argument("text", required=False)
@click.option(
    "--cases",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON list of {id, rule, text, expect_match, expect_span?, kind?}, each rule a query; needs no configuration.",
)
@json_option
@click.pass_obj
def test_rule(state: State, rule: str | None, text: str | None, cases: Path | None, as_json: bool) -> int:
    """Hold TEXT against RULE, an id or a query, and show what matches and why; scope is not looked at.

    Exit code 1 when nothing does, or when one of the cases turns out other than expected.
    """
    if cases is not None:
        if rule is not None:
            raise click.UsageError("--cases brings its own rules and texts; leave RULE and TEXT out")
        return _run_cases(cases, as_json=as_json)
    if rule is None or text is None:
        raise click.UsageError("give RULE and TEXT, or --cases FILE")
    known, one = asked_query(rule) if is_query(rule) else asked_rule(state.config(), rule)
    match = known.try_rule(one.id, text)
    if as_json:
        print_json({"rule": rule, "match": match})
    elif match is None:
        out.print("no match")
    else:
        _print_match(match, text)
    return 0 if match else 1


def _print_match(match: Match, text: str) -> None:
    shown = Text(text)
    for span in match.spans:
        shown.stylize("bold reverse", span.start, span.end)
    out.print(shown)
    for span in match.spans:
        out.print(f"  {escape(span.term)}  found as {escape(text[span.start : span.end])!r}  ({span.reason})")


def _run_cases(file: Path, *, as_json: bool) -> int:
    cases = read_cases(file)
    verdicts = [judge(case) for case in track(cases, "", console=err, transient=True, disable=not err.is_terminal)]
    right = sum(verdict.right for verdict in verdicts)
    if as_json:
        counts = {"right": right, "wrong": len(verdicts) - right, "total": len(verdicts)}
        print_json({"cases": [_judged(verdict) for verdict in verdicts], **counts})
    else:
        print_table(_verdicts(verdicts))
        share = f" ({100 * right / len(verdicts):.1f} %)" if verdicts else ""
        out.print(f"{right} right, {len(verdicts) - right} wrong of {len(verdicts)}{share}")
    return 0 if right == len(verdicts) else 1


def _judged(verdict: Verdict) -> dict[str, object]:
    return {
        "id": verdict.case.id,
        "right": verdict.right,
        "matched": verdict.matched,
        "spans": [_spot(span, verdict.case.text) for span in verdict.spans],
        **({"error": verdict.error} if verdict.error else {}),
    }


def _spot(span: Span, text: str) -> dict[str, object]:
    return {
        "text": text[span.start : span.end],
        "start": span.start,
        "end": span.end,
        "term": span.term,
        "form": span.form,
        "reason": span.reason,
    }


def _verdicts(verdicts: list[Verdict]) -> Table:
    rows = table("=case", "", "rule", "what was found", "but expected")
    for verdict in verdicts:
        case = verdict.case
        spots = zip(verdict.found, verdict.spans, strict=True)
        found = verdict.error or "; ".join(f"{text!r} ({span.reason})" for text, span in spots)
        wanted = "no match" if not case.expect_match else f"a match{_quoted(case.expect_span)}"
        sign = "[green]right[/]" if verdict.right else "[red]WRONG[/]"
        rows.add_row(
            escape(case.id),
            sign,
            escape(case.rule),
            escape(found or "nothing"),
            "" if verdict.right else escape(wanted),
        )
    return rows


def _quoted(span: str | None) -> str:
    return f" of {span!r}" if span else ""


@rules.command(
    "explain",
    short_help="What a rule stands for, form by form.",
    epilog=examples("earshot rules explain army-58", "earshot rules explain 'person:Попов OR сталь' --json"),
)
@click.argument("rule")
@json_option
@click.pass_obj
def explain(state: State, rule: str, as_json: bool) -> None:
    """Show each term of RULE, an id or a query: its forms and why each counts, what a form needs around it, and the
    forms that were dropped, with the reason."""
    _, one = asked_query(rule) if is_query(rule) else asked_rule(state.config(), rule)
    if as_json:
        print_json(explained(one))
    else:
        print_explained(one)


@rules.command(
    "export",
    short_help="All rule files as one.",
    epilog=examples("earshot rules export rules-of-today.yaml", "earshot rules export --format json | jq .rules"),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(["yaml", "json"]), help="Default: as FILE is called; YAML on the terminal."
)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.pass_obj
def export(state: State, file: Path | None, form: str | None, force: bool) -> None:
    """Write all rule files, as they stand, into one FILE (or to the terminal) that `earshot rules import` takes."""
    config = state.config()
    known = app.load_rules(config)
    form = form or ("json" if file is not None and file.suffix == ".json" else "yaml")
    text = carry.bundle(config.rules, [_listed(rule) for rule in known.rules], form=form)
    if file is None:
        click.echo(text, nl=False)
        return
    carry.write({file: text}, force=force)
    err.print(f"{len(known.rules)} rules of {len(config.rules)} files are in {escape(str(file))}")


@rules.command(
    "import",
    short_help="Take rules or keywords from a file.",
    epilog=examples(
        "earshot rules import rules-of-another-earshot.yaml",
        "earshot rules import keywords.txt",
        "earshot rules import watchlist.csv --name southern-axis",
    ),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="Call the rule file so, without .yaml; default: as FILE is called.")
@click.option("--force", is_flag=True, help="Overwrite rule files that are there.")
@click.pass_obj
def import_rules(state: State, file: Path, name: str | None, force: bool) -> None:
    """Make FILE a part of the rules folder, once all of it has been checked together with the rules that are there.

    FILE is an export or a rule file (*.yaml, *.json), a list of keywords or queries, one a line (*.txt), or a table with
    the columns rule, title and severity (*.csv). When anything is wrong, nothing is written. A running Earshot takes the
    rules up within seconds.
    """
    config = state.config()
    parcel = carry.read(file, name)
    number = carry.check(parcel, config.rules, force=force)
    carry.write({app.rules_folder(config) / one: text for one, text in parcel.files.items()}, force=force)
    out.print(f"{number} rules in {escape(', '.join(parcel.files))}")
