"""What Prometheus gets: well-formed, named by its conventions, and documented line by line."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot.health.facts import AccountFacts, CanaryFacts
from bot.health.http import Health
from bot.health.metrics import FAMILIES, Snapshot, exposition
from bot.model import Alarm, DeliveryState, RecordingState, Wait
from bot.sandbox.stage import free_port
from bot.store import HearingState, TranslationState
from tests.health.makers import NOON, facts, gap, minutes, row, status

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs/operations.md"
main = AccountFacts(swept_at=NOON, clock_offset=-0.5, calls=Counter({"messages.getPeerDialogs": 9}))
SHOT = Snapshot(
    status=status(
        row(1, unseen_since=NOON - minutes(2), gaps=1, of={"handle": None, "title": 'The "loud" one\\'}),
        row(2),
        row(3, of={"watched": False}),
        oldest_gap=gap(1, 2, since=NOON - minutes(5)),
        outbox={("chat", DeliveryState.DUE): 2, ("chat", DeliveryState.SENT): 7},
        oldest_due_by={"chat": NOON - minutes(1)},
        recordings={RecordingState.WANTED: 1},
        oldest_wanted=NOON - minutes(3),
        hearings={HearingState.WANTED: 2, HearingState.DONE: 5},
        oldest_hearing=NOON - minutes(7),
        translations={TranslationState.WANTED: 3},
        oldest_untranslated=NOON - minutes(2),
        waits=(Wait(account="main", method="messages.getHistory", until=NOON + timedelta(seconds=30)),),
        alerts={"strike": 4},
        unread=5,
    ),
    facts=replace(
        facts(), accounts={"main": main}, canary=CanaryFacts(every=600, heard_at=NOON - minutes(4), round_trip=2.5)
    ),
    idle={"listener": 0.25},
    alarms=(Alarm(name="disk", since=NOON, text="full"),),
    version="1.2.3",
    now=NOON,
)


def figures(shot: Snapshot = SHOT) -> dict[str, float]:
    """Every sample as `name{label values}`."""
    found = {}
    for family in text_string_to_metric_families(exposition(shot).decode()):
        for sample in family.samples:
            values = ",".join(sample.labels[label] for label in sample.labels if label != "channel_id")
            found[f"{sample.name}{{{values}}}"] = sample.value
    return found


@pytest.mark.parametrize(
    ("sample", "figure"),
    [
        ('earshot_channel_behind_seconds{The "loud" one\\}', 120.0),
        ("earshot_channel_behind_seconds{@channel2}", 0.0),
        ("earshot_channel_lag_seconds{@channel2,0.99}", 2.0),
        ("earshot_channel_lag_seconds{@channel2,1}", 3.0),
        ("earshot_channel_open_ids{@channel2}", 0.0),
        ("earshot_channel_posts_total{@channel2}", 200.0),
        ("earshot_channel_newest_post_timestamp_seconds{@channel2}", (NOON - minutes(10)).timestamp()),
        ("earshot_oldest_gap_age_seconds{}", 300.0),
        ("earshot_oldest_due_age_seconds{chat}", 60.0),
        ("earshot_oldest_pending_recording_age_seconds{}", 180.0),
        ("earshot_outbox_messages{chat,due}", 2.0),
        ("earshot_alerts_total{strike}", 4.0),
        ("earshot_recordings{wanted}", 1.0),
        ("earshot_hearings{done}", 5.0),
        ("earshot_oldest_hearing_age_seconds{}", 420.0),
        ("earshot_translations{wanted}", 3.0),
        ("earshot_oldest_untranslated_age_seconds{}", 120.0),
        ("earshot_unread_messages{}", 5.0),
        ("earshot_quarantined_messages{}", 0.0),
        ("earshot_flood_wait_seconds{main,messages.getHistory}", 30.0),
        ("earshot_accounts{active}", 1.0),
        ("earshot_account_channels{main}", 0.0),
        ("earshot_telegram_calls_total{main,messages.getPeerDialogs}", 9.0),
        ("earshot_clock_offset_seconds{main}", -0.5),
        ("earshot_loop_idle_seconds{listener}", 0.25),
        ("earshot_alarms{disk}", 1.0),
        ("earshot_canary_age_seconds{}", 240.0),
        ("earshot_canary_round_trip_seconds{}", 2.5),
        ("earshot_disk_free_bytes{}", 5e10),
        ("earshot_build_info{1.2.3}", 1.0),
    ],
)
def test_the_figures(sample: str, figure: float) -> None:
    """Each family says what the snapshot holds."""
    assert {name.replace("active,", ""): value for name, value in figures().items()}[sample] == figure


def test_every_family_is_in_the_test_above_and_always_there() -> None:
    """A service that has nothing to show has all the names, with their help."""
    bare = replace(SHOT, status=status(), facts=replace(facts(), accounts={}, disk=None), idle={}, alarms=())
    text = exposition(bare).decode()
    assert [family.name for family in FAMILIES if f"# HELP {family.name} {family.help}\n" not in text] == []
    shown = {name.partition("{")[0] for name in figures()}
    assert {family.name for family in FAMILIES} <= shown
    assert "process_resident_memory_bytes" in shown


def test_a_channel_that_is_no_longer_watched_is_left_out() -> None:
    """Its lag would grow for ever."""
    assert [name for name in figures() if "channel3" in name] == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_and_documentation(family: object) -> None:
    """A prefix, base units, help that ends as a sentence; and a row of its own on the operations page."""
    row_of = next(one for one in FAMILIES if one is family)
    assert row_of.name.startswith("earshot_")
    assert row_of.help.endswith(".")
    assert ("seconds" in row_of.name) >= ("_age" in row_of.name or "_lag" in row_of.name)
    labels = ", ".join(f"`{label}`" for label in row_of.labels) or "–"
    assert f"| `{row_of.name}` | {labels} | {row_of.help} |" in OPERATIONS.read_text("utf-8")


def test_the_alerting_rules_ask_for_what_there_is() -> None:
    """Every metric and label in deploy/prometheus-rules.yaml is one of ours."""
    known = {family.name: set(family.labels) for family in FAMILIES}
    groups = yaml.safe_load((ROOT / "deploy/prometheus-rules.yaml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 5
    for rule in rules:
        (name,) = re.findall(r"earshot_\w+", rule["expr"])
        asked = set(re.findall(r"by \((\w+)\)|\{(\w+)=~|\$labels\.(\w+)", rule["expr"] + str(rule["annotations"])))
        assert {label for one in asked for label in one if label} <= known[name], rule["alert"]


async def test_metrics_over_http() -> None:
    """GET /metrics answers in the text format; a service without figures says that there is no such page."""

    async def snapshot() -> object:
        return None

    async def metrics() -> bytes:
        return exposition(SHOT)

    for health, code in ((Health({}, snapshot, metrics=metrics), 200), (Health({}, snapshot), 404)):
        port = free_port()
        runner = await health.serve(port)
        try:
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == code
                assert code == 404 or answer.headers["Content-Type"].startswith("text/plain; version=")
                assert code == 404 or "earshot_channel_lag_seconds" in await answer.text()
        finally:
            await runner.cleanup()
