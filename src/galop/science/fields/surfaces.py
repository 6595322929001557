"""Areas of bodies: spheres, the sides of cylinders, powders."""

from __future__ import annotations

from math import pi
from typing import Annotated

from galop.science.formula import Quantity, formula

AREA = "area A of the surface, aire de la surface"


@formula("A = pi d^2", "geometry", {"area": Quantity("m^2", "surface", words=f"sphere {AREA}")},
         words="surface area of a sphere ball, surface d'une sphère bille boule")  # fmt: skip
def sphere_area(
    diameter: Annotated[float, Quantity("m", "diameter of the sphere", 0, 1e12, "ball across, diamètre de la sphère")],
) -> float:
    """Surface of a sphere."""
    return pi * diameter**2


@formula("A = pi d L", "geometry", {"area": Quantity("m^2", "surface", words=f"lateral cylinder {AREA}")},
         words="outer lateral surface of a cylinder pipe tube, surface latérale d'un cylindre tuyau tube")  # fmt: skip
def cylinder_area(
    diameter: Annotated[float, Quantity("m", "diameter of the cylinder", 0, 1e9, "pipe tube rod d, diamètre du tuyau")],
    length: Annotated[float, Quantity("m", "length of the cylinder", 0, 1e9, "pipe tube rod L, longueur du tuyau")],
) -> float:
    """Side of a cylinder, without its ends."""
    return pi * diameter * length


@formula("A = a m", "definition of the specific surface (IUPAC, 1985)",
         {"area": Quantity("m^2", "surface", words=f"{AREA}, electrode real active")},
         words="surface of carbon catalyst powder from specific surface BET and mass, surface d'une poudre charbon "
               "surface spécifique")  # fmt: skip
def powder_area(
    specific_surface: Annotated[
        float, Quantity("m^2/g", "specific surface", 1e-6, 1e5, "BET surface area per gram, surface spécifique")
    ],
    mass: Annotated[float, Quantity("g", "mass of the powder", 0, 1e12, "carbon catalyst m, masse")],
) -> float:
    """Surface of a powder."""
    return specific_surface * mass
