"""How fast are posts held against rules? `make bench-rules`

Messages per second of processor time on one core, with 10, 100, 1,000 and 10,000 rules, against what others do: one
`re.search` for each rule (forwarders), one regular expression of all words, and an Aho-Corasick automaton over the forms
that this engine generates. The baselines look for the same words in the same messages, in turns with the engine in
every round; a baseline that is slow is given fewer messages, never other ones. The loop and the one expression look for
the words as the analyst wrote them, so they find less; the automaton finds forms, and does not ask what stands around them.

The corpus is synthetic, no post of anyone is in it: a Zipf draw over the forms of a dictionary, 30 to 150 words, with case,
punctuation, emoji, hashtags and addresses as posts have them. Of ten rules five are persons, two places, two phrases and
one a word, of nouns drawn from the dictionary apart from the corpus.

Then single messages of 4,096 characters that are made to be slow, against the median message and the median honest text
of that length (see `hostile`), with each number of rules and with the rules that are shipped. Goal: 50 times.
"""

import argparse
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import ahocorasick

from benchmarks import hostile, report
from bot.app.rules import spare_collector
from bot.config import read_rules
from bot.model import ChannelId, Kind, Source
from bot.rules import Field, RuleSet, Subject, parse_rules
from bot.rules.forms.dictionary import analyzer
from bot.rules.slots import Compiled
from bot.rules.tree import terms

