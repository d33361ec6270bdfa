"""Terms are looked for when a rule asks for them, and rules ask for no more than they need."""

import os
import subprocess
import sys

import pytest

from bot.rules.finds import Finds
from bot.rules.ground import Ground
from bot.rules.scene import Scene
from bot.rules.slots import Form, Path, Reason, Slot
from bot.rules.tree import AtLeast, Found, Hits, Leaf, Term, Tree, all_of, any_of, evaluate, negate
from bot.rules.words import read
from tests.rules.helpers import rule_set, spans, subject

HIT = Found(0, 0, 1, 0, 0, "x")


def leaf(text: str) -> Leaf:
    """A term of a rule, as the parser makes it."""
    [rule] = rule_set(text).rules
    assert isinstance(rule.tree, Leaf)
    return rule.tree


def asked(tree: Tree, standing: str) -> tuple[bool, list[str]]:
    """Whether a tree holds in a text of these words, and the terms that were looked for."""
    looked: list[str] = []

    def lookup(term: Term) -> Hits:
        looked.append(term.text)
        return [HIT] if term.text in standing.split() else []

    return evaluate(tree, lookup) is not None, looked


A, B, C, D = (leaf(text) for text in ("взрыв", "склад", "реклама", "кино"))
REFUSING = all_of([any_of([A, B]), negate(any_of([C, D]))])


def test_what_refuses_a_post_is_asked_first() -> None:
    """A rule that is refused looks for nothing else, wherever its NOT is written."""
    assert asked(REFUSING, "взрыв склад реклама") == (False, ["реклама"])
    assert asked(REFUSING, "взрыв склад") == (True, ["реклама", "кино", "взрыв", "склад"])


def test_nothing_is_looked_for_after_a_word_that_is_missing() -> None:
    """Of words that are all needed, those behind the first that does not stand there."""
    assert asked(all_of([A, B, C]), "взрыв реклама") == (False, ["взрыв", "склад"])


def test_the_proof_is_in_the_order_of_the_rule() -> None:
    """Whatever was asked first."""
    mixed = AtLeast(1, (negate(C), D))
    proof = evaluate(all_of([A, mixed, B]), lambda term: [HIT] if term.text != "реклама" else [])
    assert proof is not None
    assert [term.text for term, _ in proof] == ["взрыв", "кино", "склад"]


def test_hits_of_all_fields_and_readings_are_one_list() -> None:
    """Field by field; what two readings of one field find at one place is told once, and a term is walked once."""
    finds, path = Finds(), Path((Slot({"взрыв": Form()}),))
    for field, text in enumerate(("взрыв и взрыв", "взрыв")):
        plain = read(text)[0]
        for _ in range(2):
            finds.await_paths(Scene(Ground(plain), field=field, plain=plain), {"взрыв": [path]})
    finds.add("/x/", Found(0, 4, 5, 1, 1, "x", Reason.REGEX))
    assert sorted(finds.texts()) == ["/x/", "взрыв"]
    found = finds["взрыв"]
    assert [(hit.field, hit.start, hit.end) for hit in found] == [(0, 0, 5), (0, 8, 13), (1, 0, 5)]
    assert finds["взрыв"] is found
    assert [hit.form for hit in finds["/x/"]] == ["x"]
    assert finds["склад"] == ()


def test_a_term_whose_words_stand_apart_makes_no_rule_true() -> None:
    """The words of the phrase are there, so its rule is asked; the phrase is not."""
    rules = rule_set('"взрыв склада" OR пожар')
    for text, found in (("взрыв рядом, склада нет", False), ("взрыв склада", True)):
        assert bool(rules.match(subject(text))) is found, text
        assert bool(rules.terms_in(subject(text))) is found, text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ('unit:"58-я армия"', "58-я гвардейская\u200bобщевойсковая армия"),
        ('"приказ наступать"~3', "приказ всем\u200bчастям\u200bнаступать"),
        ("person:Попов", "наш\u200bгенерал попов"),
        ("OA", "58\u200bOA"),
        ("Шойгу", "в МинистрШойгу"),
    ],
)
def test_what_is_met_beside_a_break_alone_is_found(query: str, text: str) -> None:
    """The reading in which words are parted is asked about what stands at a break, and for a few words around it."""
    assert spans(rule_set(query), text)


def test_the_form_of_a_hit_is_the_same_in_every_process() -> None:
    """Two paths of one term meet `StormShadow`, both glued: an edit seen after a restart must not find a new form."""
    program = (
        "from tests.rules.helpers import rule_set, spans;"
        "print([span.form for span in spans(rule_set('\"Storm Shadow\"'), 'S t o r m   S h a d o w')])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "3", "7", "9")
    }
    assert len(told) == 1
