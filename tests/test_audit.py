"""`earshot audit` on a store without Telegram: the statement, its exit code, and wrong arguments."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.cli import cli
from bot.cli.guard import guard
from bot.cli.logs import set_up_logs
from bot.config import ENVIRONMENT
from bot.model import How, Kind
from bot.store import Store
from tests.configured import Folder, server_key
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel, heard, message, put
from tests.stores import ready_sqlite

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A configuration in which nothing is wrong, before the first run; wide enough for every line."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # What the store says when it is filled is not the command's.
    set_up_logs("warning", "words")
    with ExitStack() as stack:
        yield Folder(tmp_path / "earshot", stack, key=server_key())
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def call(folder: Folder, *arguments: str) -> int:
    """Run `earshot audit ARGUMENTS` on the folder in this process; the exit code."""
    return guard(cli, ["--config", str(folder.path), "audit", *arguments])


def fill(folder: Folder, *, whole: bool = False) -> None:
    """Two channels; of the first two ids are open, unless it is to be whole."""

    async def write() -> None:
        store = await Store.open(ready_sqlite(folder.data), folder.data / "media")
        await store.channels.pin(channel(LAWMAKER, handle="lawmaker", priority=1), account="main")
        await store.channels.pin(channel(BLOGGER, handle=None, title="[Blog]"), account="main")
        await put(store, message(1, posted_at=NOON - timedelta(days=1)), message(2, posted_at=NOON))
        await put(store, message(3, kind=Kind.SERVICE, service="pin", posted_at=NOON), how=How.DIFFERENCE)
        await store.intake.record(heard(top_id=6, gap_reason="not pushed"))
        await put(store, message(6, posted_at=NOON, restricted="terms"), how=How.SWEEP)
        await put(store, message(1, channel_id=BLOGGER))
        await store.intake.record(heard(deleted=[1, *([4, 5] if whole else [])], how=How.SWEEP))
        await store.close()

    asyncio.run(write())


def test_statement(folder: Folder, capsys: Capture) -> None:
    """Each channel and the total: ids by state, by how they were learned, and each open gap with all that is known."""
    fill(folder)
    assert call(folder) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["channel", "from", "to", "ids", "stored", "service", "deleted", "restricted", "gap"]
    assert ["@lawmaker", "1", "6", "6", "1", "1", "1", "1", "2"] in lines
    assert ["[Blog]", "1", "1", "1", "1", "0", "0", "0", "0"] in lines
    assert ["total", "7", "2", "1", "1", "1", "2"] in lines
    assert ["learned", "by", "push", "difference", "sweep", "backfill"] in lines
    assert ["@lawmaker", "1", "1", "2", "0"] in lines
    assert ["total", "2", "1", "2", "0"] in lines
    gap = " ".join(lines[-1])
    assert gap.startswith("gap @lawmaker posts 4 to 5 (2 ids), open since 2023-07-12 12:00 UTC (")
    assert gap.endswith("): not pushed; https://t.me/lawmaker/4")


def test_nothing_open(folder: Folder, capsys: Capture) -> None:
    """With no gap the exit code is 0, for one channel and for all; one channel has no total."""
    fill(folder, whole=True)
    assert call(folder) == 0
    assert call(folder, "@LAWMAKER") == 0
    said = capsys.readouterr().out
    assert "https://t.me/lawmaker/4" not in said
    assert said.count("total") == 2


def test_json(folder: Folder, capsys: Capture) -> None:
    """Programs get every figure, and no access hash."""
    fill(folder)
    assert call(folder, "@lawmaker", "--json") == 1
    said = capsys.readouterr().out
    found: Any = json.loads(said)
    assert not found["complete"]
    (one,) = found["channels"]
    assert (one["first"], one["last"], one["gap"], one["channel"]["handle"]) == (1, 6, 2, "lawmaker")
    assert one["ids"]["restricted"] == {"push": 0, "difference": 0, "sweep": 1, "backfill": 0}
    assert one["ids"]["stored"]["push"] == 1
    (gap,) = one["gaps"]
    assert (gap["first"], gap["last"], gap["reason"]) == (4, 5, "not pushed")
    assert (gap["since"], gap["link"]) == ("2023-07-12T12:00:00+00:00", "https://t.me/lawmaker/4")
    assert "access_hash" not in said
    fill(folder, whole=True)
    assert call(folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["complete"]


def test_between_dates(folder: Folder, capsys: Capture) -> None:
    """With dates only the ids of that time count; a time without posts has none."""
    fill(folder)
    assert call(folder, "@lawmaker", "--until", "2023-07-12") == 0
    assert ["@lawmaker", "1", "1", "1", "0", "0", "1", "0", "0"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]
    assert call(folder, "@lawmaker", "--since", "2023-07-12T11:00", "--json") == 1
    (one,) = json.loads(capsys.readouterr().out)["channels"]
    assert (one["first"], one["last"]) == (2, 6)
    assert call(folder, "@lawmaker", "--until", "2020-01-01") == 0
    assert "–" in capsys.readouterr().out


def test_wrong_arguments(folder: Folder, capsys: Capture) -> None:
    """An unknown channel, a wrong date and a period that ends before it begins are one clear line."""
    fill(folder)
    wrong = (
        (["@nobody"], 3, "@nobody: not a channel that is followed; add it to"),
        (["--since", "yesterday"], 2, "'yesterday' is no date; write 2023-07-12"),
        (["--since", "2023-07-12", "--until", "2023-07-12"], 2, "--until 2023-07-12T00:00 is not after --since"),
    )
    for arguments, code, said in wrong:
        assert call(folder, *arguments) == code
        error = capsys.readouterr().err
        assert said in " ".join(error.split())
        assert "Traceback" not in error


def test_before_the_first_run(folder: Folder, capsys: Capture) -> None:
    """Where nothing has been recorded there is nothing to vouch for, and nothing is made."""
    before = folder.listing()
    assert call(folder) == 1
    assert capsys.readouterr().out == "nothing has been recorded yet; `earshot run` does\n"
    assert call(folder, "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"complete": False, "channels": []}
    assert folder.listing() == before


def test_repair_out_of_reach(folder: Folder, capsys: Capture) -> None:
    """When Telegram cannot be reached, that is said, and the statement is given all the same."""
    fill(folder)
    assert call(folder, "--repair", "--json") == 1
    said = capsys.readouterr()
    assert "not repaired by the account main" in " ".join(said.err.split())
    assert not json.loads(said.out)["complete"]


def test_nothing_to_repair(folder: Folder, capsys: Capture) -> None:
    """Without a gap nobody is asked."""
    fill(folder, whole=True)
    assert call(folder, "--repair") == 0
    assert capsys.readouterr().err == ""
