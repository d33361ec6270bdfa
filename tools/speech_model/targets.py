"""What the decoder should write for a window, token by token, and when each token is heard."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import tokenizers

from tools.speech_model.corpus import CLAUSES, SENTENCES, sentence
from tools.speech_model.synthesise import Spoken, Window

IGNORED = -100
STAMP_SECONDS = 0.02
MOST_TOKENS = 448
MOST_PREVIOUS = 223
LAST_STAMP = 1500
FIRST_STAMP_LIMIT = 50


@dataclass(slots=True)
class Target:
    """Inputs and labels of one window; `heard` lists (position, start, end) of tokens with known times, in seconds."""

    ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    heard: list[tuple[int, float, float]] = field(default_factory=list)

    def prompt(self, ids: Iterable[int]) -> None:
        """Tokens that are given and not predicted."""
        for token in ids:
            self.ids.append(token)
            self.labels.append(IGNORED)

    def predict(self, token: int, start: float | None = None, end: float | None = None) -> None:
        """`token` follows what is there; it is heard from `start` to `end`."""
        if start is not None and end is not None:
            self.heard.append((len(self.ids) - 1, start, end))
        self.labels.append(token)
        self.ids.append(token)

    def cut(self) -> "Target":
        """Within Whisper's 448 positions. Labels run one ahead of inputs."""
        heard = [item for item in self.heard if item[0] < MOST_TOKENS]
        return Target(self.ids[:-1][:MOST_TOKENS], self.labels[:MOST_TOKENS], heard)


class Targets:
    """Builds targets with a tokenizer, at random where Whisper has a choice."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, *, previous_share: float) -> None:
        """`previous_share` of the windows get the end of some other text as a prompt."""
        self._tokenizer = tokenizer
        self._previous_share = previous_share
        self._cache: dict[str, list[int]] = {}
        token = tokenizer.token_to_id
        self.end, self._start, self._transcribe = (
            token("<|endoftext|>"),
            token("<|startoftranscript|>"),
            token("<|transcribe|>"),
        )
        self._previous, self._silence = token("<|startofprev|>"), token("<|nospeech|>")
        self._no_stamps, self._stamp = token("<|notimestamps|>"), token("<|0.00|>")
        self._languages = {language: token(f"<|{language}|>") for language in CLAUSES}
        clauses = [clause for language in CLAUSES for clause in CLAUSES[language]]
        self.used = sorted({token for clause in clauses for token in self._encode(f" {clause}")})

    def build(self, window: Window) -> Target:
        """Prompt, language, task, then sentences with or without time stamps, then the end."""
        target = Target()
        if random.random() < self._previous_share:
            target.prompt([self._previous, *self._previous_text(window.language or "ru")])
        language = self._languages[window.language or random.choice(list(self._languages))]
        target.ids += [self._start, language, self._transcribe]
        target.labels += [language if window.language else self._silence, IGNORED]
        stamped = random.random() >= 0.3
        if not stamped:
            target.prompt([self._no_stamps])
        if stamped and not window.sentences:
            target.predict(self._stamp)
        self._say(target, window.sentences, stamped=stamped)
        target.predict(self.end)
        return target.cut()

    def _say(self, target: Target, sentences: list[Spoken], *, stamped: bool) -> None:
        last = 0
        for index, spoken in enumerate(sentences):
            start = round(spoken.start / STAMP_SECONDS)
            first = min(max(min(start, FIRST_STAMP_LIMIT) if index == 0 else start, last), LAST_STAMP)
            known = spoken.start if first == start else None
            if spoken.end is None:
                if stamped:
                    target.predict(self._stamp + first, known, known)
                return
            if stamped:
                target.predict(self._stamp + first, known, known)
            for token, begin, finish in self._timed(spoken):
                target.predict(token, begin, finish)
            last = min(max(round(spoken.end / STAMP_SECONDS), first), LAST_STAMP)
            if stamped:
                target.predict(self._stamp + last, spoken.end, spoken.end)

    def _timed(self, spoken: Spoken) -> list[tuple[int, float | None, float | None]]:
        """The tokens of a sentence; those of a word share its time by their letters, punctuation has none."""
        timed: list[tuple[int, float | None, float | None]] = []
        for word, start, end in spoken.words:
            core = word.rstrip(".,")
            ids = self._encode(f" {core}")
            letters = [len(self._tokenizer.id_to_token(token)) for token in ids]
            done = 0
            for token, count in zip(ids, letters, strict=True):
                share = (end - start) / sum(letters)
                timed.append((token, start + share * done, start + share * (done + count)))
                done += count
            timed += [(token, None, None) for token in self._encode(word[len(core) :])]
        return timed

    def _previous_text(self, language: str) -> list[int]:
        """The last tokens of something said before: mostly short, at times all that the prompt can hold."""
        draw = random.random()
        length = random.randint(1, 40 if draw < 0.6 else 110 if draw < 0.85 else MOST_PREVIOUS)
        stamped = random.random() < 0.7
        tokens: list[int] = []
        time = 0
        while len(tokens) < length:
            whole = random.random() >= 0.6
            clauses = random.choice(SENTENCES[language]) if whole else [random.choice(CLAUSES[language])]
            ids = self._encode(f" {sentence(clauses, language)}")
            if stamped:
                begin = min(LAST_STAMP, time + random.randint(0, 40))
                finish = min(LAST_STAMP, begin + random.randint(60, 250))
                time = finish if finish < LAST_STAMP else 0
                ids = [self._stamp + begin, *ids, self._stamp + finish]
            tokens += ids
        return tokens[-length:]

    def _encode(self, text: str) -> list[int]:
        if text not in self._cache:
            self._cache[text] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._cache[text]
