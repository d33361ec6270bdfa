"""Text becomes matches: watch rules, compiled once, and pure matching with exact spans of the original text.

Only exact forms are matched so far. The seam for the inflecting engine is `terms.py` (what a term stands for) and
`index.py` (how forms are found); rule files, trees, scopes, spans and reasons stay as they are.
"""

from bot.rules.match import RuleSet
from bot.rules.parse import parse_rules
from bot.rules.rule import Field, Rule, RuleFile, RuleTest, Scope, Subject, TestResult

__all__ = ["Field", "Rule", "RuleFile", "RuleSet", "RuleTest", "Scope", "Subject", "TestResult", "parse_rules"]
