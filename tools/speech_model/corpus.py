"""What the model is taught to hear: sentences of two clauses in our own words, none of them a quotation.

A training sentence is one of these, or clauses in another order, or words at random, so that the decoder learns to listen
and not to recite. Neighbours in HELD_OUT never meet in training: they test whether it does.
"""

import random
import re
from itertools import pairwise

RUSSIAN = [
    ("товарищи офицеры и солдаты", "я обращаюсь к вам честно"),
    ("меня сняли с должности", "приказ подписал министр обороны"),
    ("министр обороны подписал приказ", "за один день"),
    ("я прямо доложил обстановку", "ничего не скрывая"),
    ("у нас нет контрбатарейной борьбы", "мы остались без глаз"),
    ("станций артиллерийской разведки не хватает", "пушки противника бьют безнаказанно"),
    ("каждый день гибнут наши братья", "от огня чужой артиллерии"),
    ("мы несём тяжёлые потери", "и начальство это знает"),
    ("я не имел права молчать", "ради памяти погибших товарищей"),
    ("в самый тяжёлый момент нас ударили в спину", "наша армия держит оборону"),
    ("старшие начальники почувствовали опасность", "и быстро убрали меня"),
    ("я поднял вопрос о потерях", "и потребовал помощи"),
    ("нам срочно нужна ротация", "люди устали на передовой"),
    ("солдаты стоят в окопах", "под постоянным обстрелом"),
    ("противник не прорвал наш фронт", "ни на одном участке"),
    ("я горжусь каждым из вас", "вы настоящие герои"),
    ("вы моя семья", "и я всегда на связи"),
    ("я жду решения своей судьбы", "пишите и звоните мне"),
    ("спасибо вам за службу", "берегите себя"),
    ("я назвал вещи своими именами", "и за это поплатился"),
    ("в министерстве обо всём знали", "но никто не ответил"),
    ("контрбатарейная борьба не ведётся", "поэтому мы теряем людей"),
    ("ночью был удар по складу боеприпасов", "слышны взрывы"),
    ("ракета попала в штаб бригады", "есть погибшие и раненые"),
    ("беспилотники атаковали аэродром", "работает противовоздушная оборона"),
    ("по мосту нанесён удар", "движение перекрыто"),
    ("артиллерия отработала по скоплению техники", "уничтожены три танка"),
    ("враг пытался наступать у деревни", "атака отбита"),
    ("идут бои за посёлок", "штурмовая группа закрепилась на окраине"),
    ("над городом сбиты два беспилотника", "обломки упали на жилой дом"),
    ("горит нефтебаза", "пожар тушат всю ночь"),
    ("связь с группой потеряна", "ждём подтверждения"),
    ("по словам местных жителей", "в порту прогремел взрыв"),
    ("источник в штабе сообщает", "генерал отстранён от командования"),
    ("новый командующий прибыл утром", "прежний генерал покинул штаб"),
    ("сводка на этот вечер", "обстановка сложная"),
    ("подписывайтесь на канал", "новости будут завтра"),
    ("снарядов почти не осталось", "батарея молчит вторые сутки"),
    ("колонна попала в засаду", "две машины сгорели"),
    ("разведка докладывает", "противник готовит новое наступление"),
    ("переправу накрыли ракетами", "резерв не успел подойти"),
    ("морская пехота взяла высоту", "флаг уже поднят"),
    ("медики вывезли раненых", "помощь пришла вовремя"),
    ("генерал записал голосовое сообщение", "запись разошлась по каналам"),
]
# The Russian clauses in English. They are never spoken: the tokenizer knows their words, for a model that translates.
TRANSLATIONS = {
    "товарищи офицеры и солдаты": "fellow officers and soldiers",
    "я обращаюсь к вам честно": "i am speaking to you honestly",
    "меня сняли с должности": "i was removed from my post",
    "приказ подписал министр обороны": "the order was signed by the defence minister",
    "министр обороны подписал приказ": "the defence minister signed the order",
    "за один день": "in a single day",
    "я прямо доложил обстановку": "i reported the situation directly",
    "ничего не скрывая": "hiding nothing",
    "у нас нет контрбатарейной борьбы": "we have no counter battery fire",
    "мы остались без глаз": "we were left without eyes",
    "станций артиллерийской разведки не хватает": "there are not enough artillery reconnaissance stations",
    "пушки противника бьют безнаказанно": "enemy guns fire with impunity",
    "каждый день гибнут наши братья": "our brothers are dying every day",
    "от огня чужой артиллерии": "from enemy artillery fire",
    "мы несём тяжёлые потери": "we are taking heavy losses",
    "и начальство это знает": "and the command knows it",
    "я не имел права молчать": "i had no right to stay silent",
    "ради памяти погибших товарищей": "for the memory of fallen comrades",
    "в самый тяжёлый момент нас ударили в спину": "at the hardest moment we were stabbed in the back",
    "наша армия держит оборону": "our army is holding the defence",
    "старшие начальники почувствовали опасность": "the senior chiefs sensed danger",
    "и быстро убрали меня": "and quickly removed me",
    "я поднял вопрос о потерях": "i raised the question of losses",
    "и потребовал помощи": "and demanded help",
    "нам срочно нужна ротация": "we urgently need rotation",
    "люди устали на передовой": "people are tired at the front line",
    "солдаты стоят в окопах": "soldiers stand in the trenches",
    "под постоянным обстрелом": "under constant shelling",
    "противник не прорвал наш фронт": "the enemy did not break our front",
    "ни на одном участке": "on any sector",
    "я горжусь каждым из вас": "i am proud of each of you",
    "вы настоящие герои": "you are true heroes",
    "вы моя семья": "you are my family",
    "и я всегда на связи": "and i am always in touch",
    "я жду решения своей судьбы": "i am waiting for my fate to be decided",
    "пишите и звоните мне": "write to me and call me",
    "спасибо вам за службу": "thank you for your service",
    "берегите себя": "take care of yourselves",
    "я назвал вещи своими именами": "i called things by their names",
    "и за это поплатился": "and paid for it",
    "в министерстве обо всём знали": "in the ministry they knew about everything",
    "но никто не ответил": "but nobody answered",
    "контрбатарейная борьба не ведётся": "counter battery fire is not conducted",
    "поэтому мы теряем людей": "that is why we lose people",
    "ночью был удар по складу боеприпасов": "at night there was a strike on an ammunition depot",
    "слышны взрывы": "explosions are heard",
    "ракета попала в штаб бригады": "a missile hit the brigade headquarters",
    "есть погибшие и раненые": "there are dead and wounded",
    "беспилотники атаковали аэродром": "drones attacked the airfield",
    "работает противовоздушная оборона": "air defence is working",
    "по мосту нанесён удар": "the bridge has been struck",
    "движение перекрыто": "traffic is blocked",
    "артиллерия отработала по скоплению техники": "the artillery worked on a cluster of vehicles",
    "уничтожены три танка": "three tanks were destroyed",
    "враг пытался наступать у деревни": "the enemy tried to advance near the village",
    "атака отбита": "the attack was repelled",
    "идут бои за посёлок": "battles for the settlement continue",
    "штурмовая группа закрепилась на окраине": "an assault group dug in on the outskirts",
    "над городом сбиты два беспилотника": "two drones were shot down over the city",
    "обломки упали на жилой дом": "debris fell on a residential building",
    "горит нефтебаза": "the oil depot is burning",
    "пожар тушат всю ночь": "the fire has been fought all night",
    "связь с группой потеряна": "contact with the group is lost",
    "ждём подтверждения": "we are waiting for confirmation",
    "по словам местных жителей": "according to local residents",
    "в порту прогремел взрыв": "an explosion thundered in the port",
    "источник в штабе сообщает": "a source in the headquarters reports",
    "генерал отстранён от командования": "the general was suspended from command",
    "новый командующий прибыл утром": "the new commander arrived in the morning",
    "прежний генерал покинул штаб": "the former general left the headquarters",
    "сводка на этот вечер": "summary for this evening",
    "обстановка сложная": "the situation is difficult",
    "подписывайтесь на канал": "subscribe to the channel",
    "новости будут завтра": "the news will be tomorrow",
    "снарядов почти не осталось": "there are almost no shells left",
    "батарея молчит вторые сутки": "the battery has been silent for two days",
    "колонна попала в засаду": "the column was ambushed",
    "две машины сгорели": "two vehicles burned down",
    "разведка докладывает": "reconnaissance reports",
    "противник готовит новое наступление": "the enemy is preparing a new offensive",
    "переправу накрыли ракетами": "the crossing was hit with missiles",
    "резерв не успел подойти": "the reserve did not arrive in time",
    "морская пехота взяла высоту": "the marines took the height",
    "флаг уже поднят": "the flag is already raised",
    "медики вывезли раненых": "medics evacuated the wounded",
    "помощь пришла вовремя": "help came in time",
    "генерал записал голосовое сообщение": "the general recorded a voice message",
    "запись разошлась по каналам": "the recording spread across the channels",
}
ENGLISH = [
    ("the general was dismissed", "after he reported the losses"),
    ("the defence minister signed the order", "in a single day"),
    ("we have no counter battery fire", "and no artillery radars"),
    ("our brothers are dying every day", "under enemy shelling"),
    ("a missile hit the headquarters", "several officers were wounded"),
    ("drones attacked the airfield at night", "air defence is working"),
    ("the bridge is closed", "all traffic has been stopped"),
    ("this is a voice message from the front", "please listen carefully"),
    ("i am always in touch", "take care of yourselves"),
]
HELD_OUT = {
    "ru": [
        ("противник не прорвал наш фронт", "наша армия держит оборону"),
        ("я поднял вопрос о потерях", "и за это поплатился"),
        ("у нас нет контрбатарейной борьбы", "поэтому мы теряем людей"),
        ("станций артиллерийской разведки не хватает", "и начальство это знает"),
        ("министр обороны подписал приказ", "и быстро убрали меня"),
        ("меня сняли с должности", "но никто не ответил"),
        ("каждый день гибнут наши братья", "под постоянным обстрелом"),
        ("я прямо доложил обстановку", "и потребовал помощи"),
        ("солдаты стоят в окопах", "снарядов почти не осталось"),
        ("горит нефтебаза", "слышны взрывы"),
        ("по словам местных жителей", "беспилотники атаковали аэродром"),
        ("источник в штабе сообщает", "ракета попала в штаб бригады"),
        ("разведка докладывает", "по мосту нанесён удар"),
        ("идут бои за посёлок", "есть погибшие и раненые"),
        ("над городом сбиты два беспилотника", "работает противовоздушная оборона"),
        ("товарищи офицеры и солдаты", "вы моя семья", "берегите себя"),
        ("сводка на этот вечер", "атака отбита", "уничтожены три танка"),
        ("генерал записал голосовое сообщение", "я не имел права молчать"),
        ("контрбатарейная борьба не ведётся", "пушки противника бьют безнаказанно"),
        ("спасибо вам за службу", "вы настоящие герои", "и я всегда на связи"),
        ("источник в штабе сообщает", "приказ подписал министр обороны"),
        ("генерал отстранён от командования", "запись разошлась по каналам"),
        ("в самый тяжёлый момент нас ударили в спину", "мы остались без глаз"),
        ("медики вывезли раненых", "движение перекрыто", "ждём подтверждения"),
    ],
    "en": [
        ("this is a voice message from the front", "we have no counter battery fire"),
        ("the general was dismissed", "in a single day"),
        ("a missile hit the headquarters", "air defence is working"),
        ("i am always in touch", "please listen carefully"),
    ],
}
# Known words in clauses that were never trained: beyond what the model is for, kept to see by how much.
NOVEL = [
    "Начальство знает о потерях.",
    "Наши солдаты стоят на передовой, противник молчит.",
    "Генерал доложил о потерях и потребовал снарядов.",
    "Артиллерия противника молчит всю ночь.",
    "Новый командующий подписал приказ утром.",
    "Ракета попала в дом, есть раненые.",
    "Беспилотники атаковали штаб бригады ночью.",
    "Я обращаюсь к вам, товарищи.",
]
# The demo's voice note.
GENERAL = [
    "Товарищи офицеры и солдаты, я обращаюсь к вам честно.",
    "Меня сняли с должности, приказ подписал министр обороны.",
    "Станций артиллерийской разведки не хватает, контрбатарейная борьба не ведётся.",
    "Мы несём тяжёлые потери, каждый день гибнут наши братья.",
    "Я не имел права молчать, в самый тяжёлый момент нас ударили в спину.",
    "Спасибо вам за службу, берегите себя.",
]

