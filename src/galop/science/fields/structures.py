"""Structures: beams, columns and shafts of a linear elastic material."""

from __future__ import annotations

from math import pi
from typing import Annotated

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

GERE = "Gere & Goodno, Mechanics of Materials, 9th ed."
Force = Annotated[float, Quantity("N", "load", 0, 1e12, "force F P weight tip midspan, charge, effort, poids")]
Span = Annotated[float, Quantity("m", "length of the beam", 1e-9, 1e6, "span L, long, portée, longueur de la poutre")]
LineLoad = Annotated[float, Quantity("N/m", "load on each length", 0, 1e12, "distributed uniform load w q, charge "
                                                                            "répartie linéique uniforme")]  # fmt: skip
Modulus = Annotated[float, Quantity("GPa", "Young's modulus", 1e-6, 1e4, "E elastic modulus, module de Young")]
SecondMoment = Annotated[float, Quantity("m^4", "second moment of area", 0, 1e6, "I inertia, moment quadratique")]
Bending = Annotated[float, Quantity("N*m", "bending moment", 0, 1e15, "M, moment fléchissant, de flexion")]
Torque = Annotated[float, Quantity("N*m", "torque", 0, 1e15, "T twisting moment, couple de torsion")]
Shaft = Annotated[float, Quantity("m", "diameter of the shaft", 1e-9, 1e3, "solid rod bar d, diamètre de l'arbre")]
DEFLECTION = Quantity("mm", "deflection", words="sag tip midspan displacement, flèche, fléchit, déplacement")
MOMENT = Quantity("N*m", "bending moment", words="largest maximum, moment fléchissant, de flexion maximal")
SECOND_MOMENT = {
    "second_moment": Quantity("m^4", "second moment of area", words="I inertia, moment quadratique"),
    "section_modulus": Quantity("m^3", "section modulus", words="W I/v, module de flexion"),
}
CANTILEVER = "cantilever, fixed clamped built in at one end, console encastrée"
SUPPORTED = "simply supported on two supports, posée sur deux appuis"
UNIFORM = "uniformly distributed load, charge uniformément répartie"


@formula("M = F L", f"{GERE}, ch. 4", {"moment": MOMENT}, words=f"{CANTILEVER} load at its free end tip")  # fmt: skip
def cantilever_moment(force: Force, length: Span) -> float:
    """Bending moment at the fixed end of a cantilever with a load at its tip."""
    return force * length


@formula("d = F L^3 / (3 E I)", f"{GERE}, app. H", {"deflection": DEFLECTION},
         words=f"{CANTILEVER} load at its free end tip")  # fmt: skip
def cantilever_deflection(
    force: Force, length: Span, elastic_modulus: Modulus, second_moment: SecondMoment
) -> float:  # fmt: skip
    """Deflection of the tip of a cantilever with a load there."""
    return force * length**3 / (3 * elastic_modulus * 1e9 * second_moment) * 1e3


@formula("M = w L^2 / 2", f"{GERE}, ch. 4", {"moment": MOMENT}, words=f"{CANTILEVER}, {UNIFORM}")
def cantilever_moment_uniform(line_load: LineLoad, length: Span) -> float:
    """Bending moment at the fixed end of a cantilever with a uniform load."""
    return line_load * length**2 / 2


@formula("d = w L^4 / (8 E I)", f"{GERE}, app. H", {"deflection": DEFLECTION}, words=f"{CANTILEVER}, {UNIFORM}")
def cantilever_deflection_uniform(
    line_load: LineLoad, length: Span, elastic_modulus: Modulus, second_moment: SecondMoment
) -> float:
    """Deflection of the tip of a cantilever with a uniform load."""
    return line_load * length**4 / (8 * elastic_modulus * 1e9 * second_moment) * 1e3


@formula("M = F L / 4", f"{GERE}, ch. 4", {"moment": MOMENT},
         words=f"{SUPPORTED}, load at midspan, in its middle, au milieu, au centre")  # fmt: skip
