"""The checker: what was posted against what is held and what the analysts saw. Every finding names its promise.

The promises are P1 to P7 of docs/reliability.md. Nothing here asks the daemon: it reads the sandbox's log, the database
and the analysts' chat.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.sandbox.posted import Posted
from tests.drills.held import Held, PlainHeld, Raised
from tests.drills.play import WORDS
from tests.drills.truth import Address, Post, Truth, Weather

Told = tuple[str, Address]  # (rule, whose)


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that does not hold. `kind` is a column of the published table, or "other"."""

    promise: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise} {self.kind}: {self.text}"


# --- what any listener can be held to ---------------------------------------------------------------------------------


def missing_states(
    truth: Truth, weather: Weather, held: Mapping[Address, Sequence[str]], deleted: Iterable[Address]
) -> Iterator[Finding]:
    """Posts never stored, edits and deletions never seen, among all that could have been."""
    gone = set(deleted)
    for address, post in truth.items():
        if post.service:
            continue
        texts = held.get(address, ())
        needed = [state.text for state in needed_states(post, weather)]
        if needed and not texts:
            yield Finding("P1", "ids", f"{address} was never stored: {needed[-1]!r}")
        elif lost := [text for text in needed if text not in texts]:
            yield Finding("P4", "edits", f"{address}: no version {lost[-1]!r}, held are {list(texts)}")
        if post.deleted_at is not None and texts and address not in gone:
            yield Finding("P4", "deletions", f"{address} was deleted, and that is not known")


def needed_states(post: Post, weather: Weather) -> list:
    """The states that must be held: the newest of a living post, and each that could be seen."""
    living = post.deleted_at is None
    return [s for s in post.states if weather.could_be_seen(s) or (living and s is post.states[-1])]


def needed_alerts(truth: Truth, weather: Weather) -> set[Told]:
    """(rule, post) pairs that must have been told: a word stood in a state that must be held."""
    return {
        (rule, whose(post))
        for post in truth.values()
        if not post.service
        for state in needed_states(post, weather)
        for rule in rules_met(state.text)
    }


def rules_met(text: str) -> list[str]:
    """The rules whose word is in a text."""
    return [rule for rule, word in WORDS.items() if word in text.lower()]


def whose(post: Post) -> Address:
    """Where alerts of a post are counted: an album is one post."""
    return (post.address[0], post.album_id) if post.album_id else post.address


# --- Earshot ----------------------------------------------------------------------------------------------------------


def check(truth: Truth, weather: Weather, held: Held, chat: Sequence[Posted], *, log: str = "") -> list[Finding]:
    """Everything that does not hold. `truth` may hold ids from before watching began: they are left out."""
    ours = {address: post for address, post in truth.items() if address[1] >= held.watch_from.get(address[0], 1 << 62)}
    deleted = [
        address
        for address, versions in held.versions.items()
        if address in held.deleted and any(version.change == "deleted" for version in versions)
    ]
    texts = {address: held.texts(address) for address in held.versions}
    return [
        *_accounted(ours, held),
        *missing_states(ours, weather, texts, deleted),
        # An edit of what was posted before is heard as well.
        *_invented(truth, held),
        *_raw_first(held),
        *_raised_once(truth, held),
        *_told_once(truth, needed_alerts(ours, weather), held, chat),
        *_nothing_waits(held),
        *(Finding("P7", "other", line) for line in log.splitlines() if "Traceback" in line),
    ]


def _accounted(truth: Truth, held: Held) -> Iterator[Finding]:
    for channel, first, last, reason in held.gaps:
        yield Finding("P1", "ids", f"{channel}: {first} to {last} is an open gap: {reason}")
    for address, post in truth.items():
        state = held.ids.get(address)
        if state is None:
            yield Finding("P1", "ids", f"{address} is not in the ledger")
        elif state != _expected_state(post):
            yield Finding("P1", "ids", f"{address} is {state} in the ledger, and not {_expected_state(post)}")


def _expected_state(post: Post) -> str:
    if post.deleted_at is not None:
        return "deleted"
    if post.service:
        return "service"
    return "restricted" if post.restricted else "stored"


def _invented(truth: Truth, held: Held) -> Iterator[Finding]:
    for address in held.versions:
        post = truth.get(address)
        if post is None:
            yield Finding("P4", "other", f"{address} was never posted on a watched channel")
        elif not post.service and (odd := set(held.texts(address)) - {state.text for state in post.states}):
            yield Finding("P4", "other", f"{address} never said {odd}")


def _raw_first(held: Held) -> Iterator[Finding]:
    stored = {}
    for address, versions in held.versions.items():
        for version in versions:
            stored[address, version.number] = version.stored_at
            if version.change != "deleted" and (version.heard_at is None or version.heard_at > version.stored_at):
                yield Finding("P2", "other", f"{address}: version {version.number} was stored before its raw message")
    for alert in held.alerts:
        if alert.created_at < stored.get((alert.address, alert.version), 1 << 62):
            yield Finding("P2", "other", f"alert {alert.alert_id} is older than the version that it is about")


