"""Words as they are compared: without accents, by their stems, in English or French."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

STEM = 6  # letters
SAY_NOTHING = frozenset(
    "a an the of at in on to by is are was were be been being it its this that these those and or with for from as if "
    "has have had which what how many much than then there their they we you i do does did will would can could "
    "un une le la les l d de du des a au aux en et ou est sont etait sur sous par pour avec dans que qui qu ce cet "
    "cette ces se s son sa ses il elle on ne pas si y leur leurs quel quelle quels quelles comme dont n c j m t".split()
)
"""Words that say nothing of what a number is; single letters that stand before an apostrophe in French among them."""
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "Λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
FRENCH = frozenset(
    "le la les des une un du au aux est sont quel quelle quels quelles combien calculer calculez donner donnez trouver "
    "trouvez determiner determinez dans avec pour sous sur par et ou de en fois que qui il elle on ne pas "
    "pendant".split()
)
ENGLISH = frozenset(
    "the an a is are of what how many much which find compute calculate give determine in with for under by and or to "
    "at from it its does do that this than between".split()
)
VERB = re.compile(r"([a-z]*[aeiouy][a-z]*[a-df-z])(?:ing|ed)")
TOKEN = re.compile(r"[^\W_]+(?:[_/][^\W_]+|-\d+)*")
SOUND = re.compile(r"(?<!\w)((?:du|le|d'un) )son(?!\w)", re.IGNORECASE)  # which is else a French his or hers
EMF = re.compile(r"(?<!\w)(?:f\.? ?[eé]\.? ?m|e\.m\.f)(?!\w)\.?", re.IGNORECASE)


@lru_cache(20_000)
def fold(text: str) -> str:
    """In small letters, without accents or ligatures."""
    plain = normalize("NFD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    return "".join(c for c in plain if not "\u0300" <= c <= "\u036f")


def stem(word: str) -> str:
    """A word as it is compared: folded, Greek letters by their names, its first six letters; eight where those six are
    those of electrons, electrodes and electrolytes alike, or of engines and engineers."""
    for letter, name in GREEK.items():
        word = word.replace(letter, name)
    word = singular(fold(word).replace("_", ""))
    return word[: 8 if word.startswith(("electr", "engineer")) else STEM]


def singular(word: str) -> str:
    """A folded word without the s of a plural or of a verb, without -ing and -ed."""
    if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
    if len(word) > 5 and (verb := VERB.fullmatch(word)):
        return verb[1][:-1] if re.search(r"([bgmnpt])\1$", verb[1]) else verb[1]
    return word


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words in their order, without those that say nothing; a symbol such as p_c or O/F is one
    (pc, o/f), and so is each word of a longer one."""
    found = []
    for token in TOKEN.findall(EMF.sub("emf ", SOUND.sub(r"\1sound", text.replace("*", "")))):
        parts = token.split("/") if len(token) > STEM else [token]
        found += [stem(part) for part in parts if fold(part) not in SAY_NOTHING and not part.isdigit()]
    return tuple(found)


def language_of(text: str) -> str:
    """The language of a text: "fr" where French words are more than English ones, else "en"."""
    words = re.findall(r"[^\W\d_]+", fold(text[:5000]))
    french = sum(word in FRENCH for word in words) + 2 * len(re.findall(r"(?<!\w)[dl]['’]\w", text[:5000]))
    return "fr" if french > sum(word in ENGLISH for word in words) else "en"