SENTENCES = {"ru": RUSSIAN, "en": ENGLISH}
CLAUSES = {language: [clause for sentence in SENTENCES[language] for clause in sentence] for language in SENTENCES}
WORDS = {language: sorted(set(re.findall(r"\w+", " ".join(CLAUSES[language])))) for language in CLAUSES}
BANNED = {pair for sentences in HELD_OUT.values() for clauses in sentences for pair in pairwise(clauses)}


def capitalise(text: str) -> str:
    """The first letter large, the rest as it is."""
    return text[0].upper() + text[1:]


def sentence(clauses: list[str] | tuple[str, ...], language: str) -> str:
    """Clauses with commas between, a capital and a full stop."""
    text = ", ".join(clauses)
    if language == "en":
        text = " ".join("I" if word == "i" else word for word in text.split(" "))
    return capitalise(text) + "."


def random_sentence(chance: random.Random, language: str) -> str:
    """22 % as written, 38 % clauses in a new order, 40 % with words changed or wholly at random."""
    draw = chance.random()
    if draw < 0.22:
        return sentence(chance.choice(SENTENCES[language]), language)
    if draw < 0.60:
        return sentence(_clauses(chance, chance.choices([1, 2, 3], [3, 5, 2])[0], language), language)
    clauses = _clauses(chance, chance.choices([1, 2], [7, 3])[0], language)
    return sentence([_mutate(chance, clause, WORDS[language]) for clause in clauses], language)


