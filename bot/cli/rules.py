"""`earshot rules`: list the watch rules, try them, see what they stand for, carry them from one Earshot to another."""

import click

from bot.cli.group import Group, Later, examples


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


rules.add(
    Later("list", "bot.cli.rule_files:list_rules", "List every rule."),
    Later("test", "bot.cli.one_rule:test_rule", "Try a rule on a text, or many on a file of cases."),
    Later("explain", "bot.cli.one_rule:explain", "What a rule stands for, form by form."),
    Later("export", "bot.cli.rule_files:export", "All rule files as one."),
    Later("import", "bot.cli.rule_files:import_rules", "Take rules or keywords from a file."),
    Later("backtest", "bot.cli.backtest:backtest", "What a rule would have found in the archive."),
    Later("retro", "bot.cli.backtest:retro", "Raise a rule's alerts on the past."),
)
