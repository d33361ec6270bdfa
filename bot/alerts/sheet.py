"""Text in the making, with entities that keep their place."""

from dataclasses import dataclass, field, replace

from bot.alerts.excerpt import Excerpt
from bot.alerts.neutral import isolated
from bot.model import Entity


@dataclass(slots=True)
class Sheet:
    """Text that grows line by line; entities count code points."""

    text: str = ""
    entities: list[Entity] = field(default_factory=list)

    def line(self, *runs: str | tuple[str, str]) -> None:
        """Add a line of plain strings and (text, entity kind) pairs."""
        for run in runs:
            text, kind = run if isinstance(run, tuple) else (run, None)
            if kind and text:
                self.entities.append(Entity(kind=kind, start=len(self.text), length=len(text)))
            self.text += text
        self.text += "\n"

    def quote(self, excerpt: Excerpt, marks: tuple[tuple[int, int], ...]) -> None:
        """Add the excerpt as one quoted line, the marks in bold."""
        body = isolated(excerpt.text)
        start = len(self.text)
        shift = start + len("│ ") + body.index(excerpt.text)
        self.text += f"│ {body}"
        self.entities.append(Entity(kind="blockquote", start=start, length=len(self.text) - start))
        self.entities += [Entity(kind="bold", start=shift + low, length=high - low) for low, high in marks]
        self.text += "\n"

    def add(self, other: "Sheet") -> None:
        """Add another sheet below."""
        self.entities += [replace(entity, start=entity.start + len(self.text)) for entity in other.entities]
        self.text += other.text
