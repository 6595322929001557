"""How English and French ask: patterns over folded texts (`plain_text.fold_characters`)."""

from __future__ import annotations

import re
from itertools import pairwise

from galop.science.reading.quantity_words import PER

SENTENCE_END = re.compile(r"(?<=[?!])[\s)\"»]+|(?<=\.)\s+|\n+")
SHORTENED = re.compile(
    r"(?<!\w)(?:e\.g|i\.e|approx|vs|ca|env|resp|no|eq|fig|cf|etc|f\.[eé]\.m|e\.m\.f|c\.-a-d|p\.ex|temp|max|vol|dia)\.\s+$"
)
IMPERATIVE = (
    r"(?:please |then |and |also |veuillez |puis |et )?(?:compute|find|calculate|estimate|determine|give|evaluate|"
    r"work out|obtain|convert|express|size|predict|state|tell me|derive|deduce|report|quote|calculez|calculer|calcule|"
    r"trouvez|trouver|trouve|determinez|determiner|estimez|estimer|donnez|donner|donne|evaluez|evaluer|convertissez|"
    r"convertir|convertis|exprimez|exprimer|dites|indiquez|deduisez|en deduire|deduire|precisez|chiffrez|"
    r"dimensionnez|dimensionner)"
    r"(?:-moi|-nous| me(?= the| an?)| us(?= the| an?))?(?!\w|-(?:t-)?(?:il|elle|on))"
)
WISH = (  # asks only for a quantity that is named right behind it, without its value
    r"(?:i need|i want|i would like|we need|we want|need|needed|looking for|wanted|required|je cherche|on cherche|"
    r"je veux|"
    r"on veut|on demande|il faut|cherche|question|inconnue|unknown)(?!\w) ?:? ?(?:to know |the |a |an |la |le |l'|"
    r"une? )?"
)
ANSWER = r"(?:answer|result|reply|value|reponse|resultat|valeur)s?"
ANSWER_IN = re.compile(
    rf"(?:(?:give|express|state|report|write|quote|round|donnez|donner|exprimez|exprimer|ecrivez)?\s?(?:the |your |"
    rf"me the |"
    rf"la |le |votre )?(?:final )?{ANSWER}|answer|repondez|repondre)"
    rf"(?: (?:should be|must be|is|sera|est|doit etre|expressed|given|wanted|expected|attendue?|exprimee?|donnee?|"
    rf"your|the|"
    rf"la|le|votre|{ANSWER}))*\s?:?,? (?:in|en|as) "
)
HOW = (
    r"how (?:much|many|long|fast|heavy|far|tall|high|deep|thick|wide|hot|cold|large|big|strong|often|quickly|dense|"
    r"warm|"
    r"soon|efficient|powerful|massive|rapidly|small|low|great)"
)
WHAT = (
    r"(?:(?:at|in|to|by|from|for|over|with|of|after|within|under|on|up to) )?(?:what|which)"
    r"(?:'?s| is| are| was| would be| will be| must be| should be)?|when (?:is|will|does|are|do)"
)
QUEL = (
    r"(?:(?:a|de|en|pour|sous|dans|par|avec|vers|sur|jusqu'a|apres|pendant|au bout de) )?"
    r"(?:quel|quelle|quels|quelles|combien|lequel|laquelle)(?: est| sont| serait| sera| vaut)?|"
    r"que (?:vaut|valent|vaudra|vaudrait|devient)|quand"
)
ASKING = re.compile(
    rf"(?:^|(?<=[\s(,;:—–-]))(?:(?P<wh>{HOW}|{WHAT}|{QUEL})(?!\w)|(?P<do>{IMPERATIVE})|(?P<wish>{WISH}))"
)
YES_NO = re.compile(
    r"est-ce qu|"
    r"(?:so |and |but |then |alors |et )?(?:is|are|was|does|do|will|would|can|could|should|has|did|est-il|"
    r"est-elle|"
    r"peut-on|sera-t-)\b"
)
INVERTED = re.compile(r"-(?:t-)?(?:il|elle|on|ils|elles)\b")  # suffit-il
OPEN = re.compile(
    r"(?:[^?]*[,;] )?(?:pourquoi|why|how (?:do|should|can|would|to)\b|comment|(?:which|what|quel\w*|que) \S{0,20}? "
    r"?(?:should i|"
    r"would you|do you recommend|choisir\w*|dois-je|faut-il (?:choisir|verifier|faire))|d'ou)"
)
COMPARE = re.compile(
    r"(?:which|what|lequel|laquelle|lesquels|quel|quelle)\b[^?]{0,80}\b(?:larger|smaller|greater|higher|lower|"
    r"heavier|lighter|"
    r"faster|slower|better|longer|bigger|more|less|(?<!at )most|meilleur\w*|le plus|la plus|"
    r"plus (?:grand|petit|lourd|leger|rapide|lent|eleve|faible|long|court)\w*)\b"
)
IN_UNIT = re.compile(
    r"(?<![\w-])(?:in|en|into|to|unit:?|units of|unite:?)\s+(?:units of |the unit )?|[(\[]\s?(?:in |en )?|, "
)
EQUATED = re.compile(r" ?[\w*/°]{1,6} ?[=≈]? {2,}[ ,;?.]*")  # f = 0.02, the number left blank
CONVERT = re.compile(r"conver|express|exprim")
FORMAT = re.compile(
    rf" ?:? ?(?:me |us )?(?:your |the |a |la |le |votre |une? )?(?:final |short |numeric\w* )?{ANSWER}"
    r"(?! (?:of|de|du|des|d')\b)"
)
ARTICLE = re.compile(  # in French, the subject behind what is asked: quelle poussée | le moteur fournit-il
    r"".join(rf"(?<!\b{word})" for word in "de a et ou en par sur dans pour sous avec entre vers que selon".split())
    + r" (?:(?:un|une|le|la|les|cette|ce|cet|ces|on|il|elle) |l')"
)
AT_NUMBER = re.compile(r" (?:at|a|of|de|under|sous|from|for|pour|with|avec|in|en|after|apres|d')\s?$")
PER_WHAT = re.compile(
    rf" (?:per|par) (?:(?:unit|unite) (?:of |de |d')?)?({'|'.join(sorted(PER, key=len, reverse=True))})(?!\w)"
)
TIMES = {"second": "s", "seconde": "s", "sec": "s", "s": "s", "minute": "min", "min": "min", "hour": "h", "heure": "h",
         "h": "h", "day": "day", "jour": "day"}  # fmt: skip