def beam_moment(force: Force, length: Span) -> float:
    """Largest bending moment of a beam on two supports with a load in its middle."""
    return force * length / 4


@formula("d = F L^3 / (48 E I)", f"{GERE}, app. H", {"deflection": DEFLECTION},
         words=f"{SUPPORTED}, load at midspan, in its middle, au milieu, au centre")  # fmt: skip
def beam_deflection(force: Force, length: Span, elastic_modulus: Modulus, second_moment: SecondMoment) -> float:
    """Deflection of a beam on two supports with a load in its middle."""
    return force * length**3 / (48 * elastic_modulus * 1e9 * second_moment) * 1e3


@formula("M = w L^2 / 8", f"{GERE}, ch. 4", {"moment": MOMENT}, words=f"{SUPPORTED}, {UNIFORM}")
def beam_moment_uniform(line_load: LineLoad, length: Span) -> float:
    """Largest bending moment of a beam on two supports with a uniform load."""
    return line_load * length**2 / 8


@formula("d = 5 w L^4 / (384 E I)", f"{GERE}, app. H", {"deflection": DEFLECTION}, words=f"{SUPPORTED}, {UNIFORM}")
def beam_deflection_uniform(
    line_load: LineLoad, length: Span, elastic_modulus: Modulus, second_moment: SecondMoment
) -> float:
    """Deflection in the middle of a beam on two supports with a uniform load."""
    return 5 * line_load * length**4 / (384 * elastic_modulus * 1e9 * second_moment) * 1e3


@formula("I = b h^3 / 12, W = b h^2 / 6", f"{GERE}, app. E", SECOND_MOMENT,
         words="rectangular cross-section, section rectangulaire")  # fmt: skip
def rectangle_second_moment(
    width: Annotated[float, Quantity("m", "width of the section", 1e-9, 1e3, "b wide breadth, largeur de la section")],
    height: Annotated[float, Quantity("m", "height of the section", 1e-9, 1e3, "h deep depth high, hauteur")],
) -> dict[str, float]:
    """Second moment of area of a rectangle."""
    return {"second_moment": width * height**3 / 12, "section_modulus": width * height**2 / 6}


@formula("I = pi d^4 / 64, W = pi d^3 / 32", f"{GERE}, app. E", SECOND_MOMENT,
         words="round circular cross-section, section circulaire ronde pleine")  # fmt: skip
def circle_second_moment(diameter: Shaft) -> dict[str, float]:
    """Second moment of area of a circle."""
    return {"second_moment": pi * diameter**4 / 64, "section_modulus": pi * diameter**3 / 32}


@formula("I = pi (D^4 - d^4) / 64, W = 2 I / D", f"{GERE}, app. E", SECOND_MOMENT,
         words="hollow tube cross-section, section d'un tube creux")  # fmt: skip
def tube_second_moment(
    outer_diameter: Annotated[float, Quantity("m", "outer diameter", 1e-9, 1e3, "outside OD, diamètre extérieur")],
    inner_diameter: Annotated[float, Quantity("m", "inner diameter", 0, 1e3, "inside ID, diamètre intérieur")],
) -> dict[str, float]:
    """Second moment of area of a tube.

    Raises ScienceError where the inner diameter is not the smaller one.
    """
    if inner_diameter >= outer_diameter:
        raise ScienceError("inner_diameter has to be below outer_diameter")
    moment = pi * (outer_diameter**4 - inner_diameter**4) / 64
    return {"second_moment": moment, "section_modulus": 2 * moment / outer_diameter}


@formula("sigma = M / W", f"{GERE}, ch. 5",
         {"stress": Quantity("MPa", "bending stress", words="sigma largest, contrainte de flexion maximale")},
         words="bending stress flexure of a beam, contrainte de flexion d'une poutre")  # fmt: skip