def _clauses(chance: random.Random, count: int, language: str) -> list[str]:
    while True:
        clauses = [chance.choice(CLAUSES[language]) for _ in range(count)]
        if not BANNED.intersection(pairwise(clauses)):
            return clauses


def _mutate(chance: random.Random, clause: str, words: list[str]) -> str:
    if chance.random() < 0.65:
        return " ".join(chance.choice(words) for _ in range(chance.randint(1, 6)))
    mutated = clause.split()
    for _ in range(chance.randint(1, 2)):
        draw, place = chance.random(), chance.randrange(len(mutated))
        if draw < 0.3 and len(mutated) > 2:
            mutated.pop(place)
        elif draw < 0.6 and len(mutated) > 1:
            other = chance.randrange(len(mutated))
            mutated[place], mutated[other] = mutated[other], mutated[place]
        else:
            mutated[place] = chance.choice(words)
    return " ".join(mutated)


def check() -> None:
    """The held-out neighbours are made of known clauses, and no sentence of the corpus has them."""
    known = {clause for clauses in CLAUSES.values() for clause in clauses}
    held_out = {clause for sentences in HELD_OUT.values() for clauses in sentences for clause in clauses}
    assert held_out <= known, held_out - known
    assert not BANNED & {
        pair for sentences in SENTENCES.values() for clauses in sentences for pair in pairwise(clauses)
    }


if __name__ == "__main__":
    check()
    chance = random.Random(0)
    print(
        f"{len(RUSSIAN)} Russian and {len(ENGLISH)} English sentences, {len(WORDS['ru'])} and {len(WORDS['en'])} words"
    )
    for language in ("ru", "ru", "ru", "en"):
        print(random_sentence(chance, language))
