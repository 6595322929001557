"""What the words around a number decide: whether C is Celsius or coulomb, a number pure, a count, or part of a name."""

from __future__ import annotations

import re

HOT = re.compile(
    r"temper|heat|hot|cool|cold|warm|boil|melt|freez|therm|ambian|ambien|chauff|refroid|chaud|froid|ebulli|fusion|fond|"
    r"congel|\broom\b|celsius|kelvin|\bbath\b|\bbain\b|\bwater\b|\beau\b"
)
CHARGED = re.compile(r"charg|coulomb|electron|\bpass|faraday|electroly|quantit. d.electricite|stor|stock")
RATED = re.compile(r"c-rate|\brate\b|discharg|decharg|regime|cycl")
CAPACITY = re.compile(r"capaci|condens|supercap|farad")
ACIDIC = re.compile(r" (?:[A-Z][A-Za-z0-9()₀-₉]{1,12}(?!\w)|(?:acid|acide|solution|base|soude|caustic|hydrochlor|sulfur)\w*)")
WEIGHED = re.compile(r"\bmass|weigh|pes|poids|pese")
INCHES = re.compile(
    r"(?: ?$| ?[.,;:)\]?!/x×]| (?:of|long|wide|thick|tall|high|deep|diameter|dia|bore|pipe|by|x|and|or|to|id|od|per|is|"
    r"line|tube|nozzle|throat|orifice|hole|water|mercury|head|radius)\b)"
)
COUNTABLE = re.compile(
    r"(?:[a-z]+[- ])??(?:electrons?|e[-⁻](?!\w)|protons?|h[+⁺]|ions?|atoms?|atomes?|molecules?|stages?|etages?|engines?|"
    r"moteurs?|cells?|cellules?|elements?|piles?|accumulateurs?|plates?|plaques?|tubes?|holes?|trous?|orifices?|injectors?|"
    r"injecteurs?|elements?|teeth|tooth|dents?|turns?|tours?|spires?|blades?|pales?|aubes?|passes|passages?|thrusters?|"
    r"propulseurs?|batter(?:y|ies)|batteries?|modules?|electrodes?|photons?|bolts?|boulons?|vis|nozzles?|tuyeres?|channels?|"
    r"canaux|boosters?|pumps?|pompes?|tanks?|reservoirs?|grains?|segments?|layers?|couches?|units?|satellites?|burns?|"
    r"strings?|branches?|equivalents?|moles? ratio|charges?|people|persons?|personnes|astronauts?|astronautes)(?!\w)"
)
TIMES_WORD = re.compile(r" ?(?:times|fois|x|×)(?= (?:the|that|its|as|larger|smaller|more|less|la|le|les|celle|celui|sa|son|plus|moins)\b|[.,;]|$)")
PURE = re.compile(
    r"ratio|rapport|o/f|efficien|rendement|number|nombre|gamma|coefficient|factor|facteur|\bph\b|\bpka?\b|mach|quotient|"
    r"expon|index|indice|emissiv|epsilon|alpha|beta|reynolds|prandtl|nusselt|fraction|activit|permittivit|constant|"
    r"fourier|biot|schmidt|sherwood|facteur|equivalen|porosit|safety|securite|valen|[γεαβκηφΦ]"
)
FOLLOWERS = frozenset(
    "a an the of at in on to by is are was were be it its this that these those and or with for from as if has have had "
    "which what how than then there their they when where while after before between into onto over under through until "
    "during within per but so not only also both each all about around above below up down out off does do gives give "
    "works work operates runs run means applies flows burns holds feeds exhausts expands yields corresponds respectively "
    "un une le la les l d de du des au aux en et ou est sont etait sur sous par pour avec dans que qui ce cet cette sa "
    "son ses il elle on ne pas si donne fonctionne alimente brule vaut correspond dont lorsque quand apres avant entre "
    "pendant jusque chez vers sans mais donc car puis alors respectivement soit calculer calculez quel quelle find compute "
    "calculate estimate determine assume neglect take in vacuum vide initially initialement using can may will should".split()
)
LABELS = frozenset(
    "step steps eq eqn equation equations fig figure figures table tableau tab chapter chapitre chap section sections sec "
    "page pages p pp no n° nº n numero ref reference example exemple problem probleme exercise exercice question q part "
    "partie note case cas test run sample echantillon item line ligne volume vol version v rev type grade alloy alliage "
    "class classe series serie model modele mark mk block bloc phase group groupe lot batch aisi sae astm iso din en nace "
    "naca ansi nf inconel haynes hastelloy monel ariane apollo falcon saturn atlas delta titan vega soyuz soyouz proton "
    "merlin vulcain rutherford starship artemis zenit angara electron long march kourou pad room route appendix annexe "
    "theorem theoreme law loi day jour hour group zone site unit tank pump cell engine stage etage electrode point node "
    "station experiment essai etape etapes bac student article alinea moteur pompe cellule reservoir".split()
)
STAYS = frozenset("o/f isp mach re pr nu gamma ph pka z n k q cf cd m x y alpha eta reynolds prandtl nusselt bo".split())
MONTHS = re.compile(
    r"(?:jan|feb|fev|mar|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|sep|oct|nov|dec)[a-z]*\.?,? ?$"
)
CURRENCY = re.compile(r" ?(?:[€$£¥]|euros?(?!\w)|dollars?(?!\w)|usd(?!\w)|eur(?!\w)|k€|m€)")
YEAR_BEFORE = re.compile(r"(?:\b(?:in|since|en|depuis|year|annee|an|of|vers|by|until|circa|c\.|from|and|et|to|,|\()) ?$")


