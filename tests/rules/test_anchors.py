"""Which paths are walked in a text, and the symbols that rules ask for."""

from bot.rules.anchors import Anchors
from bot.rules.lexicon import Lexicon
from bot.rules.slots import Compiled, Form, Path, Slot


def slot(*forms: str, prefix: str = "") -> Slot:
    """A slot of these forms."""
    return Slot({form: Form() for form in forms}, prefix)


def term(text: str, *paths: tuple[Slot, ...]) -> Compiled:
    """A term of these paths."""
    return Compiled(text, tuple(Path(path) for path in paths))


def lexicon_of(*terms: Compiled) -> Lexicon:
    """The lexicon of some terms."""
    return Lexicon().changed((), symbols(*terms))


def symbols(*terms: Compiled) -> list[str]:
    """Their forms, once for each slot."""
    return [form for one in terms for path in one.paths for slot in path.slots for form in slot.forms]


def alive(anchors: Anchors, text: str) -> list[str]:
    """The terms whose paths are walked in a text."""
    return sorted(entry[0].text for entry in anchors.alive(set(text.split())))


A = term("a", (slot("взрыв", "взрывы"),))
B = term("b", (slot("взрыв"), slot("дом", "дома")))
C = term("c", (slot(prefix="контр"),))
D = term("d", (slot(prefix="тяжел"), slot("потери")))


def test_a_path_is_walked_when_the_text_can_meet_each_of_its_slots() -> None:
    """Both words of a phrase must stand in the text, in any form; where is not asked yet."""
    anchors = Anchors().changed((), [A, B, C, D], lexicon_of(A, B, C, D))
    assert alive(anchors, "взрывы там") == ["a"]
    assert alive(anchors, "дома взрыв") == ["a", "b"]
    assert alive(anchors, "дома") == []
    assert alive(anchors, "контрудар") == ["c"]
    assert alive(anchors, "кон тр") == []
    # A prefix beside forms is met by the walk alone.
    assert alive(anchors, "потери") == ["d"]


def test_a_path_is_kept_under_its_rarest_slot() -> None:
    """Among many phrases with one common word, a text with that word alone wakes none of them."""
    many = [term(f"t{i}", (slot("взрыв"), slot(f"дом{i}"))) for i in range(50)]
    anchors = Anchors().changed((), many, lexicon_of(*many))
    assert alive(anchors, "взрыв") == []
    assert alive(anchors, "взрыв дом7") == ["t7"]


def test_a_changed_set_of_anchors_leaves_the_old_one_as_it_was() -> None:
    """Terms that go are walked no more, others as before, and what was handed out does not change."""
    before = Anchors().changed((), [A, B, C], lexicon_of(A, B, C))
    after = before.changed([A, C], [D], lexicon_of(B, D))
    assert alive(after, "взрыв дом контрудар потери") == ["b", "d"]
    assert alive(before, "взрыв дом контрудар потери") == ["a", "b", "c"]


def test_a_term_goes_though_its_words_have_become_common_since() -> None:
    """Where it was kept is asked again of all its slots."""
    before = Anchors().changed((), [B], lexicon_of(B))
    more = [term(f"t{i}", (slot("дом"), slot(f"мост{i}"))) for i in range(9)]
    after = before.changed([], more, lexicon_of(B, *more)).changed([B], [], lexicon_of(*more))
    assert alive(after, "взрыв дом") == []


def test_the_lexicon_counts_slots_and_forgets_what_none_asks_for() -> None:
    """A symbol stays as long as one slot asks for it."""
    one = lexicon_of(A, B)
    assert one.count("взрыв") == 2
    less = one.changed(symbols(A), ())
    assert (less.count("взрыв"), less.count("взрывы")) == (1, 0)
    assert "взрывы" not in less.symbols
    assert "взрывы" in one.symbols
    assert "взры" in less.heads
    assert "взры" not in less.changed(symbols(B), ()).heads


def test_the_lexicon_finds_what_a_mask_may_hide() -> None:
    """A star is one letter, the rest stands as it is; symbols that came and went are told."""
    lexicon = Lexicon().changed((), ["шойгу", "шайба", "шойги", "шой9у", "шойгун"])
    assert list(lexicon.alike("ш*йгу")) == ["шойгу"]
    assert list(lexicon.alike("шой**")) == ["шойги", "шойгу"]
    assert list(lexicon.changed(["шойгу"], ["шейгу"]).alike("ш*йгу")) == ["шейгу"]