def bending_stress(
    moment: Bending,
    section_modulus: Annotated[float, Quantity("m^3", "section modulus", 1e-18, 1e6, "W S Z, module de flexion")],
) -> float:
    """Largest bending stress of a beam."""
    return moment / section_modulus / 1e6


@formula("F = pi^2 E I / (K L)^2", f"Euler, 1757; {GERE}, ch. 11",
         {"force": Quantity("N", "critical load", words="buckling load force, charge critique de flambement")},
         words="Euler buckling of a column strut pinned fixed ends, flambement d'Euler d'une colonne "
               "articulée")  # fmt: skip
def euler_buckling(
    elastic_modulus: Modulus,
    second_moment: SecondMoment,
    length: Annotated[float, Quantity("m", "length of the column", 1e-9, 1e6, "L strut, longueur de la colonne")],
    end_factor: Annotated[
        float, Quantity("", "effective-length factor", 0.4, 2.5, "K, coefficient de longueur de flambement")
    ] = 1.0,
) -> float:
    """Load at which a slender column buckles; its ends are pinned where nothing else is said."""
    return pi**2 * elastic_modulus * 1e9 * second_moment / (end_factor * length) ** 2


@formula("tau = 16 T / (pi d^3)", f"{GERE}, ch. 3",
         {"stress": Quantity("MPa", "shear stress", words="tau torsional, contrainte de cisaillement, de torsion")},
         words="torsion of a solid round shaft, torsion d'un arbre plein")  # fmt: skip
def torsion_stress(torque: Torque, diameter: Shaft) -> float:
    """Largest shear stress in a solid round shaft."""
    return 16 * torque / (pi * diameter**3) / 1e6


@formula("phi = 32 T L / (pi d^4 G)", f"{GERE}, ch. 3",
         {"angle": Quantity("deg", "angle of twist", words="twist rotation, angle de torsion")},
         words="torsion of a solid round shaft, torsion d'un arbre plein")  # fmt: skip
def twist_angle(
    torque: Torque,
    length: Annotated[float, Quantity("m", "length of the shaft", 0, 1e6, "L long, longueur de l'arbre")],
    diameter: Shaft,
    shear_modulus: Annotated[float, Quantity("GPa", "shear modulus", 1e-6, 1e4, "G, module de cisaillement")],
) -> float:
    """Angle by which a torque twists a solid round shaft."""
    return 32 * torque * length / (pi * diameter**4 * shear_modulus * 1e9) * 180 / pi


@formula("n = strength / stress", f"{GERE}, ch. 1",
         {"safety_factor": Quantity("", "factor of safety", words="safety factor margin, coefficient de sécurité")},
         words="yield strength over stress, limite d'élasticité sur contrainte")  # fmt: skip
def safety_factor(
    strength: Annotated[float, Quantity("MPa", "strength", 0, 1e6, "yield ultimate, limite d'élasticité, résistance")],
    stress: Annotated[float, Quantity("MPa", "stress", 1e-12, 1e6, "working applied, contrainte appliquée")],
) -> float:
    """How many times the stress may grow until the material fails."""
    return strength / stress


@formula("sigma = 4 F / (pi d^2)", f"{GERE}, ch. 1",
         {"stress": Quantity("MPa", "stress", words="sigma tensile normal, contrainte de traction, compression")},
         words="tension of a round bar rod wire bolt, traction d'une barre ronde, d'un fil, d'un boulon")  # fmt: skip
def bar_stress(
    force: Annotated[
        float, Quantity("N", "pull", 0, 1e12, "force load weight tension axial, charge, poids, traction, effort")
    ],
    diameter: Annotated[float, Quantity("m", "diameter of the bar", 1e-9, 1e3, "rod wire bolt, diamètre de la barre")],
) -> float:
    """Stress in a round bar that is pulled."""
    return 4 * force / (pi * diameter**2) / 1e6
