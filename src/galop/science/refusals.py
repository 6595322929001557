"""Whether a reply says that the answer cannot be known, in English or French.

Texts are in small letters without accents.
"""

from __future__ import annotations

import re

UNKNOWN = (
    r"(?:unknown|undetermined|indeterminate|(?:in|un)determinable|uncomputable|n/a|inconnue?s?|indeterminee?s?|"
    r"indeterminables?)"
)
ENDS = (
    r"(?= ?(?:$|[.,;:!?()\n–-]|since|because|as\b|without|due|for (?:lack|want)|given|unless|until|here|"
    r"from|with|in this|and|but|car\b|faute|sans|puisque|tant|ici|avec|dans|et\b|mais))"
)
GIVEN = r"(?:given|specified|stated|provided|supplied|mentioned|known|told)"
DONNE = r"(?:donnee?|precisee?|fournie?|connue?|indiquee?|calculable|determin\w+|possible)s?"
FOUND = (
    r"(?:determin|comput|calculat|found|find|known|know|say|said|answer|deriv|obtain|evaluat|solv|work|infer|tell|"
    r"give|be\b)"
)
ENGLISH = [
    # unknown as the whole answer, or said of something; not in "the unknown force is 5 N"
    rf"(?:^|[:.,;(*\"'] ?|\b(?:answer|result|value|it) )(?:is |it is )?{UNKNOWN}{ENDS}",
    rf"\b(?:is|are|remains?|stays?) (?:still |simply |therefore |thus |unfortunately )?{UNKNOWN}\b",
    rf"\b(?:can ?not|can't|could ?n[o']t|could not|may not) (?:be |actually be |really be )?(?:\w+ly )?{FOUND}",
    r"\b(?:impossible|unable|not possible|not enough|not sufficient|insufficient|too little|no way) ?"
    r"(?:to|for|data|info\w*|given|here|[.,;]|$)",
    r"\bunderdetermined\b|\bnot (?:determinable|computable|calculable|computed|determined|enough|answerable)\b",
    r"\b(?:isn't|is not|aren't|are not) (?:enough|sufficient|possible|answerable)",
    rf"\b(?:is|are|was|were|has|have)(?: not|n't)(?: been)? {GIVEN}|\bnot {GIVEN}\b",
    r"\b(?:does|do|did)(?: not|n't) (?:say|give|state|specify|provide|tell|mention|include)",
    r"\b(?:is|are) (?:missing|lacking|absent)\b|(?:^|[.:;,] ?)missing\b|\bmissing (?:data|information|input|value)",
    r"\black(?:s|ing)? (?:the|of|data|info)",
    r"\bto (?:answer|determine|compute|calculate|find|know)\b.{0,200} (?:is|are) (?:needed|required)",
    r"\bnothing (?:was|is|can be|has been) (?:computed|calculated)\b",
    r"\bno (?:formula|data|number|numeric\w*|unique|single|definite) |\bthere is no (?:formula|number|answer|way)",
    r"\b(?:i |we )(?:don't|do not|cannot|can't) (?:know|say|tell|have)|\bneeds? (?:to know|more (?:data|info))",
    r"\bnothing (?:was|is|has been) computed",
    r"^no \w.{0,200}\b(?:makes?|gives?|leads?|fits?|uses?)\b",
    r"\b(?:i|we)(?: would|'d) (?:need|have to know)|\b(?:you )?(?:would )?need to (?:know|provide|specify|give)",
    r"\b(?:please )?(?:provide|specify) the\b",
]
FRENCH = [
    rf"(?:^|[:.,;(*\"'] ?|\b(?:reponse|resultat|valeur) )(?:est |c'est )?{UNKNOWN}{ENDS}",
    rf"\b(?:est|sont|reste(?:nt)?) (?:donc |encore )?{UNKNOWN}\b|\bindetermin(?:able|e)\b",
    r"\bne (?:peut|peuvent|peux|pouvons|saurait|puis|permet|permettent|suffi\w+)\b",
    r"\brien n'(?:a ete|est) calcule\b",
    r"\bn'est ni\b|\bne (?:sont|sait|sais) pas\b",
    rf"\bn'(?:est|etait) pas {DONNE}|\bn'(?:a|ont) pas ete|\bnon {DONNE}\b",
    r"\bimpossible (?:de|d'|a)\b|(?:^|\b)impossible(?:$|[.,;:])",
    r"\bpas (?:assez|suffisamment|suffisant\w*)|\binsuffisant\w*",
    r"\b(?:il|me|nous|en) manquer?a?(?:it)?\b|\bmanquent?\b|\bmanquant\w*|\bfaute (?:de|d')",
    r"\b(?:il )?(?:me |nous )?faudrait (?:connaitre|savoir|aussi|la|le|les|l')|\bsans (?:connaitre|savoir)\b",
    r"\brien n'a ete calcule",
    r"^aucune? \w.{0,200}\b(?:donnent?|menent?|convien\w+|n'utilisent?)\b",
    r"\bje (?:ne |n')|\baucune? (?:formule|donnee|reponse|valeur)|\bon ne (?:connait|dispose)",
]
DECLINES = re.compile("|".join([*ENGLISH, *FRENCH]))
CONDITIONAL = re.compile(
    r"\b(?:would|could|might|if|assum\w*|suppos\w*|for example|for instance|e\.g|typical\w*|usually|say,|"
    r"not (?:comput|calculat)ed|own (?:view|estimate)|guess|serait|vaudrait|donnerait|si\b|en prenant|par exemple|"
    r"typiquement|d'ordinaire|non calcule\w*|hypothese|avis)"
)


def find_refusal(folded: str) -> re.Match[str] | None:
    """Where a text says so."""
    return DECLINES.search(folded)


def is_conditional(folded: str) -> bool:
    """Whether what follows such words is a supposition and no answer."""
    return bool(CONDITIONAL.search(folded))
