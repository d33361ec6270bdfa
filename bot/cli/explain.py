"""What a rule stands for: its terms, their forms and why, what forms need, what was dropped."""

from collections import defaultdict
from typing import Any

from rich.markup import escape

from bot.cli.edge import out
from bot.rules import Rule
from bot.rules.addresses import Locator
from bot.rules.forms.common import kept_although
from bot.rules.patterns import Pattern
from bot.rules.slots import Compiled, Form, Guard, Skip, Slot
from bot.rules.tree import Term, terms

# So many forms of a kind are printed; --json has all.
_SHOWN = 24

# By name: what the engine may learn to ask beside these is told by its own word.
_NEEDS = {
    "CAPITAL": "a capital letter, or a rank before it",
    "MASCULINE": "no woman's first name before it",
    "FEMININE": "no man's rank or first name before it",
    "CONTEXT": "words around it that fit this meaning",
    "NOT_MEASURE": "no digits before it",
    "AFTER_ORDINAL": "an ordinal before it",
    "UPPER": "all letters capital",
    "LOWER": "small letters",
    "LAST_SIZE": "no other size of unit after it",
}
_BETWEEN = {
    Skip.ANY: "other words",
    Skip.MILITARY: "military adjectives",
    Skip.PATRONYMIC: "a patronymic or an initial",
}


def explained(rule: Rule) -> dict[str, Any]:
    """The rule as plain values."""
    return {
        "id": rule.id,
        "title": rule.title,
        "revision": rule.revision,
        "match": rule.text,
        "terms": [_term(term) for term in dict.fromkeys(terms(rule.tree))],
    }


def _term(term: Term) -> dict[str, Any]:
    if isinstance(term, Pattern):
        return {"term": term.text, "regex": term.text, "paths": [], "dropped": []}
    if isinstance(term, Locator):
        return {"term": term.text, "looks_at": term.sort.value, "paths": [], "dropped": []}
    return {
        "term": term.text,
        "paths": [[_slot(slot) for slot in path.slots] for path in term.paths],
        "dropped": [{"form": one.form, "reason": one.reason} for one in term.dropped],
        **({"kept": [{"form": form, "although": why} for form, why in kept]} if (kept := _kept(term)) else {}),
    }


def _kept(term: Compiled) -> list[tuple[str, str]]:
    """The forms that count because the rule has them so, and what would speak against them."""
    if ":" in term.text:
        return []
    slots = (slot for path in term.paths for slot in path.slots)
    written = dict.fromkeys(text for slot in slots for text, form in slot.forms.items() if form == Form())
    return [(text, why) for text in written if (why := kept_although(text))]


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "forms": [
            {"form": text, "reason": form.reason.value, "needs": needs(form)}
            for text, form in sorted(slot.forms.items())
        ],
        **({"prefix": slot.prefix} if slot.prefix else {}),
        **({"gap": slot.gap, "between": slot.skip.value} if slot.gap else {}),
        **({"written_together": True} if slot.tight else {}),
        **({"fuzzy": True} if slot.fuzzy else {}),
    }


def needs(form: Form) -> list[str]:
    """What the text around a form must show, in words."""
    return [_NEEDS.get(str(guard.name), str(guard.name).lower()) for guard in Guard if guard and guard in form.guard]


def print_explained(rule: Rule) -> None:
    """For people."""
    out.print(f"[bold]{escape(rule.id)}[/]  {escape(rule.text)}  [dim]rev {rule.revision}[/]")
    for term in dict.fromkeys(terms(rule.tree)):
        out.print(f"\n[bold]{escape(term.text)}[/]")
        if isinstance(term, Pattern):
            out.print("  a regular expression, held against the text as it stands; case does not matter")
        elif isinstance(term, Locator):
            out.print(f"  looked for among {'addresses' if term.sort == 'url' else 'mentions'} alone")
        else:
            _print_paths(term)


def _print_paths(term: Compiled) -> None:
    for number, path in enumerate(term.paths):
        if number:
            out.print("  [dim]or[/]")
        for place, slot in enumerate(path.slots):
            _print_slot(slot, first=place == 0)
    for form, why in _kept(term):
        out.print(f"  [yellow]kept[/] as the rule has it: {escape(form)}, though it {escape(why)}")
    if term.dropped:
        out.print("  [yellow]dropped[/]")
    for one in term.dropped:
        out.print(f"    {escape(one.form)}: {escape(one.reason)}")


def _print_slot(slot: Slot, *, first: bool) -> None:
    if not first:
        between = f"up to {slot.gap} words between: {_BETWEEN.get(slot.skip, slot.skip.value)}" if slot.gap else ""
        out.print(f"  [dim]then, {'written together' if slot.tight else between or 'next to it'}[/]")
    if slot.prefix:
        out.print(f"    words that begin with {escape(slot.prefix)}")
    kinds: dict[tuple[str, str], list[str]] = defaultdict(list)
    for text, form in sorted(slot.forms.items()):
        kinds[form.reason.value, " and ".join(needs(form))].append(text)
    for (reason, needed), forms in sorted(kinds.items(), key=lambda kind: (kind[0][1] != "", kind[0])):
        more = f" … and {len(forms) - _SHOWN} more" if len(forms) > _SHOWN else ""
        needing = f"[yellow], needs {needed}[/]" if needed else ""
        out.print(f"    [cyan]{reason}[/]{needing}: {escape(', '.join(forms[:_SHOWN]))}{more}")
    if slot.fuzzy:
        out.print("    also one slip away from these, where no dictionary knows the word")
