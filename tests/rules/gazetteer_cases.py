"""Sentences as bloggers write and speak them, each with the entry of the gazetteer that it must hit."""

CASES = """
vuhledar            | Под Угледаром снова мясорубка
vuhledar            | бої за вугледар тривають
vuhledar            | Fighting near Vuhledar continues
avdiivka            | Авдеевку обошли с севера
avdiivka            | в авдіївці лишилося кілька сотень людей
avdiivka            | Avdiivka has fallen
bakhmut             | Артёмовск взят, Бахмута больше нет
bakhmut             | бахмутом тепер звуть руїни
chasiv_yar          | В Часовом Яру держимся
chasiv_yar          | Часів Яр під вогнем
pokrovsk            | Красноармейском займутся позже
pokrovsk            | на підступах до Покровська
mariinka            | Марьинку стёрли
mariinka            | від Мар'їнки нічого не залишилось
kostiantynivka      | по Костянтинівці прилетіло три КАБи
sloviansk           | из славянска вывозят людей
kupiansk            | Куп'янськ обстріляли
kupiansk            | купянском занимаются соседи
velyka_novosilka    | Великую Новосёлку окружают
urozhaine           | Урожайное наше, подняли флаг
robotyne            | В Работино ад
robotyne            | за Роботине йдуть бої
robotyne            | Robotyne was liberated
verbove             | у Вербового стоят без движения
orikhiv             | Из Орехова бьёт арта
orikhiv             | Оріхів обстріляли вночі
mala_tokmachka      | колонна от Малой Токмачки не дошла
tokmak              | по токмаку опять прилетело
tokmak              | Strikes on Tokmak were reported
melitopol           | у Мелітополі вибух
melitopol           | мелитополя не узнать
berdiansk           | Под Бердянском взрывы
berdiansk           | Berdyansk airport was hit
enerhodar           | Енергодар без світла
zaporizhzhia        | в Запорожье прилёты
zaporizhzhia_npp    | На ЗАЭС отключили линию
kherson             | Херсоном управляют из Скадовска
krynky              | в Кринках наші хлопці стоять
nova_kakhovka       | Новую Каховку затопило
kinburn             | на Кинбурнской косе тихо
crimea              | в Крыму закрыли небо
crimea              | Drones over Crimea again
sevastopol          | севастополю досталось
kerch_bridge        | Керченский мост перекрыт
kerch_bridge        | Кримський міст перекрито вже годину
dzhankoi            | под Джанкоем детонация
saky                | аэродром Саки горел всю ночь
belbek              | Бельбеком интересуются спутники
kyiv                | на Київ летять шахеди
kyiv                | Киеву дали отдых
kharkiv             | по Харкову КАБы
kharkiv             | у Харкові сирена
odesa               | Порт Одессы снова под ударом
mykolaiv            | у Миколаєві приліт
kryvyi_rih          | в Кривом Роге пожар
starokostiantyniv   | по Староконстантинову отработали Кинжалами
belgorod            | белгород опять обстреляли
shebekino           | из Шебекина вывозят детей
sudzha              | Под Суджей жарко
kursk               | Куряне, уезжайте из Курска
engels              | на аэродроме Энгельса пожар
morozovsk           | в Морозовске что-то горит
novorossiysk        | порт Новороссийска закрыт
toropets            | Торопец взорвался так, что видно с космоса
ust_luga            | Усть-Лугу атаковали дроны
moscow              | по Москве летели три дрона
azov_sea            | над Азовским морем сбит самолёт
black_sea           | A ship sank in the Black Sea
siverskyi_donets    | переправа через Северский Донец разбита
zaporizhzhia_direction | на Запорожском направлении без перемен
zaporizhzhia_direction | на Запорізькому напрямку ворог наступає
orikhiv_direction   | Ореховское направление: тяжело
pokrovsk_direction  | На Покровському напрямку 40 боїв
vremivka            | времевский выступ держится
rf_army_58          | командующий пятьдесят восьмой общевойсковой армии
rf_army_58          | из 58 ОА пишут
rf_army_58          | штаб 58-ї армії
rf_army_58          | the 58th Combined Arms Army
rf_army_35          | тридцать пятая армия встала
rf_army_1           | 1-я гвардейская танковая армия вышла
rf_army_8           | восьмая армия идёт вперёд
rf_division_76      | 76-я гвардейская десантно-штурмовая дивизия под Работино
rf_division_76      | псковских десантников перебросили
rf_division_42      | сорок вторая дивизия держит
rf_division_7       | 7-ю дивизию отправили на юг
rf_division_150     | 150 мсд наступает
rf_brigade_810      | 810-я бригада морской пехоты
rf_brigade_810      | морпехи 810 обрмп
brigade_155         | 155-ю бригаду снова бросили в лоб
rf_brigade_64       | шестьдесят четвёртая бригада
rf_brigade_205      | из 205-й бригады пишут жёны
rf_regiment_247     | 247-й полк на отдыхе
rf_regiment_71      | солдаты 71 гвардейского мотострелкового полка
ua_brigade_47       | 47-ма окрема механізована бригада
ua_brigade_82       | 82-я десантно-штурмовая бригада ВСУ
ua_brigade_93       | бійці 93-ї бригади
ua_brigade_93       | «Холодний Яр» відбив атаку
ua_brigade_3        | Третя штурмова зайшла
akhmat              | спецназ «Ахмат» снова тут
akhmat              | кадыровцев видно только в тиктоке
wagner              | вагнеровцы ушли
wagner              | колонна Вагнера
wagner              | Wagner fighters left the camp
azov_unit           | бойцы Азова вышли
rdk                 | РДК зашёл в Грайворон
storm_z             | штурмовиков Шторм-Z положили
rf_southern_district | замкомандующего ЮВО погиб
rf_airborne         | ВДВ держат фланг
rf_black_sea_fleet  | корабль Черноморского флота
rf_general_staff    | в Генштабе молчат
rf_general_staff    | у генеральному штабі заявили
rf_defence_ministry | минобороны обещало снаряды
rf_defence_ministry | The Defence Ministry denied it
ua_sbu              | беспилотники СБУ
ua_gur              | дрони ГУР вразили ціль
shoigu              | Шойгу приехал на КП
shoigu              | шойгу где снаряды
shoigu              | Sergei Shoigu visited the troops
gerasimov           | доложили Герасимову
gerasimov           | герасимов знает
gerasimov           | Gerasimov signed the order
popov               | Генерала Попова сняли
popov               | Иван Попов записал аудио
popov               | Gen. Popov says
popov               | Івана Попова звільнили
tsokov              | погиб Олег Цоков
tsokov              | Tsokov was killed near Berdyansk
teplinsky           | с Теплинским солдаты пойдут
surovikin           | где суровикин
surovikin           | Суровікін зник
prigozhin           | пригожину надоело
prigozhin           | Пригожин и Уткин погибли
kadyrov             | Кадыров показал видео
gurulev             | Гурулёв выложил голосовое
gurulev             | депутат гурулев опубликовал
putin               | Путину доложили
zelensky            | Зеленский прилетел
zelensky            | Зеленським незадоволені
zelensky            | Zelenskyy said on Tuesday
zaluzhnyi           | Залужного звільнили
zaluzhnyi           | с Залужным встретились
syrskyi             | Сирський приїхав на фронт
syrskyi             | сырскому не доверяют
budanov             | Буданов обіцяє
umerov              | Умерову поставили задачу
girkin              | Гиркина посадили
girkin              | Игорь Стрелков написал
lukashenko          | с Лукашенко договорились
trump               | Трампа ждут
iskander            | по складу отработали Искандеры
iskander            | Іскандером вдарили
kalibr              | пошли Калибры с моря
kinzhal             | Кинджали летять на Київ
kh_101              | сбито 12 ракет Х-101
kh_101              | Kh-101 missiles
storm_shadow        | Storm Shadow прилетели
storm_shadow        | шторм шэдоу сбили
storm_shadow        | Сторм Шедоу знову в небі
himars              | хаймарсами по мосту
himars              | відпрацювали хімарси
himars              | HIMARS hit the depot
atacms              | ракеты ATACMS
atacms              | атакамсы прилетели
fab_500             | скинули ФАБ-500
glide_bomb          | КАБами по Сумам
lancet              | ланцеты жгут технику
shahed              | шахедов было сорок
shahed              | шахідами по місту
geran               | Герань-2 прилетела
fpv                 | FPV-дрон залетел в блиндаж
drone               | беспилотники кружат
drone               | безпілотники над містом
sea_drone           | безэкипажные катера атаковали бухту
bm_21               | накрыли из Градов
tos                 | Солнцепёк отработал
zoopark             | станцию Зоопарк сожгли
zoopark             | Зоопарк-1М потерян
msta                | расчёт Мсты-С
electronic_warfare  | РЭБ не работает
patriot             | батарею Пэтриот накрыли
s_300               | ракетами С-300 по городу
pantsir             | Панцирь-С1 сгорел
air_defence         | ППО збила
f_16                | первые F-16 прилетели
ka_52               | Ка-52 сбит
ka_52               | вертолёт KA-52 упал
su_34               | Су-34 упал
tu_22               | Ту-22М3 сгорел на аэродроме
landing_ship        | БДК в Феодосии взорван
leopard             | горит Леопард-2
bradley             | десять Брэдли сожжены
t_90                | Т-90М Прорыв
bmp                 | БМП-3 на мине
cluster             | кассетными боеприпасами по окопам
javelin             | Джавелином в борт
dismissal           | меня сняли с должности
dismissal           | його усунули від командування
betrayal            | нас ударили в спину
heavy_losses        | несём тяжёлые потери
heavy_losses        | зазнали важких втрат
counter_battery     | контрбатарейной борьбы нет
shell_hunger        | снарядным голодом убивают
artillery_reconnaissance | станций артиллерийской разведки нет
mutiny              | поднял мятеж
refusal             | пятисотых держат в яме
strike              | у місті вибухи
command_post        | по запасному командному пункту
depot               | на складе боеприпасов детонация
encirclement        | попали в котёл
"""


def cases() -> list[tuple[str, str]]:
    """(entry, sentence)."""
    lines = [line.split("|", 1) for line in CASES.strip().splitlines()]
    return [(name.strip(), sentence.strip()) for name, sentence in lines]
