"""Text becomes matches: watch rules, compiled once, and pure matching with exact spans of the original text.

`terms/` says what a term stands for, `forms/` how words are written, `lattice` what a text can be read as, `index` and
`walk` how the one is found in the other.
"""

from bot.rules.file import RuleFile
from bot.rules.match import RuleSet
from bot.rules.parse import parse_rules
from bot.rules.rule import Field, Rule, RuleTest, Scope, Subject, TestResult

__all__ = ["Field", "Rule", "RuleFile", "RuleSet", "RuleTest", "Scope", "Subject", "TestResult", "parse_rules"]
