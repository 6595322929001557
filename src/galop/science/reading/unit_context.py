"""What the words around a number decide: whether C is Celsius or coulomb, a number pure, a count, or part of a name."""

from __future__ import annotations

import re

from galop.science.reading.words import fold


def any_of(words: str) -> str:
    """A pattern of any of these words, which stand between spaces; an underscore in one stands for a space."""
    return "|".join(word.replace("_", " ") for word in words.split())


HOT = re.compile(
    any_of(
        r"temper heat hot cool cold warm boil melt freez therm ambian ambien chauff refroid chaud froid ebulli "
        r"fusion fond congel \broom\b celsius kelvin \bbath\b \bbain\b \bwater\b \beau\b"
    )
)
CHARGED = re.compile(
    any_of(
        r"(?<!dis)(?<!de)charg(?!e[-_]transf) coulomb electron \bpass faraday electroly quantit._d.electricite stor "
        r"stock"
    )
)
RATED = re.compile(any_of(r"c-rate \brate\b discharg decharg regime cycl"))
CAPACITY = re.compile(any_of("capaci condens supercap farad"))
ACIDIC = re.compile(
    r" (?:[A-Z][A-Za-z0-9()₀-₉]{1,12}(?!\w)|(?:acid|acide|solution|base|soude|caustic|hydrochlor|sulfur)\w*)"
)
WEIGHED = re.compile(any_of(r"\bmass weigh pes poids pese"))
AT = re.compile(r"\b(?:at|a|from|to|between|and|et|de)\W*$")
SYMBOL_OF_TEMPERATURE = re.compile(r"(?<![a-z])[tθ](?:_\w{1,6}|\d)? ?[=:] ?$")
OF_CHARGE = re.compile(r" (?:of|de) (?:charge|electr)")
THINGS = any_of(  # what numbers without a unit count
    "electrons? protons? ions? atoms? atomes? molecules? stages? etages? engines? moteurs? cells? cellules? "
    "elements? piles? accumulateurs? plates? plaques? tubes? holes? trous? orifices? injectors? injecteurs? teeth "
    "tooth dents? turns? tours? spires? blades? pales? aubes? passes passages? thrusters? propulseurs? battery "
    "batteries batteries? modules? electrodes? photons? bolts? boulons? vis nozzles? tuyeres? channels? canaux "
    "boosters? pumps? pompes? tanks? reservoirs? grains? segments? layers? couches? units? satellites? burns? "
    "strings? branches? equivalents? charges? accus? panels? panneaux bulbs? lamps? lampes? ampoules? resistors? "
    "capacitors? condensateurs? coils? bobines? people persons? personnes astronauts? astronautes?"
)
COUNTABLE = re.compile(rf"(?:[a-z]+[- ])??(?:(?:{THINGS})(?!\w)|e[-⁻](?!\w)|h[+⁺](?!\w))")
TIMES_WORD = re.compile(
    r"-?fold(?!\w)| ?(?:times|fois|x|×)"
    r"(?= (?:the|that|its|as|larger|smaller|more|less|la|le|les|celle|celui|sa|son|plus|moins)\b|[.,;]|$)"
)
PURE = re.compile(
    any_of(
        r"ratio rapport o/f efficien rendement number nombre gamma coefficient factor facteur \bph\b \bpka?\b mach "
        r"quotient expon index indice emissiv epsilon alpha beta reynolds prandtl nusselt fraction activit "
        r"permittivit constant fourier biot schmidt sherwood equivalen porosit safety securite valen [γεαβκηφΦ]"
    )
)
FOLLOWERS = frozenset(  # words that may stand behind a pure number
    "we you i he she nous vous je on tu ils elles outside inside outdoors indoors dehors dedans "
    "a an the of at in on to by is are was were be it its this that these those and or with for from as if "
    "has have had which what how than then there their they when where while after before between into "
    "onto over under through until during within per but so not only also both each all about around above "
    "below up down out off does do gives give works work operates runs run means applies flows burns holds "
    "feeds exhausts expands yields corresponds respectively un une le la les l d de du des au aux en et ou "
    "est sont etait sur sous par pour avec dans que qui ce cet cette sa son ses il elle on ne pas si donne "
    "fonctionne alimente brule vaut correspond dont lorsque quand apres avant entre pendant jusque chez "
    "vers sans mais donc car puis alors respectivement soit calculer calculez quel quelle find compute "
    "calculate estimate determine assume neglect take vacuum vide initially initialement using can may "
    "will should".split()
)
LABELS = frozenset(  # words behind which a whole number is a name
    "homework devoir td tp hw assignment "
    "step steps eq eqn equation equations fig figure figures table tableau tab chapter chapitre chap "
    "section sections sec page pages p pp no n° nº n numero ref reference example exemple problem probleme "
    "exercise exercice question q part partie note case cas test run sample echantillon item line ligne "
    "volume vol version v rev type grade alloy alliage class classe series serie model modele mark mk "
    "block bloc phase group groupe lot batch aisi sae astm iso din en nace naca ansi nf inconel haynes "
    "hastelloy monel ariane apollo falcon saturn atlas delta titan vega soyuz soyouz proton merlin vulcain "
    "rutherford starship artemis zenit angara electron long march kourou pad room route appendix annexe "
    "theorem theoreme law loi day jour hour zone site unit tank pump cell engine stage etage electrode "
    "point node station experiment essai etape etapes bac student article alinea moteur pompe cellule "
    "reservoir dn nps sch schedule".split()
)
NOT_LABELS = frozenset(
    "o/f isp mach re pr nu gamma ph pka z k cf cd m x y alpha eta reynolds prandtl nusselt bo".split()
)
MONTH = r"(?:jan|feb|fev|mar|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|sep|oct|nov|dec)[a-z]*"
AFTER_MONTH = re.compile(rf"\b{MONTH}\.?,? ?$")
BEFORE_MONTH = re.compile(rf" {MONTH}\b")
CURRENCY = re.compile(r" ?(?:[€$£¥]|k€|m€|(?:euros?|dollars?|usd|eur)(?!\w))")
BEFORE_YEAR = re.compile(
    r"(?:\b(?:in|since|en|depuis|year|annee|an|of|vers|by|until|circa|c\.|from|and|et|to)|[,(]|^) ?$"
)
SINGLE = frozenset(  # units before which a, an, un and une are numbers
    "hour minute day week year month kilogram gram tonne ton litre liter mole metre meter kilometre "
    "kilometer ampere volt watt kilowatt megawatt joule newton kilonewton kelvin second heure jour semaine "
    "annee mois kilogramme kilo gramme seconde millimetre centimetre millimeter centimeter pascal "
    "atmosphere coulomb farad ohm kilojoule pound foot".split()
)
ANGULAR = re.compile(
    any_of(
        r"angle inclin plane \bplan\b orbit turn rotat tourn tilt slope pente incidence latitude azimut phase steer "
        r"sweep \bcone pitch \byaw half demi devi"
    )
)
SLANTED = re.compile(  # where degrees far from such a word are an angle all the same
    any_of(
        r"angle inclin \bplane\b horizontal vertical thrown launched fired projectile trajector lance tire latitude "
        r"refract incident bend torsion twist twisted crank phase wedge cone slope pente contact_angle "
        r"angle_de_contact mouillage prism orbit"
    )
)
ACCELERATED = re.compile(
    r"(?:accelerations?|\bg-?forces?|load factor|facteur de charge|decelerat\w*)[^.;?!]{0,24}$|"
    r"\b(?:acceler|decelerat|centrifug)\w*[^.;,?!]{0,60}\b(?:to|at|gives?|reach(?:es)?|atteint|donne)\W*$|"
    r"\bcentrifug\w*[^.;,?!]{0,60}\ba\W*$"
)
RATE = "C-rate: one C is the whole capacity in an hour"
GAUGES = ("psig", "barg", "mbarg", "kPag", "MPag")
CHANGES = (
    r"(?:rise|drop|increase|decrease|difference|change|gradient|ecart|elevation|hausse|baisse|augmentation|diminution|"
    r"variation|fall|superheat|surchauffe|sous-refroidissement|subcooling)(?: (?:of|de|d'|in|temperatures?))*"
)
DIFFERENCE = re.compile(
    rf"(?:\bby|{CHANGES}|augmente de|baisse de|eleve de|monte de|chute de|(?:chauff|refroidi)\w* de|[Δδd]t ?=)\W*$"
)