def settle_unit(unit: str, before: str, after: str) -> tuple[str, str]:
    """The unit that a symbol of several meanings stands for between these folded words (the text behind as it stands),
    and what was assumed, "" for nothing."""
    lead = before[-60:]
    if unit == "C":
        if re.match(r"[- ]?rate", after) or (RATED.search(lead) and not HOT.search(lead) and not CHARGED.search(lead[-30:])):
            return "1/h", "C-rate: one C is the whole capacity in an hour"
        if HOT.search(lead) or (re.search(r"\b(?:at|a|from|to|between|and|et|de)\W*$", lead) and not CHARGED.search(lead)):
            return "°C", "C is read as degrees Celsius"
        return "C", ""
    if unit == "F":
        if CAPACITY.search(lead) or CAPACITY.match(after[:30].lower().lstrip()):
            return "F", ""
        if CHARGED.search(lead[-40:]) or re.match(r" (?:of|de) (?:charge|electr)", after.lower()):
            return "faraday", "F is read as the charge of a mole of electrons"
        if HOT.search(lead) or re.search(r"\b(?:at|a|from|to|between|and|et)\W*$", lead):
            return "°F", "F is read as degrees Fahrenheit"
        return "F", ""
    if unit == "N" and ACIDIC.match(after):
        return "mol/L", "normality is taken for one equivalent a mole"
    if unit == "deg" and HOT.search(lead[-40:]) and not re.search(r"angle|inclin|half|demi", lead):
        return "°C", "degrees are read as degrees Celsius"
    if unit == "T" and WEIGHED.search(lead):
        return "t", "T is read as tonnes"
    if unit in ("psig", "barg", "mbarg", "kPag", "MPag"):
        return unit, "gauge pressure: one atmosphere (101325 Pa) is added"
    return unit, ""


def is_difference(before: str, after: str) -> bool:
    """Whether the folded words around a temperature say that it is a difference, such as a rise of 20 °C."""
    return not re.match(r" ?(?:to|a|jusqu|-|–)(?!\w)", after) and bool(
        re.search(r"(?:\bby|(?:rise|drop|increase|decrease|difference|change|gradient|ecart|elevation|hausse|baisse|"
                  r"augmentation|diminution|variation|fall|superheat|surchauffe|sous-refroidissement|subcool\w*)"
                  r"(?: (?:of|de|d'|in|temperature|temperatures))*|augmente de|baisse de|eleve de|monte de|chute de|"
                  r"(?:chauff|refroidi)\w* de|Δt ?=|dt ?=|warmer by|δt ?=)\W*$", before[-60:])
    ) and not re.search(r"(?:from|\bde) -?\d\S* ?\S* ?(?:to|a)\W*$", before[-60:])  # fmt: skip


def is_label(before: str, after: str, value: float, digits: str) -> bool:
    """Whether a whole number without a unit is part of a name, a number of a figure or step, a year, or of a list;
    `before` is the text as it stands."""
    lead = before[-40:]
    low = lead.lower()
    if re.search(r"(?:#|n[°ºo]\.? ?|\[)$", low) or re.search(r"(?:^|\n) ?\(?$", lead) and re.match(r"[.)] ", after):
        return True
    if re.search(r"\($", lead) and after.startswith(")") and value < 100:
        return True
    if 1500 <= value <= 2100 and len(digits) == 4 and digits.isdigit():
        if YEAR_BEFORE.search(low) or MONTHS.search(low):
            return True
    word = re.search(r"([^\W\d_][^\W_]*(?:[./-][^\W\d_]+)*)[. ] ?(?:\d{1,3}(?:, | and | et | to | a | - |-|\.))?$", lead)
    if word is None or re.search(r"[=:≈~]\s*$", lead):
        return bool(MONTHS.match(after.lower().strip()[:4]) and value <= 31) if after.strip() else False
    name = word[1]
    if name.lower() in STAYS or PURE.search(name.lower()):
        return False
    if name.lower() in LABELS:
        return True
    inside = re.search(r"[a-z,] $", lead[: word.start()]) or re.search(r"\w[ ,(]$", lead[: word.start()])
    return bool(name[0].isupper() and len(name) > 2 and name[1:].islower() and inside)


def is_pure_cue(before: str) -> bool:
    """Whether the words before a bare number name something that has no unit."""
    return bool(PURE.search(before[-45:]))
