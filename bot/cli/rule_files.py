"""All rules at once: `earshot rules list`, `export` and `import`."""

from pathlib import Path

import click
from rich.markup import escape

from bot.app.rules import load_rules, rules_folder
from bot.cli.edge import State, err, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.rules import Rule


@click.command("list", epilog=examples("earshot rules list --json"))
@json_option
@click.pass_obj
def list_rules(state: State, as_json: bool) -> None:
    """List every rule with its severity, revision, title and file; --json has its terms too."""
    found = load_rules(state.config()).rules
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


@click.command(
    "export",
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
    from bot.cli import carry

    config = state.config()
    known = load_rules(config)
    form = form or ("json" if file is not None and file.suffix == ".json" else "yaml")
    text = carry.bundle(config.rules, [_listed(rule) for rule in known.rules], form=form)
    if file is None:
        click.echo(text, nl=False)
        return
    carry.write({file: text}, force=force)
    err.print(f"{len(known.rules)} rules of {len(config.rules)} files are in {escape(str(file))}")


@click.command(
    "import",
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
    from bot.cli import carry

    config = state.config()
    parcel = carry.read(file, name)
    number = carry.check(parcel, config.rules, force=force)
    carry.write({rules_folder(config) / one: text for one, text in parcel.files.items()}, force=force)
    out.print(f"{number} rules in {escape(', '.join(parcel.files))}")
