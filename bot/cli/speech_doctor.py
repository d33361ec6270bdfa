"""`earshot speech doctor`: what this machine can do with speech, and what to choose."""

from typing import TYPE_CHECKING

import click
from rich.markup import escape

from bot.app.hearing import DEMO_NOTE, Hearer
from bot.cli.edge import asynchronous, err, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.cli.speech_hearer import MODEL_HELP, announce, hearer_of
from bot.speech import LocalTranscriber, SpeechSettings

if TYPE_CHECKING:
    from bot.speech.commands.doctor import Choice, Found, Machine, Measured


@click.command(
    epilog=examples("earshot speech doctor", "earshot speech doctor --model small", "earshot speech doctor --json"),
)
@click.option("--model", help=MODEL_HELP)
@json_option
@click.pass_context
@asynchronous
async def doctor(context: click.Context, model: str | None, as_json: bool) -> int:
    """Show what this machine can do with speech, time the configured model on a note of 25 s, and say what to choose.

    With a speech.server in the configuration that is timed instead, unless --model names a model of this machine.
    """
    hearer = hearer_of(context, model)
    announce(hearer)
    if hearer.server is not None:
        return await _ask_server(hearer, hearer.server.url, as_json)
    return await _examine(hearer.settings, as_json)


async def _ask_server(hearer: Hearer, url: str, as_json: bool) -> int:
    from bot.speech.commands.doctor import measure

    transcriber = hearer.open()
    try:
        measured = await measure(transcriber, DEMO_NOTE)
    finally:
        await transcriber.close()
    if as_json:
        print_json({"server": url, "model": hearer.model, "measured": _plain(measured)})
        return 0
    out.print(f"[bold]{escape(url)}[/] answers, with {escape(hearer.model)}")
    out.print(_in_words(measured))
    return 0


async def _examine(settings: SpeechSettings, as_json: bool) -> int:
    from bot.speech.commands.doctor import choices, find, look, measure, recommend, wider

    machine = look()
    if not as_json:
        _print_machine(machine)
    transcriber = LocalTranscriber(wider(settings))
    try:
        err.print(f"timing {escape(settings.model)} on a note of 25 s")
        measured = await measure(transcriber, DEMO_NOTE)
    finally:
        await transcriber.close()
    # Fetched by now, if it was not there.
    found = find(settings)
    offered = choices(machine, found, measured)
    chosen, why = recommend(machine, offered)
    if as_json:
        print_json(
            {
                "machine": machine,
                "model": {**_found(found), **_plain(measured)},
                "choices": [
                    {"model": one.model.name, "times_real_time": one.speed, "fits": one.fits, "keeps_up": one.keeps_up}
                    for one in offered
                ],
                "recommended": chosen,
                "why": why,
            }
        )
        return 0
    _print_model(found, measured)
    _print_choices(offered)
    out.print(f"\nTo choose: {escape(why)}.\n")
    out.print("speech:\n" + "\n".join(f"  {key}: {value}" for key, value in chosen.items()))
    return 0


def _print_machine(machine: "Machine") -> None:
    def megabytes(value: int | None, what: str) -> str:
        return f", {value} MB {what}" if value is not None else ""

    rows = table("this machine", "")
    rows.add_row("cores", f"{machine.cores:g} that this process may use")
    rows.add_row("instructions", ", ".join(machine.instructions) or "none that help")
    rows.add_row("compute types", ", ".join(machine.compute_types))
    rows.add_row("GPUs", f"{machine.gpus}: {', '.join(machine.gpu_compute_types)}" if machine.gpus else "none")
    memory = megabytes(machine.memory_megabytes, "in all") + megabytes(machine.free_megabytes, "free")
    rows.add_row("memory", (memory + megabytes(machine.limit_megabytes, "allowed")).removeprefix(", ") or "unknown")
    print_table(rows)


def _print_model(found: "Found", measured: "Measured") -> None:
    where = f" in {found.folder}, {found.megabytes:.0f} MB, {found.fingerprint}" if found.folder else ""
    out.print(f"\n[bold]{escape(found.name)}[/]{escape(where)}")
    out.print(_in_words(measured))


def _in_words(measured: "Measured") -> str:
    return (
        f"ready after {measured.start_seconds:.1f} s; {measured.sound:.1f} s of sound take {measured.seconds:.1f} s alone, "
        f"{measured.seconds_each:.1f} s each when {measured.together} come together: {measured.speed:.1f} times real time "
        f"(real-time factor {1 / measured.speed:.2f})"
    )


def _print_choices(offered: "list[Choice]") -> None:
    rows = table("model", ">times real time", ">MB", "keeps up", ">million parameters")
    for one in offered:
        rows.add_row(
            one.model.name,
            "–" if one.speed is None else f"{one.speed:.1f}",
            str(one.model.megabytes),
            _keeps_up(one),
            str(one.model.millions),
        )
    out.print()
    print_table(rows)
    out.print("[dim]reckoned from the measurement; int8 on the processor, beam 5, exact mode[/]")


def _keeps_up(one: "Choice") -> str:
    if not one.fits:
        return "too large"
    if one.speed is None:
        return "–"
    return "yes" if one.keeps_up else "no"


def _found(found: "Found") -> dict[str, object]:
    return {
        "name": found.name,
        "folder": str(found.folder) if found.folder else None,
        "megabytes": found.megabytes,
        "fingerprint": found.fingerprint,
    }


def _plain(measured: "Measured") -> dict[str, object]:
    return {
        "sound_seconds": measured.sound,
        "start_seconds": measured.start_seconds,
        "seconds_alone": measured.seconds,
        "together": measured.together,
        "seconds_each": measured.seconds_each,
        "times_real_time": measured.speed,
        "real_time_factor": 1 / measured.speed,
    }
