"""How fast are rules matched? `make bench-rules`

Messages per CPU second with 10, 100 and 1,000 rules, against what keyword forwarders do: one `re.search` per rule.
The corpus is synthetic (no post of anyone is in it): a Zipf draw over invented words, 30 to 150 of them, with case,
punctuation, emoji, hashtags and addresses as posts have them. Half of the rules are words, a fifth each phrases and
prefixes, a tenth NEAR. Each figure is the median of `ROUNDS`; the two engines take turns in each round, so that other
work on the machine hits both. The loop finds less (no ё/е, no hidden characters, no phrases over punctuation); both
are run over the same messages and rules.
"""

import json
import random
import re
import statistics
import time
from collections.abc import Callable

from bot.model import ChannelId, Kind, Source
from bot.rules import Field, RuleSet, Subject, parse_rules

MESSAGES = 300
ROUNDS = 5
COUNTS = (10, 100, 1_000)
SEED = 58


def vocabulary(rng: random.Random) -> list[str]:
    """Invented Cyrillic words of 2 to 5 syllables."""
    syllables = [a + b for a in "бвгджзклмнпрстфхцчш" for b in "аеиоуыяё"]
    return sorted({"".join(rng.choices(syllables, k=rng.randint(2, 5))) for _ in range(25_000)})


def corpus(rng: random.Random, words: list[str]) -> list[str]:
    """Messages as posts look."""
    weights = [1 / (rank + 3) for rank in range(len(words))]
    order = rng.sample(words, len(words))
    extras = [" ❤️", " 🔥", " #", ". ", ", ", "\n\n", " https://t.me/channel/123 ", " @channel ", " — "]
    messages = []
    for _ in range(MESSAGES):
        drawn = rng.choices(order, weights, k=rng.randint(30, 150))
        parts = [
            (word.capitalize() if rng.random() < 0.15 else word) + (rng.choice(extras) if rng.random() < 0.2 else " ")
            for word in drawn
        ]
        messages.append("".join(parts))
    return messages


def queries(rng: random.Random, words: list[str], count: int) -> list[tuple[str, str]]:
    """`count` rules, each as (query, the regular expression a forwarder would use)."""
    made = []
    for number in range(count):
        first, second = rng.sample(words, 2)
        match number % 10:
            case 0 | 1 | 2 | 3 | 4:
                made.append((first, rf"\b{first}\b"))
            case 5 | 6:
                made.append((f'"{first} {second}"', rf"\b{first}\s+{second}\b"))
            case 7 | 8:
                made.append((f"{first[:4]}*", rf"\b{first[:4]}\w*"))
            case _:
                made.append((f"{first} NEAR/5 {second}", rf"\b{first}\W+(?:\w+\W+){{0,5}}{second}\b"))
    return made


def subjects(messages: list[str]) -> list[Subject]:
    """Each message as a text post."""
    return [
        Subject(
            channel_id=ChannelId(-1001000000001),
            handle="bench",
            category="milblogger",
            kind=Kind.TEXT,
            fields=(Field(source=Source.TEXT, text=text),),
        )
        for text in messages
    ]


def per_second(work: Callable[[], object]) -> float:
    """Messages per second of this process's CPU time."""
    start = time.process_time()
    work()
    return MESSAGES / (time.process_time() - start)


def compare(rules: RuleSet, patterns: list[re.Pattern[str]], messages: list[str]) -> tuple[float, float]:
    """Median rates of the rule set and of the loop."""
    posts = subjects(messages)
    ours, loops = [], []
    for _ in range(ROUNDS):
        ours.append(per_second(lambda: [rules.match(post) for post in posts]))
        loops.append(per_second(lambda: [[p for p in patterns if p.search(text)] for text in messages]))
    return statistics.median(ours), statistics.median(loops)


def main() -> None:
    """Print a table, then one line of JSON."""
    rng = random.Random(SEED)
    words = vocabulary(rng)
    messages = corpus(rng, words)
    results = []
    print(f"{'rules':>6} {'compile s':>10} {'Earshot msg/s':>14} {'re loop msg/s':>14} {'ratio':>7}")
    for count in COUNTS:
        made = queries(rng, words, count)
        text = "rules:\n" + "".join(f"  - {{id: r{n}, match: '{query}'}}\n" for n, (query, _) in enumerate(made))
        start = time.process_time()
        rules = parse_rules({"bench.yaml": text})
        compiled = time.process_time() - start
        ours, loop = compare(rules, [re.compile(pattern, re.IGNORECASE) for _, pattern in made], messages)
        print(f"{count:>6,} {compiled:>10.2f} {ours:>14,.0f} {loop:>14,.0f} {ours / loop:>7.1f}")
        results.append(
            {
                "rules": count,
                "compile_s": round(compiled, 3),
                "earshot": round(ours),
                "re_loop": round(loop),
                "ratio": round(ours / loop, 2),
            }
        )
    print(
        json.dumps({"benchmark": "rules", "unit": "messages per CPU second", "messages": MESSAGES, "results": results})
    )


if __name__ == "__main__":
    main()
