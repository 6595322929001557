"""Heat exchangers and streams: log-mean differences, transfer units, heat that flows take up."""

from __future__ import annotations

from math import exp, log
from typing import Annotated, Literal

from galop.science.fields.heat import INCROPERA, RATE, Area, Difference, HeatCapacity
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

KAYS = f"Kays & London, Compact Heat Exchangers, 3rd ed.; {INCROPERA}, sec. 11.4"
Arrangement = Literal["counterflow", "parallel"]


def stream(which: str, end: str, words: str) -> Quantity:
    """An input that is the temperature of a stream where it enters or leaves an exchanger."""
    return Quantity("K", f"temperature of the {which} stream at the {end}", 1, 5000, words=words)


@formula(
    "dT = (dT1 - dT2) / ln(dT1 / dT2)", f"{INCROPERA}, eq. 11.15",
    {"difference": Quantity("ΔK", "log-mean temperature difference",
                            words="LMTD ΔTlm, écart différence moyenne logarithmique de température DTLM")},
    words="log mean temperature difference LMTD heat exchanger counterflow parallel, écart moyen logarithmique "
          "échangeur contre-courant co-courant",
)  # fmt: skip
def log_mean_difference(
    hot_in: Annotated[float, stream("hot", "inlet", "hot enters in, chaud entrée")],
    hot_out: Annotated[float, stream("hot", "outlet", "hot leaves out, chaud sortie")],
    cold_in: Annotated[float, stream("cold", "inlet", "cold enters in, froid entrée")],
    cold_out: Annotated[float, stream("cold", "outlet", "cold leaves out, froid sortie")],
    arrangement: Arrangement = "counterflow",
) -> float:
    """Log-mean temperature difference of a heat exchanger.

    Raises ScienceError where the streams' temperatures cross.
    """
    ends = (
        (hot_in - cold_out, hot_out - cold_in)
        if arrangement == "counterflow"
        else (hot_in - cold_in, hot_out - cold_out)
    )
    first, second = ends
    if first <= 0 or second <= 0:
        raise ScienceError(
            f"the hot stream has to be hotter at both ends of the exchanger, not by {first:g} K and {second:g} K"
        )
    if abs(first / second - 1) < 1e-9:
        return first
    return (first - second) / log(first / second)


@formula(
    "Q = U A dT_lm F", f"{INCROPERA}, eq. 11.14", {"heat_flow": RATE},
    words="heat exchanger duty area overall coefficient LMTD, échangeur puissance surface coefficient global écart "
          "moyen",
)  # fmt: skip
def exchanger_duty(
    coefficient: Annotated[
        float,
        Quantity("W/m^2/K", "overall heat-transfer coefficient", 1e-3, 1e7, words="U, coefficient d'échange global"),
    ],
    area: Area,
    difference: Annotated[
        float,
        Quantity("ΔK", "log-mean temperature difference", 1e-9, 5000, words="LMTD ΔTlm, écart moyen logarithmique"),
    ],
    correction: Annotated[float, Quantity("", "correction factor", 0.1, 1, words="F, facteur de correction")] = 1.0,
) -> float:
    """Heat that an exchanger passes; solved for it, its area."""
    return coefficient * area * difference * correction


@formula(
    "Q = U A dT_lm", f"{INCROPERA}, eq. 11.14 and 11.15", {"heat_flow": RATE},
    words="heat exchanger duty of four temperatures hot and cold streams area overall coefficient counterflow, "
          "échangeur puissance quatre températures fluide chaud et froid contre-courant surface coefficient global",
)  # fmt: skip
def duty_of_temperatures(
    coefficient: Annotated[
        float,
        Quantity("W/m^2/K", "overall heat-transfer coefficient", 1e-3, 1e7, words="U, coefficient d'échange global"),
    ],
    area: Area,
    hot_in: Annotated[float, stream("hot", "inlet", "hot enters in, chaud entrée")],
    hot_out: Annotated[float, stream("hot", "outlet", "hot leaves out, chaud sortie")],
    cold_in: Annotated[float, stream("cold", "inlet", "cold enters in, froid entrée")],
    cold_out: Annotated[float, stream("cold", "outlet", "cold leaves out, froid sortie")],
    arrangement: Arrangement = "counterflow",
) -> float:
    """Heat that an exchanger passes, by the temperatures of its streams; solved for it, its area.

    Raises ScienceError where the streams' temperatures cross.
    """
    mean = log_mean_difference.function(hot_in, hot_out, cold_in, cold_out, arrangement)
    return float(coefficient * area * mean)