def _raised_once(truth: Truth, held: Held) -> Iterator[Finding]:
    """Each (rule, post) alerts at the first version that has its word, and nowhere else."""
    raised = Counter((alert.rule, alert.address, alert.version) for alert in held.alerts if not alert.spoken)
    expected = set(_firsts(truth, held))
    for rule, address, version in expected - raised.keys():
        yield Finding("P5", "alerts lost", f"no alert of {rule} for {address}, version {version}")
    for (rule, address, version), count in raised.items():
        if count > 1 or (rule, address, version) not in expected:
            yield Finding("P5", "alerts doubled", f"alert of {rule} for {address}, version {version}: {count}")
    spoken = Counter((alert.rule, alert.address) for alert in held.alerts if alert.spoken)
    for address, transcript in held.transcripts.items():
        for rule in rules_met(transcript):
            if not spoken[rule, address]:
                yield Finding("P5", "alerts lost", f"no alert of {rule} for the recording of {address}")


def _firsts(truth: Truth, held: Held) -> Iterator[tuple[str, Address, int]]:
    told: defaultdict[Address, set[str]] = defaultdict(set)
    for address in sorted(held.versions):
        post = truth.get(address)
        if post is None or post.service:
            continue
        for version in held.versions[address]:
            fresh = [rule for rule in rules_met(version.text or "") if rule not in told[whose(post)]]
            told[whose(post)].update(fresh)
            yield from ((rule, address, version.number) for rule in fresh)


def _told_once(truth: Truth, needed: set[Told], held: Held, chat: Sequence[Posted]) -> Iterator[Finding]:
    """Each alert of the outbox is in the chat once, and each that the world called for is among them."""
    by_id = {alert.alert_id: alert for alert in held.alerts}
    parcels = {parcel.random_id: parcel for parcel in held.outbox}
    seen: Counter[int] = Counter()
    for message in chat:
        parcel = parcels.get(message.random_id or 0)
        if parcel is None:
            yield Finding("P5", "other", f"in the chat, and not in the outbox: {message.text[:80]!r}")
        elif parcel.alert_id is not None:
            seen[parcel.alert_id] += 1
            if not _speaks_of(message.text, by_id[parcel.alert_id]):
                yield Finding("P5", "other", f"alert {parcel.alert_id} says something else: {message.text[:200]!r}")
    for alert_id, alert in by_id.items():
        if seen[alert_id] != 1:
            kind = "alerts doubled" if seen[alert_id] else "alerts lost"
            yield Finding(
                "P5", kind, f"alert {alert_id} ({alert.rule}, {alert.address}) is in the chat {seen[alert_id]} times"
            )
    told = {(alert.rule, whose(truth[alert.address])) for alert in held.alerts if alert.address in truth}
    for rule, address in sorted(needed - told):
        yield Finding("P5", "alerts lost", f"nobody was told of {rule} in {address}")


def _speaks_of(text: str, alert: Raised) -> bool:
    return alert.rule in text and re.search(rf"/{alert.address[1]}\b", text) is not None


def _nothing_waits(held: Held) -> Iterator[Finding]:
    states = Counter(parcel.state for parcel in held.outbox)
    if left := {state: count for state, count in states.items() if state != "sent"}:
        yield Finding("P6", "alerts lost", f"not sent: {left}")
    rows = sum(parcel.alert_id is not None for parcel in held.outbox)
    if rows != len(held.alerts):
        yield Finding("P6", "alerts lost", f"{len(held.alerts)} alerts, {rows} in the outbox")
    if held.unread or held.quarantined:
        yield Finding("P2", "other", f"{held.unread} raw messages unread, {held.quarantined} quarantined")
    if left := {state: count for state, count in held.recordings.items() if state not in ("done", "skipped")}:
        yield Finding("P6", "other", f"recordings not done: {left}")


# --- a plain listener -------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"alert (\w+) (-\d+) (\d+)")


def check_plain(truth: Truth, weather: Weather, held: PlainHeld, chat: Sequence[Posted]) -> list[Finding]:
    """The losses of a plain listener, by the same measure."""
    told = Counter(
        (rule, whose(truth[address]))
        for message in chat
        if (found := _PLAIN.fullmatch(message.text))
        for rule, address in [(found[1], (int(found[2]), int(found[3])))]
        if address in truth
    )
    doubled = sum(count - 1 for count in told.values())
    return [
        *missing_states(truth, weather, held.texts, held.deleted),
        *(
            Finding("P5", "alerts lost", f"nobody was told of {pair}")
            for pair in needed_alerts(truth, weather) - told.keys()
        ),
        *(Finding("P5", "alerts doubled", "told twice") for _ in range(doubled)),
        *(Finding("P4", "other", f"{address} has {rows} rows") for address, rows in held.rows.items() if rows > 1),
    ]
