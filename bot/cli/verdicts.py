"""What became of a file of cases, on the screen: `earshot rules test --cases`."""

from pathlib import Path

from rich.markup import escape
from rich.progress import track
from rich.table import Table

from bot.cli.cases import Verdict, judge, read_cases
from bot.cli.edge import err, out, print_json, print_table, table
from bot.model import Span


def run_cases(file: Path, *, as_json: bool) -> int:
    """Hold each case of the file against the engine and print the verdicts; the exit code: 1 when one is wrong."""
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