ELECTRIC = re.compile(
    any_of(
        r"charg coulomb electro faraday batter \bcells? \blipo\b accu capaci condens supercap \bcaps?\b farad c-rate "
        r"\brate\b"
    )
)


def is_temperature_text(folded: str) -> bool:
    """Whether a whole folded text speaks of nothing that coulombs or farads measure, so that C and F are degrees."""
    return not ELECTRIC.search(folded)


def settle_unit(unit: str, before: str, after: str, is_slanted: bool = True) -> tuple[str, str]:
    """The unit that a symbol of several meanings stands for between these words (folded before, as they stand behind),
    and what was assumed, "" for nothing. `is_slanted` says whether the whole text is of angles."""
    lead, behind = before[-60:], after.lower()
    if unit == "C":
        rated = RATED.search(lead) and not HOT.search(lead) and not CHARGED.search(lead[-30:])
        if rated or re.match(r"[- ]?rate", behind):
            return "1/h", RATE
        if SYMBOL_OF_TEMPERATURE.search(lead) or HOT.search(lead) or (AT.search(lead) and not CHARGED.search(lead)):
            return "°C", "C is read as degrees Celsius"
    elif unit == "F":
        holds = CAPACITY.search(lead) or CAPACITY.search(behind[:30])
        if not holds and (CHARGED.search(lead[-40:]) or OF_CHARGE.match(behind)):
            return "faraday", "F is read as the charge of a mole of electrons"
        if (
            not CAPACITY.search(lead)
            and not CAPACITY.search(behind[:30])
            and (HOT.search(lead) or AT.search(lead) or SYMBOL_OF_TEMPERATURE.search(lead))
        ):
            return "°F", "F is read as degrees Fahrenheit"
    elif unit == "N" and ACIDIC.match(after):
        return "mol/L", "normality is taken for one equivalent a mole"
    elif unit == "deg" and not ANGULAR.search(lead) and (HOT.search(lead[-40:]) or not is_slanted):
        return "°C", "degrees are read as degrees Celsius"
    elif unit == "g" and ACCELERATED.search(lead):
        return "g_0", "g is read as the acceleration of gravity, 9.80665 m/s^2"
    elif unit == "T" and WEIGHED.search(lead):
        return "t", "T is read as tonnes"
    elif unit in GAUGES:
        return unit, "gauge pressure: one atmosphere (101325 Pa) is added"
    return unit, ""


