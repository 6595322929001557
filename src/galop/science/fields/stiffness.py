"""Beams of a given flexural rigidity, springs, bolts and shear."""

from __future__ import annotations

from math import pi
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.structures import (
    CANTILEVER,
    DEFLECTION,
    GERE,
    SUPPORTED,
    UNIFORM,
    Force,
    LineLoad,
    Span,
)
from galop.science.formula import Quantity, formula

SHIGLEY = "Budynas & Nisbett, Shigley's Mechanical Engineering Design, 10th ed."
Rigidity = Annotated[
    float,
    Quantity(
        "N*m^2",
        "flexural rigidity, Young's modulus times second moment of area",
        1e-12,
        1e18,
        "EI E I bending stiffness, rigidité de flexion",
    ),
]


@formula(
    "d = F L^3 / (3 EI)",
    f"{GERE}, app. H",
    {"deflection": DEFLECTION},
    words=f"{CANTILEVER} load at its free end tip flexural rigidity EI",
)
def cantilever_sag(force: Force, length: Span, rigidity: Rigidity) -> float:
    """Deflection of the tip of a cantilever of a flexural rigidity with a load there."""
    return force * length**3 / (3 * rigidity) * 1e3


@formula(
    "d = w L^4 / (8 EI)",
    f"{GERE}, app. H",
    {"deflection": DEFLECTION},
    words=f"{CANTILEVER}, {UNIFORM} flexural rigidity EI",
)
def cantilever_sag_uniform(line_load: LineLoad, length: Span, rigidity: Rigidity) -> float:
    """Deflection of the tip of a cantilever of a flexural rigidity with a uniform load."""
    return line_load * length**4 / (8 * rigidity) * 1e3


@formula(
    "d = F L^3 / (48 EI)",
    f"{GERE}, app. H",
    {"deflection": DEFLECTION},
    words=f"{SUPPORTED}, load at midspan, in its middle, au milieu, au centre flexural rigidity EI",
)
def beam_sag(force: Force, length: Span, rigidity: Rigidity) -> float:
    """Deflection of a beam of a flexural rigidity on two supports with a load in its middle."""
    return force * length**3 / (48 * rigidity) * 1e3


@formula(
    "d = 5 w L^4 / (384 EI)",
    f"{GERE}, app. H",
    {"deflection": DEFLECTION},
    words=f"{SUPPORTED}, {UNIFORM} flexural rigidity EI",
)
def beam_sag_uniform(line_load: LineLoad, length: Span, rigidity: Rigidity) -> float:
    """Deflection in the middle of a beam of a flexural rigidity on two supports with a uniform load."""
    return 5 * line_load * length**4 / (384 * rigidity) * 1e3


@formula(
    "d = F L / (pi d^2 / 4 E)",
    f"{GERE}, ch. 2",
    {"elongation": Quantity("mm", "elongation of the bar", words="stretch extension lengthen, allongement s'allonge")},
    words="elongation of a round bar rod wire of a diameter pulled stretches, allongement d'une barre ronde tige fil "
    "diamètre traction",
)
def bar_elongation(
    force: Annotated[float, Quantity("N", "pull", 0, 1e12, "tension load force pulled hangs, traction force charge")],
    length: Annotated[float, Quantity("m", "length of the bar", 1e-9, 1e6, "long rod wire, longueur barre tige fil")],
    diameter: Annotated[float, Quantity("m", "diameter of the bar", 1e-9, 1e3, "rod wire d, diamètre barre tige fil")],
    elastic_modulus: Annotated[
        float, Quantity("GPa", "Young's modulus", 1e-6, 1e4, "E elastic modulus, module de Young")
    ],
) -> float:
    """How much a round bar stretches."""
    return force * length / (pi * diameter**2 / 4 * elastic_modulus * 1e9) * 1e3


@formula(
    "stress = m g / (pi d^2 / 4)",
    f"{GERE}, ch. 1",
    {"stress": Quantity("MPa", "tensile stress", words="stress in the rod cable, contrainte de traction")},
    words="stress in a round rod cable wire that carries holds a hanging mass, contrainte de traction dans un "
    "câble fil "
    "tige qui porte une masse suspendue",
)
def hanging_stress(
    mass: Annotated[float, Quantity("kg", "mass carried", 0, 1e12, "hanging load holds, masse portée charge")],
    diameter: Annotated[float, Quantity("mm", "diameter of the rod", 1e-6, 1e6, "cable wire d, diamètre du câble fil")],
) -> float:
    """Stress in a round rod or cable that a mass hangs on."""
    return mass * G0 / (pi * diameter**2 / 4)


@formula(
    "k = G d^4 / (8 D^3 n)",
    f"{SHIGLEY}, ch. 10",
    {"stiffness": Quantity("N/m", "spring rate", words="stiffness constant k, raideur du ressort")},
    words="helical coil spring rate wire diameter coil diameter turns, raideur d'un ressort hélicoïdal diamètre du "
    "fil spires",
)
def coil_spring_rate(
    shear_modulus: Annotated[float, Quantity("GPa", "shear modulus", 1e-3, 1e3, "G, module de cisaillement")],
    wire_diameter: Annotated[float, Quantity("mm", "wire diameter", 1e-3, 1e3, "d, diamètre du fil")],
    coil_diameter: Annotated[float, Quantity("mm", "mean coil diameter", 1e-3, 1e4, "D, diamètre moyen enroulement")],
    coils: Annotated[float, Quantity("", "active coils", 0.1, 1e5, "turns n, spires actives")],
) -> float:
    """Stiffness of a helical spring."""
    return shear_modulus * 1e9 * (wire_diameter / 1e3) ** 4 / (8 * (coil_diameter / 1e3) ** 3 * coils)


@formula(
    "T = K F d",
    f"{SHIGLEY}, sec. 8-8",
    {"torque": Quantity("N*m", "tightening torque", words="bolt T, couple de serrage")},
    words="bolt tightening torque preload nut factor, couple de serrage d'une vis boulon précharge",
)
def bolt_torque(
    preload: Annotated[float, Quantity("N", "preload", 0, 1e9, "clamping force tension F, précharge de serrage")],
    diameter: Annotated[float, Quantity("mm", "diameter of the bolt", 0.1, 1e3, "nominal screw d, diamètre de la vis")],
    nut_factor: Annotated[float, Quantity("", "nut factor", 0.05, 1, "K torque coefficient, coefficient")] = 0.2,
) -> float:
    """Torque that gives a bolt a preload."""
    return nut_factor * preload * diameter / 1e3


@formula(
    "tau = F / (n pi d^2 / 4)",
    f"{SHIGLEY}, ch. 8",
    {"stress": Quantity("MPa", "shear stress", words="average tau, contrainte de cisaillement")},
    words="shear stress in bolts pins rivets single shear, contrainte de cisaillement dans une vis goupille rivet axe",
)
def shear_of_bolts(
    force: Annotated[float, Quantity("N", "shear force", 0, 1e12, "load F, effort tranchant de cisaillement")],
    diameter: Annotated[float, Quantity("mm", "diameter of the bolt", 1e-3, 1e4, "pin rivet d, diamètre goupille vis")],
    count: Annotated[
        float, Quantity("", "sections in shear", 1, 1e4, "bolts pins rivets number, sections cisaillées vis rivets")
    ] = 1.0,
) -> float:
    """Mean shear stress in bolts, pins or rivets."""
    return force / (count * pi * diameter**2 / 4)
