"""Stages of rockets: their fractions, and what they give together."""

from __future__ import annotations

from math import log
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.inputs import RPE, DeltaV, Isp
from galop.science.fields.rocket import MASS_RATIO, InitialMass, PropellantMass, burn
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

StructuralMass = Annotated[
    float,
    Quantity(
        "kg", "structural mass", 0, 1e12, "inert mass empty stage, masse de structure, masse inerte, masse à vide"
    ),
]
DryMass = Annotated[
    float, Quantity("kg", "structural mass", 1e-9, 1e12, "dry inert empty mass of the stage, masse de structure, "
                                                         "masse sèche, masse inerte, à vide")
]  # fmt: skip
PayloadMass = Annotated[float, Quantity("kg", "payload mass", 0, 1e12, "charge utile, satellite")]


@formula(
    "delta_v = isp g0 ln((payload_mass + structural_mass + propellant_mass) / (payload_mass + structural_mass))",
    f"{RPE}, ch. 4",
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse"), "mass_ratio": MASS_RATIO},
    words="velocity change of a stage from its parts: payload, dry or structural mass and propellant, delta-v d'un "
          "étage, charge utile, structure, ergols",
)  # fmt: skip
def stage_delta_v(
    isp: Isp,
    propellant_mass: PropellantMass,
    structural_mass: DryMass,
    payload_mass: PayloadMass = 0.0,
) -> dict[str, float]:  # fmt: skip
    """Velocity change of a stage from its propellant, its structure and its payload."""
    dry = structural_mass + payload_mass
    return {"delta_v": isp * G0 * log((dry + propellant_mass) / dry), "mass_ratio": (dry + propellant_mass) / dry}


@formula(
    "delta_v = v ln((payload_mass + structural_mass + propellant_mass) / (payload_mass + structural_mass))",
    f"{RPE}, ch. 4",
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse"), "mass_ratio": MASS_RATIO},
    words="velocity change of a stage from its exhaust velocity, dry mass, payload and propellant, delta-v, vitesse "
          "d'éjection, charge utile, structure, ergols",
)  # fmt: skip
def stage_delta_v_of_exhaust(
    exhaust_velocity: Annotated[
        float, Quantity("m/s", "effective exhaust velocity", 10, 200_000, "ejection gas velocity, vitesse d'éjection")
    ],
    propellant_mass: PropellantMass,
    structural_mass: DryMass,
    payload_mass: PayloadMass = 0.0,
) -> dict[str, float]:
    """Velocity change of a stage from its exhaust velocity, its propellant, its structure and its payload."""
    dry = structural_mass + payload_mass
    return {
        "delta_v": exhaust_velocity * log((dry + propellant_mass) / dry), "mass_ratio": (dry + propellant_mass) / dry,
    }  # fmt: skip


@formula(
    "delta_v = isp g0 ln((gross_mass + payload_mass) / (empty_mass + payload_mass))", f"{RPE}, ch. 4",
    {"delta_v": Quantity("m/s", "velocity change", words="delta-v Δv, variation de vitesse"), "mass_ratio": MASS_RATIO},
    words="velocity change of a stage from its loaded or gross mass, its empty mass and what it carries, delta-v d'un "
          "étage, masse pleine, masse vide, charge utile",
)  # fmt: skip
def stage_delta_v_of_gross(
    isp: Isp,
    gross_mass: Annotated[
        float, Quantity("kg", "mass of the loaded stage", 1e-9, 1e12, "loaded gross full fuelled, masse pleine chargée")
    ],
    empty_mass: Annotated[
        float, Quantity("kg", "mass of the empty stage", 1e-9, 1e12, "empty dry burnt out, masse vide à vide sèche")
    ],
    payload_mass: Annotated[
        float, Quantity("kg", "mass that the stage carries", 0, 1e12, "payload upper stages above, charge utile")
    ],
) -> dict[str, float]:
    """Velocity change of a stage that is weighed full and empty, with what it carries.

    Raises ScienceError where the empty stage is heavier than the loaded one.
    """
    if empty_mass >= gross_mass:
        raise ScienceError(f"empty_mass ({empty_mass:g} kg) has to be less than gross_mass ({gross_mass:g} kg)")
    ratio = (gross_mass + payload_mass) / (empty_mass + payload_mass)
    return {"delta_v": isp * G0 * log(ratio), "mass_ratio": ratio}


StageIsp = Annotated[
    float, Quantity("s", "specific impulse of the stage", 1, 20_000, "Isp impulsion spécifique de l'étage")
]
StageRatio = Annotated[
    float, Quantity("", "mass ratio of the stage, before over after its burn", 1, 1000, "rapport de masse de l'étage")
]


@formula(
    "delta_v = sum of isp_i g0 ln(mass_ratio_i)", f"{RPE}, ch. 4.7",
    {"delta_v": Quantity("m/s", "velocity change of all stages", words="total delta-v, variation de vitesse totale")},
    words="multistage rocket of two or three stages, mass ratios, fusée à plusieurs étages, lanceur bi-étage tri-étage",
)  # fmt: skip
def multistage_delta_v(
    isp_1: StageIsp,
    mass_ratio_1: StageRatio,
    isp_2: StageIsp,
    mass_ratio_2: StageRatio,
    isp_3: StageIsp = 300.0,
    mass_ratio_3: StageRatio = 1.0,
) -> float:
    """Velocity change of a rocket of two or three stages from their mass ratios; a third of ratio 1 is none."""
    stages = ((isp_1, mass_ratio_1), (isp_2, mass_ratio_2), (isp_3, mass_ratio_3))
    return sum(isp * G0 * log(ratio) for isp, ratio in stages)