@formula(
    "counterflow e = (1 - exp(-N (1 - C))) / (1 - C exp(-N (1 - C))), parallel e = (1 - exp(-N (1 + C))) / "
    "(1 + C)", KAYS,
    {"effectiveness": Quantity("", "effectiveness", words="ε efficiency of the exchanger, efficacité de l'échangeur")},
    words="NTU effectiveness heat exchanger counterflow parallel, méthode NUT efficacité échangeur contre-courant",
)  # fmt: skip
def exchanger_effectiveness(
    ntu: Annotated[
        float, Quantity("", "number of transfer units", 0, 100, words="NTU UA/Cmin, nombre d'unités de transfert NUT")
    ],
    capacity_ratio: Annotated[
        float,
        Quantity(
            "", "smaller over larger heat capacity flow", 0, 1, words="Cr Cmin/Cmax, rapport des débits de capacité"
        ),
    ] = 0.0,
    arrangement: Arrangement = "counterflow",
) -> float:
    """Effectiveness of a heat exchanger from its transfer units (NTU)."""
    if arrangement == "parallel":
        return (1 - exp(-ntu * (1 + capacity_ratio))) / (1 + capacity_ratio)
    if capacity_ratio > 1 - 1e-9:
        return ntu / (1 + ntu)
    decay = exp(-ntu * (1 - capacity_ratio))
    return (1 - decay) / (1 - capacity_ratio * decay)


@formula(
    "NTU = U A / C_min", KAYS, {"ntu": Quantity("", "number of transfer units",
                                                words="NTU, nombre d'unités de transfert NUT")},
    words="number of transfer units of an exchanger, nombre d'unités de transfert d'un échangeur",
)  # fmt: skip
def transfer_units(
    coefficient: Annotated[
        float,
        Quantity("W/m^2/K", "overall heat-transfer coefficient", 1e-3, 1e7, words="U, coefficient d'échange global"),
    ],
    area: Area,
    smaller_capacity: Annotated[
        float,
        Quantity(
            "W/K",
            "smaller heat capacity flow",
            1e-9,
            1e12,
            words="Cmin mass flow times cp, plus petit débit de capacité thermique",
        ),
    ],
) -> float:
    """Transfer units of a heat exchanger."""
    return coefficient * area / smaller_capacity


@formula(
    "Q = e C_min (T_hot_in - T_cold_in)", KAYS, {"heat_flow": RATE},
    words="heat exchanger duty from effectiveness inlet temperatures, échangeur puissance efficacité températures "
          "d'entrée",
)  # fmt: skip
def effectiveness_duty(
    effectiveness: Annotated[float, Quantity("", "effectiveness", 0, 1, words="ε, efficacité")],
    smaller_capacity: Annotated[
        float,
        Quantity("W/K", "smaller heat capacity flow", 1e-9, 1e12, words="Cmin, plus petit débit de capacité thermique"),
    ],
    hot_in: Annotated[float, stream("hot", "inlet", "hot enters in, chaud entrée")],
    cold_in: Annotated[float, stream("cold", "inlet", "cold enters in, froid entrée")],
) -> float:
    """Heat that an exchanger of known effectiveness passes."""
    return effectiveness * smaller_capacity * (hot_in - cold_in)


@formula(
    "Q = m cp (T_out - T_in)", "first law",
    {"heat_flow": RATE, "heat_removed": Quantity("W", "heat flow removed", words="rejected given up taken out cooling "
                                                 "cools, puissance cédée évacuée retirée refroidissement")},
    words="heat taken up by a flow cooling jacket coolant temperature rise, or removed from a flow that cools, "
          "puissance emportée par un débit échauffement fluide de refroidissement, débit refroidi",
)  # fmt: skip
def stream_heat(
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 0, 1e9, words="ṁ flow rate, débit massique")],
    heat_capacity: HeatCapacity,
    inlet: Annotated[
        float, Quantity("K", "temperature at the inlet", 1, 5000, words="enters in from, température d'entrée")
    ],
    outlet: Annotated[
        float, Quantity("K", "temperature at the outlet", 1, 5000, words="leaves out to, température de sortie")
    ],
) -> dict[str, float]:
    """Heat that a flow takes up between two temperatures, or gives up."""
    heat_flow = mass_flow * heat_capacity * (outlet - inlet)
    return {"heat_flow": heat_flow, "heat_removed": -heat_flow}


@formula(
    "Q = m cp dT", "first law", {"heat_flow": RATE},
    words="heat taken up by a flow with a temperature rise, puissance emportée par un débit avec un échauffement",
)  # fmt: skip
def stream_heat_of_rise(
    mass_flow: Annotated[float, Quantity("kg/s", "mass flow", 0, 1e9, words="ṁ flow rate, débit massique")],
    heat_capacity: HeatCapacity,
    temperature_difference: Difference,
) -> float:
    """Heat that a flow takes up with a rise of its temperature; solved for that, the rise."""
    return mass_flow * heat_capacity * temperature_difference
