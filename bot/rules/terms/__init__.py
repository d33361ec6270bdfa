"""Terms: what an analyst writes, compiled to paths of slots.

Шойгу  ракета              a word in all its forms
=ЮВО                       this form alone
прилет*                    words that begin so
"Ореховское направление"   words in this order, each in all its forms; "..."~2: up to two words between
Хаймарс~1                  also one slip away, where no dictionary knows the word
person:Попов  person:"Иван Попов"  place:Бердянск  unit:"58-я армия"
url:t.me/rybar  mention:rybar      addresses and mentions, which are no words
/regular expression/
"""

from bot.rules.terms.kept import packed, unpack
from bot.rules.terms.refusals import KINDS
from bot.rules.terms.term import check, term

__all__ = ["KINDS", "check", "packed", "term", "unpack"]
