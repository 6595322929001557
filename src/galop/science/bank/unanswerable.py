"""Questions that cannot be answered, since something is missing."""

from __future__ import annotations

from random import Random

from galop.science.bank.kind import QuestionDraft, electrons, kind


@kind("unanswerable", "the final mass is missing")
def missing_mass(r: Random) -> QuestionDraft:
    """A velocity change without the final mass."""
    isp, full = r.randrange(250, 460), r.randrange(100, 600)
    return QuestionDraft(
        f"A rocket stage of {full} t has a specific impulse of {isp} s. What velocity change does it give when it burns all its propellant?",
        f"Un étage de fusée de {full} t a une impulsion spécifique de {isp} s. Quelle variation de vitesse fournit-il en brûlant tous ses "
        "ergols ?",
        None, "m/s",
    )  # fmt: skip


@kind("unanswerable", "the density is missing")
def missing_alloy(r: Random) -> QuestionDraft:
    """A corrosion rate without the alloy's density."""
    i = r.randrange(5, 80)
    return QuestionDraft(
        f"An unknown alloy corrodes uniformly at {i} µA/cm². At what rate does it lose thickness?",
        f"Un alliage inconnu se corrode uniformément à {i} µA/cm². À quelle vitesse perd-il de l'épaisseur ?",
        None, "mm/year",
    )  # fmt: skip


@kind("unanswerable", "the concentrations are missing")
def missing_concentrations(r: Random) -> QuestionDraft:
    """A voltage without the concentrations."""
    z = r.choice([1, 2])
    e0 = r.randrange(80, 200) / 100
    return QuestionDraft(
        f"A cell exchanges {electrons(z)} and has a standard voltage of {e0} V at 25 °C. Its solutions are not at unit activity. What is "
        "its voltage?",
        f"Une pile échange {electrons(z, 'électron')} et a une tension standard de {e0} V à 25 °C. Ses solutions ne sont pas d'activité unité. Quelle "
        "est sa tension ?",
        None, "V",
    )  # fmt: skip