PER_TIME = re.compile(  # "a sec" is dry, in French
    rf"(?:(?:(?:per|par|each|every) |/ ?)({'|'.join(TIMES)})|\ba (second|minute|hour|day))(?!\w)"
)
IT = re.compile(
    r"^(?:(?:what|how) (?:is|was|will|would|does) )?(?:it|that|this|elle|il|-t-elle|-t-il|celle-ci|celui-ci)\b"
)
HOW_MANY = re.compile(r"(?:how many|combien (?:de |d')|(?:what|which|the|a) number of |(?:quel|le) nombre (?:de |d'))")
LEADS_ON = re.compile(
    r"(?: and| et| then| puis|please|(?:want|need|like|asked|try|have|veux|faut|cherche|demande)\w* (?:to|de|a))$"
)
IN_SOME = re.compile(r"[^\s,]{1,12} (?:in|en) [^\s,.]{1,12}[,.]?(?:\s|$)")
ENUMERATOR = re.compile(r"\((?:[a-h]|[1-9])\)(?= )|(?<![\w.])(?:[a-h])\) (?=[a-z])")
SAID_OF_IT = re.compile(  # "gravity subtracted": how something is to be taken, which is not asked
    r"[^,;.?]{0,40}?(?<!\w)(?:subtracted|included|including|excluded|neglected|ignored|deducted|taken|not|known|given|apart|"
    r"compris\w*|inclus\w*|deduite?s?|negligee?s?|soustraite?|exclu\w*|connue?s?|donnee?s?)(?!\w)"
)
CONDITION = re.compile(
    r"(?<!\w)(?:if|when|given|assuming|for|at|with|from|knowing|where|that|which|sachant|si|lorsque|quand|pour|avec|"
    r"sous|"
    r"dans|qui|dont)(?!\w)"
)
BETWEEN = re.compile(r"(?<!\w)(?:entre|between|ratio of|rapport de|ratio|rapport|difference|ecart)(?!\w)")
AGAINST = re.compile(  # a potential is asked for
    r"\b(?:vs\.?|versus|against|relative to|par rapport a(?: l'| la)?) ?(?:the |a |an )?"
    r"(?:she|nhe|rhe|sce|ecs|esh|enh|ag/agcl|hg/hgo|standard hydrogen|saturated calomel|calomel)(?!\w)"
)
EACH = re.compile(r"[^?]*?(?<!\w)(?:each|every|per|par|chaque) (?:each )?")
OF_THEM = re.compile(r" ?(?:de |d')?")
STOP = re.compile(r"[?;]|\.(?=\s|$)")
TAIL = re.compile(  # where the name of what is asked ends
    r"\b(?:does|do|did|will|would|can|could|must|should|is|are|was|if|when|given|assuming|knowing|sachant|si|"
    r"lorsque|quand|"
    r"needed|required|necessary|necessaire|que|qu'|for which|at which|produced|fournit|produit|donne|faut|peut|doit|"
    r"est|sont|"
    r"a-t|in order|so that|afin|(?<!-)to(?!-))\b|[,:(]|(?<=\w) en (?=\S+ ?\?)"
)
PERCENT = re.compile(r"\b(?:percent|per cent|percentage|pourcentage|pour cent)\b|%")
PERCENT_UNIT = re.compile(r"%|(?:per ?cent|percentage|pour ?cents?|pourcentage)\b")
EDGE = re.compile(r"(?:[,;:–]|->|→|=>|(?<= )-) ")  # between clauses
POLITE_END = re.compile(r"[\s)\].!,]*(?:please|thanks|thank you|merci|svp|stp|s'il (?:vous|te) plait)?[\s.!]*")
BOTH = re.compile(r",? (?:and|et|as well as|ainsi que)(?: also| then| puis)? |, ")


def sentences(plain: str) -> list[tuple[int, int]]:
    """Where each sentence stands."""
    edges = [0]
    for match in SENTENCE_END.finditer(plain):
        goes_on = plain[match.end() : match.end() + 1].islower()
        if not (goes_on and SHORTENED.search(plain[max(0, match.start() - 12) : match.end()].lower())):
            edges.append(match.end())
    edges.append(len(plain))
    return [(a, b) for a, b in pairwise(edges) if plain[a:b].strip()]
