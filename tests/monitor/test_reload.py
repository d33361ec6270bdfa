"""Rules that change while the service runs."""

import asyncio
import os
from pathlib import Path

import pytest

from bot.app.rules_watch import RulesWatch
from bot.config import read_rules
from bot.pulse import Pulse
from bot.rules import parse_rules
from tests.monitor.desk import Desk, post

BEFORE = "rules: [{id: storm, match: шторм}]\n"
AFTER = "rules: [{id: storm, match: шторм OR ураган}, {id: rain, match: дождь}]\n"
BROKEN = "rules:\n  - {id: storm, match: шторм AND}\n"


class Folder:
    """A rules folder, the loop that watches it, and what was said of it."""

    def __init__(self, path: Path, desk: Desk) -> None:
        self.path = path
        self.desk = desk
        self.said: list[str] = []
        self.told: list[str] = []
        self.write(BEFORE)
        texts = read_rules(path)
        desk.monitor.rules = parse_rules(texts)
        pulse = Pulse(asyncio.Event())
        self.watch = RulesWatch(path, desk.monitor, pulse, texts=texts, say=self._say, tell=self._tell)

    async def _say(self, text: str) -> None:
        self.said.append(text)

    async def _tell(self, text: str) -> None:
        self.told.append(text)

    def write(self, text: str, name: str = "a.yaml") -> None:
        """Write a rule file; its time is another one, however fast the tests are."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.stat().st_mtime_ns if file.exists() else 0
        file.write_text(text, "utf-8")
        now = max(file.stat().st_mtime_ns, before + 1_000_000)
        os.utime(file, ns=(now, now))

    async def settle(self) -> None:
        """Two looks: a change has rested."""
        await self.watch.look()
        await self.watch.look()

    @property
    def ids(self) -> list[str]:
        """The rules in force."""
        return [rule.id for rule in self.desk.monitor.rules.rules]


@pytest.fixture
def folder(tmp_path: Path, desk: Desk) -> Folder:
    """A folder with one rule, in force."""
    return Folder(tmp_path / "rules", desk)


async def test_a_changed_file_is_taken_up(folder: Folder) -> None:
    """The next post is held against the new rules, alerts name the revision that fired, and the chat hears what changed."""
    await folder.settle()
    assert folder.said == []
    await folder.desk.hear(post("шторм", number=1))
    folder.write(AFTER)
    await folder.settle()
    await folder.desk.hear(post("ураган", number=2))
    first, second = await folder.desk.alerts()
    assert first.match.revision != second.match.revision == folder.desk.monitor.rules.rules[0].revision
    (said,) = folder.said
    assert said.startswith("The watch rules have changed; 2 are in force: rain (new), storm (rev ")
    assert folder.told == []


async def test_a_change_must_have_rested(folder: Folder) -> None:
    """What an editor is still writing is not taken up; a command that knows it is done has it taken up at once."""
    await folder.settle()
    folder.write(AFTER)
    await folder.watch.look()
    assert folder.ids == ["storm"]
    await folder.watch.look(at_once=True)
    assert folder.ids == ["storm", "rain"]


async def test_a_broken_file_leaves_the_old_rules(folder: Folder) -> None:
    """The chat is told once, with file, line and rule; again for another content; and when it is mended."""
    folder.write(BROKEN)
    await folder.settle()
    folder.write(BROKEN)
    await folder.settle()
    (told,) = folder.told
    assert "those of before stay in force" in told
    assert "a.yaml:2: rule storm: a term is expected" in told
    await folder.desk.hear(post("шторм"))
    assert len(await folder.desk.alerts()) == 1
    folder.write("rules: [")
    await folder.settle()
    assert len(folder.told) == 2
    folder.write(AFTER)
    await folder.settle()
    assert folder.told[2].startswith("The watch rules are mended; 2 are in force: rain (new)")
    assert folder.said == []


async def test_a_broken_file_that_is_put_back(folder: Folder) -> None:
    """The old content again is mended too, though no rule has changed."""
    folder.write(BROKEN)
    await folder.settle()
    folder.write(BEFORE)
    await folder.settle()
    assert folder.told[1:] == ["The watch rules are mended; 1 are in force."]


async def test_files_come_and_go(folder: Folder) -> None:
    """A new file, also in a folder, brings its rules; without any file left the rules stay, and the chat is told."""
    folder.write("rules: [{id: snow, match: снег}]\n", "more/b.yaml")
    await folder.settle()
    assert folder.ids == ["storm", "snow"]
    (folder.path / "a.yaml").unlink()
    await folder.settle()
    assert folder.ids == ["snow"]
    assert "storm (gone)" in folder.said[-1]
    (folder.path / "more/b.yaml").unlink()
    await folder.settle()
    assert folder.ids == ["snow"]
    assert "no *.yaml in it" in folder.told[0]


async def test_a_comment_is_no_change(folder: Folder) -> None:
    """What does not change a rule is taken up in silence."""
    folder.write(f"# about storms\n{BEFORE}")
    await folder.settle()
    assert (folder.said, folder.told) == ([], [])


async def test_failing_tests_are_told_of(folder: Folder) -> None:
    """A rule whose own tests fail is in force all the same, and the chat hears of it."""
    folder.write("rules: [{id: storm, match: шторм, tests: {match: [дождь]}}]\n# more\n")
    await folder.settle()
    folder.write("rules: [{id: storm, match: ураган, tests: {match: [дождь]}}]\n")
    await folder.settle()
    assert "1 of the tests inside the rules fail" in folder.said[-1]


async def test_the_old_rules_are_in_force_meanwhile(folder: Folder) -> None:
    """Compiling many rules keeps the event loop free, and what comes meanwhile meets the set of before."""
    await folder.settle()
    rules = (f"  - {{id: r{n}, match: person:Петров{n // 26 * 'а'}ский OR буря{n}}}\n" for n in range(60))
    folder.write("rules:\n" + "".join(rules))
    await folder.watch.look()
    taking_up = asyncio.create_task(folder.watch.look())
    turns = 0
    while not taking_up.done():
        assert folder.ids == ["storm"]
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    assert len(folder.ids) == 60
