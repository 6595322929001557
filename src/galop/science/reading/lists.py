"""What stands in lists, handed out in order: 140/5 mM (in/out), P_K:P_Na = 1:0.04, "a and b are 3 and 5 respectively".

Each quantity of a list gets the words of its own entry in front of those around the list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from galop.science.reading.passage import Passage
from galop.science.reading.roles import Role
from galop.science.reading.words import stems

PAIR = re.compile(r" ?/ ?")
COLON = re.compile(r" ?: ?")
SIDES = {
    "in": "inside", "inside": "inside", "int": "inside", "interieur": "inside", "intracellular": "inside",
    "cytosol": "inside", "out": "outside", "outside": "outside", "ext": "outside", "exterieur": "outside",
    "extracellular": "outside", "inlet": "inlet", "entree": "inlet", "outlet": "outlet", "sortie": "outlet",
    "hot": "hot", "chaud": "hot", "cold": "cold", "froid": "cold", "initial": "initial", "final": "final",
    "before": "before", "avant": "before", "after": "after", "apres": "after", "upstream": "upstream",
    "amont": "upstream", "downstream": "downstream", "aval": "downstream", "cathode": "cathode", "anode": "anode",
}  # fmt: skip
LABELS = re.compile(rf"(?<![\w/])({'|'.join(SIDES)}) ?/ ?({'|'.join(SIDES)})(?![\w/])")
IONS = {"k": "potassium", "na": "sodium", "cl": "chloride", "ca": "calcium", "mg": "magnesium", "li": "lithium"}
ION_NAMES = frozenset(stem for name in IONS.values() for stem in stems(name))
ION = re.compile(r"p?[_\[(]*(k|na|cl|ca|mg|li)[+⁺⁻-]?[\])]*")
SYMBOLS = re.compile(r"((?:[^\s:=,;]+ ?: ?)+[^\s:=,;]+) ?(?:=|is|are|as|were|sont|est|vaut|valent|comme|of|de|:)? ?$")
RESPECTIVELY = re.compile(r"\b(?:respectively|respectivement|resp\.?|in that order|dans cet ordre)(?!\w)")
ENTRIES = re.compile(
    r"(?:^|[\s(])((?:[^\s,;:]+(?: [^\s,;:]+)?, ){0,6}[^\s,;:]+(?: [^\s,;:]+)??),? (?:and|et) "
    r"((?:the |of the |du |de la |de l'|des |de |d'|la |le |les |l')?[^\s,;:]+)"
)
JOINED = re.compile(r" ?,? ?(?:and|et)? ?(?:of|de|d'|at|a)? ?")
Place = tuple[int, int]
SENTENCE = re.compile(r"[.!?](?=\s)|[\n;]")


def hand_out(passage: Passage, places: Sequence[Place], roles: Sequence[Role], alike: Sequence[bool]) -> list[Role]:
    """The roles of the quantities at these places with the words of the entries that are theirs, of lists of either
    kind; `alike` says of each whether it measures what the next one does."""
    found = list(roles)
    hand_out_pairs(passage, places, found, alike)
    hand_out_ratios(passage, places, found)
    hand_out_respectively(passage, places, found, alike)
    return found


def hand_out_pairs(passage: Passage, places: Sequence[Place], roles: list[Role], alike: Sequence[bool]) -> None:
    """Of 140/5 mM the first is what stands first in "(in/out)"; both are of what is named before them."""
    label = LABELS.search(passage.folded)
    for i, same in enumerate(alike):
        if same and PAIR.fullmatch(passage.folded, places[i][1], places[i + 1][0]):
            of = tuple(dict.fromkeys((*ions_of(roles[i].before[:1] or stems(roles[i].symbol)), *roles[i].before)))
            sides = [stems(SIDES[label[k]]) for k in (1, 2)] if label else [(), ()]
            for at, side in zip((i, i + 1), sides, strict=True):
                roles[at] = replace(roles[at], before=tuple(dict.fromkeys((*side, *of, *roles[at].before))))


def ions_of(words: Sequence[str]) -> tuple[str, ...]:
    """The names of ions that symbols such as P_Na or [K+] are of."""
    matches = (ION.fullmatch(word) for word in words)
    return tuple(stem for match in matches if match for stem in stems(IONS[match[1]]))


def hand_out_ratios(passage: Passage, places: Sequence[Place], roles: list[Role]) -> None:
    """Of a:b:c = 1:2:3 each number is of its letter; without letters, of the ions that pairs before it are of."""
    i = 0
    while i < len(places) - 1:
        last = i
        while last + 1 < len(places) and COLON.fullmatch(passage.folded, places[last][1], places[last + 1][0]):
            last += 1
        if last > i:
            named = SYMBOLS.search(passage.folded[max(0, places[i][0] - 80) : places[i][0]])
            entries = [part.strip() for part in named[1].split(":")][i - last - 1 :] if named else []
            if len(entries) != last - i + 1:
                pairs = [roles[k].before for k in range(i) if roles[k].before and ION_NAMES & {*roles[k].before}]
                entries = list(dict.fromkeys(word for words in pairs for word in words if word in ION_NAMES))
            if len(entries) == last - i + 1:
                for at, entry in zip(range(i, last + 1), entries, strict=True):
                    permeability = stems("permeability") if (ion := ions_of([entry])) or entry in ION_NAMES else ()
                    words = (*(ion or stems(entry)), *permeability)
                    roles[at] = replace(roles[at], before=tuple(dict.fromkeys((*words, *roles[at].before))), context=())
        i = last + 1


def hand_out_respectively(passage: Passage, places: Sequence[Place], roles: list[Role], alike: Sequence[bool]) -> None:
    """Of "a, b and c are 1, 2 and 3 m respectively" each is of its own."""
    folded = passage.folded
    for said in RESPECTIVELY.finditer(folded):
        begin = max((m.end() for m in SENTENCE.finditer(folded, 0, said.start())), default=0)
        end = next((m.start() for m in SENTENCE.finditer(folded, said.end())), len(folded))
        inside = [i for i, (start, _) in enumerate(places) if begin <= start < end]
        while inside:
            run = [inside.pop(0)]
            while inside and alike[run[-1]] and JOINED.fullmatch(folded, places[run[-1]][1], places[inside[0]][0]):
                run.append(inside.pop(0))
            if len(run) > 1:
                give_entries(folded[begin : places[run[0]][0]], run, roles)


def give_entries(lead: str, run: Sequence[int], roles: list[Role]) -> None:
    """Gives each of a run of quantities the last word of its entry in the last list of as many that stands before."""
    for match in reversed(list(ENTRIES.finditer(lead))):
        entries = [*match[1].split(", ")[-(len(run) - 1) :], match[2]]
        words = [stems(entry)[-1:] for entry in entries]
        if len(entries) == len(run) and all(words) and not re.search(r"\d\s*$", match[1]):
            every = {word for (word,) in words}
            for at, own in zip(run, words, strict=True):
                shared = tuple(word for word in roles[at].before if word not in every)
                context = tuple(word for word in roles[at].context if word not in every)
                roles[at] = replace(roles[at], before=(*own, *shared), context=context)
            return
