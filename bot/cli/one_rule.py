"""One rule at a time: `earshot rules test` and `explain`."""

from pathlib import Path

import click
from rich.markup import escape
from rich.text import Text

from bot.cli.asked import asked_query, asked_rule, is_query
from bot.cli.edge import State, json_option, out, print_json
from bot.cli.group import examples
from bot.model import Match


@click.command(
    "test",
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
        from bot.cli.verdicts import run_cases

        return run_cases(cases, as_json=as_json)
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


@click.command(
    "explain",
    epilog=examples("earshot rules explain army-58", "earshot rules explain 'person:Попов OR сталь' --json"),
)
@click.argument("rule")
@json_option
@click.pass_obj
def explain(state: State, rule: str, as_json: bool) -> None:
    """Show each term of RULE, an id or a query: its forms and why each counts, what a form needs around it, and the
    forms that were dropped, with the reason."""
    from bot.cli.explain import explained, print_explained

    _, one = asked_query(rule) if is_query(rule) else asked_rule(state.config(), rule)
    if as_json:
        print_json(explained(one))
    else:
        print_explained(one)
