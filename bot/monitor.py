"""The policy."""

from bot.model import Message, Source, Transcript


def source_texts(message: Message, transcript: Transcript | None) -> dict[Source, str]:
    """What of a post is held against the rules, field by field; empty fields are left out.

    The offsets of a `Span` count code points of these texts.
    """
    own = Source.CAPTION if message.media else Source.TEXT
    texts = {own: message.text}
    if transcript:
        texts[Source.TRANSCRIPT] = transcript.text
    if message.poll:
        texts[Source.POLL] = "\n".join((message.poll.question, *message.poll.options))
    if message.preview:
        texts[Source.PREVIEW] = "\n".join(part for part in (message.preview.title, message.preview.description) if part)
    if message.media and message.media.file_name:
        texts[Source.FILE_NAME] = message.media.file_name
    if message.forward:
        names = (message.forward.name, message.forward.author)
        texts[Source.FORWARD] = "\n".join(name for name in names if name)
    return {source: text for source, text in texts.items() if text}