SEED = 58
ROUNDS = 5
PACKS = Path("config/rules")
GOAL_RATES = {1_000: 2_500, 10_000: 2_000}
GOAL_RATIO = {10_000: 150}
GOAL_HOSTILE = 50
# Processor seconds that a contender has for one turn.
TURN_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Forms as they stand in texts, and nouns as they stand in rules."""

    forms: list[str]
    nouns: list[str]


def vocabulary(rng: random.Random) -> Vocabulary:
    """Drawn from the Russian dictionary."""
    known = analyzer("ru")
    forms = sorted({word for word, *_ in known.dictionary.iter_known_words() if 2 < len(word) < 14 and "-" not in word})
    nouns = [
        word
        for word in rng.sample(forms, 25_000)
        if (best := known.parse(word)[0]).normal_form == word and "NOUN" in best.tag
    ]
    return Vocabulary(rng.sample(forms, 25_000), nouns)


def corpus(rng: random.Random, words: Sequence[str], count: int) -> list[str]:
    """Messages as posts look."""
    weights = [1 / (rank + 3) for rank in range(len(words))]
    extras = [" ❤️", " 🔥", " #", ". ", ", ", "\n\n", " https://t.me/channel/123 ", " @channel ", " — "]
    messages = []
    for _ in range(count):
        drawn = rng.choices(words, weights, k=rng.randint(30, 150))
        parts = [
            (word.capitalize() if rng.random() < 0.15 else word) + (rng.choice(extras) if rng.random() < 0.2 else " ")
            for word in drawn
        ]
        messages.append("".join(parts))
    return messages


def queries(rng: random.Random, nouns: Sequence[str], count: int) -> list[tuple[str, str]]:
    """`count` rules, each as (query, the words that a forwarder would look for)."""
    made = []
    for number in range(count):
        first, second = rng.choice(nouns), rng.choice(nouns)
        match number % 10:
            case 0 | 1 | 2 | 3 | 4:
                made.append((f"person:{first.capitalize()}ов", f"{first}ов"))
            case 5 | 6:
                made.append((f"place:{first.capitalize()}", first))
            case 7 | 8:
                made.append((f'"{first} {second}"', f"{first} {second}"))
            case _:
                made.append((first, first))
    return made


def subject(text: str) -> Subject:
    """The message as a text post."""
    return Subject(
        channel_id=ChannelId(-1001000000001),
        handle="bench",
        category="milblogger",
        kind=Kind.TEXT,
        fields=(Field(source=Source.TEXT, text=text),),
    )


def rule_set(made: Iterable[tuple[str, str]]) -> RuleSet:
    """Compiled as from a file."""
    text = "rules:\n" + "".join(f"  - {{id: r{n}, match: '{query}'}}\n" for n, (query, _) in enumerate(made))
    return parse_rules({"bench.yaml": text})


Work = Callable[[str], object]


def engine(rules: RuleSet) -> Work:
    """Ours, everything on."""
    return lambda text: rules.match(subject(text))


def loop(made: Sequence[tuple[str, str]]) -> Work:
    """A search for each rule."""
    patterns = [re.compile(rf"\b{words}\b", re.IGNORECASE) for _, words in made]
    return lambda text: [pattern for pattern in patterns if pattern.search(text)]


def combined(made: Sequence[tuple[str, str]]) -> Work:
    """One expression of all words."""
    pattern = re.compile(rf"\b(?:{'|'.join(sorted({words for _, words in made}, reverse=True))})\b", re.IGNORECASE)
    return pattern.findall


def automaton(rules: RuleSet) -> Work:
    """Aho-Corasick over every form of every term; of phrases, the forms of each word with those of the next."""
    made = ahocorasick.Automaton()
    for term in {term for rule in rules.rules for term in terms(rule.tree) if isinstance(term, Compiled)}:
        for path in term.paths:
            for words in product(*(slot.forms for slot in path.slots)):
                made.add_word(" ".join(words), term.text)
    made.make_automaton()

    def find(text: str) -> list[object]:
        text = f" {text.lower()} "
        return [term for end, term in made.iter(text) if not text[end + 1].isalnum()]

    return find


@dataclass(slots=True)
class Contender:
    """Who is measured, and the messages per processor second of its turns."""

    name: str
    work: Work
    rates: list[float]

    def take_turn(self, messages: Sequence[str]) -> None:
        """Work through the messages until they or the time are at an end."""
        begin, done = time.process_time(), 0
        while done < len(messages) and time.process_time() - begin < TURN_SECONDS:
            for text in messages[done : done + 20]:
                self.work(text)
            done += 20
        self.rates.append(min(done, len(messages)) / (time.process_time() - begin))


def compete(made: Sequence[tuple[str, str]], messages: Sequence[str], rounds: int) -> dict[str, float]:
    """Median rates by contender, and what compiling took."""
    begin, before = time.process_time(), report.rss()
    rules = rule_set(made)
    figures = {"compile_s": time.process_time() - begin}
    figures["rss_mb"] = report.rss() - before
    figures["matches"] = sum(len(rules.match(subject(text))) for text in messages[:500]) / len(messages[:500])
    everyone = [
        Contender("earshot", engine(rules), []),
        Contender("re_loop", loop(made), []),
        Contender("re_combined", combined(made), []),
        Contender("ahocorasick", automaton(rules), []),
    ]
    part = len(messages) // rounds
    for number in range(rounds):
        for contender in everyone:
            contender.take_turn(messages[number * part : (number + 1) * part])
    return figures | {contender.name: report.median(contender.rates) for contender in everyone}


def with_targets(rng: random.Random, words: Vocabulary, count: int) -> list[tuple[str, str]]:
    """`count` drawn rules, phrases with one common word, and rules that hostile texts are made for."""
    many = [(f'"взрыв {word}"', word) for word in rng.sample(words.forms, 200)]
    return [*queries(rng, words.nouns, count), *many, *((target, "взрыв") for target in hostile.TARGETS)]


def shipped() -> tuple[RuleSet, list[str]]:
    """The rules that come with Earshot, and their words."""
    rules = parse_rules(read_rules(PACKS))
    compiled = [term for rule in rules.rules for term in terms(rule.tree) if isinstance(term, Compiled)]
    return rules, sorted({term.text.partition(":")[2].strip('"') or term.text.strip('"~=*') for term in compiled})


def slowest(
    rng: random.Random, words: Vocabulary, messages: Sequence[str], counts: Sequence[int]
) -> dict[str, list[hostile.Slow]]:
    """By rules: the hostile texts, the slowest first."""
    found = {}
    for count in (*counts, 0):
        if count:
            made = with_targets(rng, words, count)
            rules, own = rule_set(made), [word for _, word in made]
        else:
            rules, own = shipped()
        # As the service does once the rules are compiled.
        spare_collector()
        work = engine(rules)
        for text in messages[:2_000]:
            work(text)
        texts = hostile.repeated(rng, words.forms) | hostile.slowest_mixes(rng, work, own)
        name = f"{count:,} rules" if count else "the shipped rules"
        found[name] = hostile.against_honest(work, texts, messages)
        report.tell(f"{name}: {found[name][0].times:.0f} times the median")
    return found


def main() -> None:
    """`--quick`: a tenth of the messages, no run with 10,000 rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rng = random.Random(SEED)
    words = vocabulary(rng)
    messages = corpus(rng, words.forms, 2_000 if quick else 20_000)
    report.tell(f"{len(messages):,} messages")
    figures: dict[int, dict[str, float]] = {}
    for count in (10, 100, 1_000) if quick else (10, 100, 1_000, 10_000):
        figures[count] = compete(queries(rng, words.nouns, count), messages, ROUNDS)
        report.tell(f"{count:,} rules: {figures[count]['earshot']:,.0f} messages per processor second")
    worst = slowest(rng, words, messages, tuple(figures))
    names = ("compile_s", "matches", "rss_mb", "earshot", "re_loop", "re_combined", "ahocorasick")
    rows = []
    for count, one in figures.items():
        cells = (f"{one[name]:,.1f}" if name in ("compile_s", "matches") else f"{one[name]:,.0f}" for name in names)
        rows.append([f"{count:,}", *cells, f"{one['earshot'] / one['re_loop']:,.1f}"])
    report.table(
        [
            "rules",
            "compile, s",
            "matches",
            "memory, MB",
            "Earshot",
            "re loop",
            "one re",
            "Aho-Corasick",
            "Earshot / re loop",
        ],
        rows,
    )
    print("messages per processor second; matches: of a message; memory: more than before compiling\n")
    report.table(
        [
            "the slowest of 4,096 characters",
            "rules",
            "ms",
            "times the median message",
            "times the median of its length",
        ],
        [
            [one.name, name, f"{one.ms:.2f}", f"{one.times:.0f}", f"{one.times_long:.0f}"]
            for name, some in worst.items()
            for one in some[:4]
        ],
    )
    for count, goal in GOAL_RATES.items():
        if count in figures:
            print(f"goal {goal:,} at {count:,} rules: {report.verdict(figures[count]['earshot'] >= goal)}")
    for count, goal in GOAL_RATIO.items():
        if count in figures:
            ratio = figures[count]["earshot"] / figures[count]["re_loop"]
            print(f"goal {goal} times the loop at {count:,} rules: {report.verdict(ratio >= goal)}")
    held = all(some[0].times <= GOAL_HOSTILE for some in worst.values())
    print(f"goal {GOAL_HOSTILE} times the median message for any text: {report.verdict(held)}")
    held = all(one.times_long <= GOAL_HOSTILE for some in worst.values() for one in some)
    print(f"goal {GOAL_HOSTILE} times the median text of its length: {report.verdict(held)}")
    report.finish(
        "rules",
        unit="messages per processor second",
        messages=len(messages),
        rules={count: {name: round(value, 2) for name, value in one.items()} for count, one in figures.items()},
        slowest={
            name: {one.name: [round(one.times, 1), round(one.times_long, 1)] for one in some[:4]}
            for name, some in worst.items()
        },
    )


if __name__ == "__main__":
    main()