def is_difference(before: str, after: str) -> bool:
    """Whether the folded words around a temperature say that it is a difference, such as a rise of 20 °C."""
    return not re.match(r" ?(?:to|a|jusqu|-|–)(?!\w)", after) and bool(DIFFERENCE.search(before[-60:]))


def is_label(before: str, after: str, value: float, digits: str) -> bool:
    """Whether a whole number without a unit is part of a name, the number of a figure, a step or an item, or a year;
    `before` and `after` are the text as it stands."""
    lead = before[-40:]
    low = lead.lower()
    if re.search(r"(?:#|n[°ºo]\.? ?|\[)$", low):
        return True
    if re.search(r"(?:^|\n) ?\(?$", lead) and re.match(r"[.)] ", after):
        return True
    if lead.endswith("(") and after.startswith(")") and value < 100 and digits.isdigit():
        return True
    year = 1500 <= value <= 2100 and re.fullmatch(r"\d{4}", digits)
    if (year and (BEFORE_YEAR.search(low) or AFTER_MONTH.search(low))) or (
        value <= 31 and BEFORE_MONTH.match(after.lower())
    ):
        return True
    word = re.search(
        r"([^\W\d_][^\W_]*(?:[./-][^\W\d_]+)*)[. ] ?(?:\d{1,3}(?:, | and | et | to | a | - |-|\.))?$", lead
    )
    if word is None:
        return False
    name, folded = word[1], fold(word[1])
    if folded in NOT_LABELS or PURE.search(folded):
        return False
    if folded in ("section", "sections") and PURE.search(fold(lead[-30:])):
        return False
    if folded in LABELS:
        return True
    inside = re.search(r"[\w,(] ?$", lead[: word.start()])
    return bool(inside and value.is_integer() and len(name) > 2 and re.fullmatch(r"[A-Z][a-z]+", name))


def is_pure_cue(before: str) -> bool:
    """Whether the folded words before a bare number name something that has no unit."""
    return bool(PURE.search(before[-45:]))