StagePropellant = Annotated[float, Quantity("kg", "propellant of the stage", 0, 1e12, "ergols, propergol de l'étage")]
StageStructure = Annotated[
    float, Quantity("kg", "structural mass of the stage", 0, 1e12, "dry inert empty, masse sèche, structure de l'étage")
]


@formula(
    "delta_v = sum of isp_i g0 ln(m_i / (m_i - propellant_i)), m_i all that stage i carries, itself and the payload",
    f"{RPE}, ch. 4.7",
    {
        "delta_v": Quantity("m/s", "velocity change of all stages", words="total delta-v, variation de vitesse totale"),
        "initial_mass": Quantity("kg", "mass at lift-off", words="masse au décollage"),
    },
    words="multistage launcher of stages with propellant and structural masses and a payload, lanceur à plusieurs "
          "étages, masses d'ergols et de structure, charge utile",
)  # fmt: skip
def staged_delta_v(
    payload_mass: PayloadMass,
    propellant_1: StagePropellant,
    structure_1: StageStructure,
    isp_1: StageIsp,
    propellant_2: StagePropellant,
    structure_2: StageStructure,
    isp_2: StageIsp,
    propellant_3: StagePropellant = 0.0,
    structure_3: StageStructure = 0.0,
    isp_3: StageIsp = 300.0,
) -> dict[str, float]:
    """Velocity change of a rocket of two or three stages from their masses.

    Raises ScienceError where nothing is left after a burn.
    """
    total, mass = 0.0, payload_mass
    stages = (
        (propellant_3, structure_3, isp_3),
        (propellant_2, structure_2, isp_2),
        (propellant_1, structure_1, isp_1),
    )
    for propellant, structure, isp in stages:
        mass += structure
        if propellant:
            if not mass:
                raise ScienceError("payload_mass and structures are all 0, so nothing is left after a burn")
            total += isp * G0 * log((mass + propellant) / mass)
        mass += propellant
    return {"delta_v": total, "initial_mass": mass}


@formula(
    "structural_fraction = ms / (ms + mp), payload_fraction = ml / (ml + ms + mp), propellant_fraction = mp / (ml + "
    "ms + mp), mass_ratio = (ml + ms + mp) / (ml + ms)", f"{RPE}, ch. 4.7",
    {
        "structural_fraction": Quantity("", "structural fraction", words="inert fraction, fraction structurale, "
                                                                         "indice constructif, indice de structure"),
        "payload_fraction": Quantity("", "payload fraction", words="fraction de charge utile"),
        "propellant_fraction": Quantity("", "propellant over initial mass", words="propellant fraction, fraction "
                                                                                  "d'ergols"),
        "mass_ratio": MASS_RATIO,
    },
    words="fractions of a stage, structural coefficient, indice de structure d'un étage, charge utile",
)  # fmt: skip
def stage_fractions(
    propellant_mass: PropellantMass, structural_mass: StructuralMass, payload_mass: PayloadMass = 0.0
) -> dict[str, float]:
    """Structural, payload and propellant fractions of a stage."""
    stage = structural_mass + propellant_mass
    total = stage + payload_mass
    return {
        "structural_fraction": structural_mass / stage,
        "payload_fraction": payload_mass / total,
        "propellant_fraction": propellant_mass / total,
        "mass_ratio": total / (total - propellant_mass),
    }


@formula(
    "payload_mass = initial_mass (exp(-delta_v / (isp g0)) - structural_fraction) / (1 - structural_fraction)",
    f"{RPE}, ch. 4.7",
    {
        "payload_mass": Quantity("kg", "payload mass", words="masse de charge utile"),
        "payload_fraction": Quantity("", "payload fraction", words="fraction de charge utile"),
    },
    words="payload of a stage with a structural fraction and a delta-v, charge utile d'un étage, indice de structure",
)  # fmt: skip
def stage_payload(
    delta_v: DeltaV,
    isp: Isp,
    structural_fraction: Annotated[
        float, Quantity("", "structural over structural and propellant mass", 0, 0.99, "structural fraction, inert "
                                                                                       "fraction, indice de "
                                                                                       "structure, fraction "
                                                                                       "structurale")
    ],
    initial_mass: InitialMass,
) -> dict[str, float]:  # fmt: skip
    """Payload that a single stage gives a velocity change.

    Raises ScienceError where the stage alone falls short of it.
    """
    share = (1 / burn(delta_v, isp) - structural_fraction) / (1 - structural_fraction)
    if share < 0:
        raise ScienceError(
            f"delta_v is {delta_v:g} m/s, more than a stage of structural_fraction {structural_fraction:g} reaches "
            f"without payload ({-isp * G0 * log(structural_fraction):g} m/s)"
        )
    return {"payload_mass": initial_mass * share, "payload_fraction": share}
