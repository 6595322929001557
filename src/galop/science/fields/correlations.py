"""Convection correlations: Nusselt numbers in tubes, over plates, cylinders and spheres, forced and natural."""

from __future__ import annotations

from math import log, sqrt
from typing import Annotated, Literal

from galop.science.constants import ATMOSPHERE
from galop.science.fields.fluids import Fluid, Pressure, fluid_transport
from galop.science.fields.heat import INCROPERA
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

NUSSELT = {"nusselt": Quantity("", "Nusselt number", words="Nu heat transfer, nombre de Nusselt")}
COEFFICIENT = Quantity(
    "W/m^2/K", "heat-transfer coefficient", words="h film convection, coefficient d'échange convection"
)
GNIELINSKI = f"Gnielinski, Int. Chem. Eng. 16 (1976) 359; Petukhov, 1970; {INCROPERA}, eq. 8.62 and 8.21"
CHU = "Churchill & Chu, Int. J. Heat Mass Transfer 18 (1975)"
FluidConductivity = Annotated[
    float,
    Quantity("W/m/K", "thermal conductivity of the fluid", 1e-4, 1e3, words="k λ, conductivité thermique du fluide"),
]
Characteristic = Annotated[
    float,
    Quantity(
        "m", "characteristic length", 1e-9, 1e4, words="diameter D plate length L, diamètre longueur caractéristique"
    ),
]


def reynolds_between(low: float, high: float) -> Quantity:
    """An input that is the Reynolds number, where a correlation holds."""
    return Quantity("", "Reynolds number", low, high, words="Re, nombre de Reynolds")


def prandtl_between(low: float, high: float) -> Quantity:
    """An input that is the Prandtl number, where a correlation holds."""
    return Quantity("", "Prandtl number", low, high, words="Pr, nombre de Prandtl")


def rayleigh_between(low: float, high: float) -> Quantity:
    """An input that is the Rayleigh number, where a correlation holds."""
    return Quantity("", "Rayleigh number", low, high, words="Ra Gr Pr, nombre de Rayleigh")


@formula(
    "Nu = 0.023 Re^0.8 Pr^n, n = 0.4 for heating the fluid, 0.3 for cooling it",
    f"Dittus & Boelter, Univ. Calif. Publ. Eng. 2 (1930) 443; {INCROPERA}, eq. 8.60", NUSSELT,
    words="Dittus-Boelter turbulent pipe flow Nusselt, Dittus-Boelter écoulement turbulent dans un tube Nusselt",
)  # fmt: skip
def dittus_boelter(
    reynolds: Annotated[float, reynolds_between(10_000, 1e7)],
    prandtl: Annotated[float, prandtl_between(0.6, 160)],
    fluid_is: Literal["heated", "cooled"] = "heated",
) -> float:
    """Nusselt number of turbulent flow in a long smooth tube (Dittus-Boelter)."""
    return float(0.023 * reynolds**0.8 * prandtl ** (0.4 if fluid_is == "heated" else 0.3))


def gnielinski_number(reynolds: float, prandtl: float) -> float:
    """Nusselt number in a smooth tube, with Petukhov's friction factor."""
    f = (0.790 * log(reynolds) - 1.64) ** -2
    return float(f / 8 * (reynolds - 1000) * prandtl / (1 + 12.7 * sqrt(f / 8) * (prandtl ** (2 / 3) - 1)))


@formula(
    "Nu = (f/8) (Re - 1000) Pr / (1 + 12.7 sqrt(f/8) (Pr^(2/3) - 1)), f = (0.790 ln(Re) - "
    "1.64)^-2", GNIELINSKI, NUSSELT,
    words="Gnielinski transitional turbulent pipe flow Nusselt, Gnielinski écoulement turbulent tube Nusselt",
)  # fmt: skip
def gnielinski(
    reynolds: Annotated[float, reynolds_between(3000, 5e6)], prandtl: Annotated[float, prandtl_between(0.5, 2000)]
) -> float:
    """Nusselt number of turbulent and transitional flow in a smooth tube (Gnielinski)."""
    return gnielinski_number(reynolds, prandtl)


@formula(
    "Nu = 0.3 + 0.62 Re^(1/2) Pr^(1/3) / (1 + (0.4/Pr)^(2/3))^(1/4) (1 + (Re/282000)^(5/8))^(4/5); holds for Re Pr "
    "above 0.2",
    f"Churchill & Bernstein, J. Heat Transfer 99 (1977) 300; {INCROPERA}, eq. 7.54", NUSSELT,
    words="Churchill-Bernstein cylinder in cross flow wire Nusselt, cylindre en écoulement transversal fil Nusselt",
)  # fmt: skip
def churchill_bernstein(
    reynolds: Annotated[float, reynolds_between(1e-2, 1e7)], prandtl: Annotated[float, prandtl_between(1e-3, 1e5)]
) -> float:
    """Nusselt number of a cylinder in a flow across it (Churchill-Bernstein).

    Raises ScienceError where Re Pr is below 0.2.
    """
    if reynolds * prandtl < 0.2:
        raise ScienceError(f"reynolds times prandtl is {reynolds * prandtl:.3g}; the correlation holds above 0.2")
    blunt = 0.62 * sqrt(reynolds) * prandtl ** (1 / 3) / (1 + (0.4 / prandtl) ** (2 / 3)) ** 0.25
    return float(0.3 + blunt * (1 + (reynolds / 282_000) ** 0.625) ** 0.8)


@formula(
    "laminar (Re <= 5e5) Nu = 0.664 Re^(1/2) Pr^(1/3); else Nu = (0.037 Re^(4/5) - 871) Pr^(1/3)",
    f"{INCROPERA}, eq. 7.30 and 7.38", NUSSELT,
    words="flat plate forced convection average Nusselt laminar turbulent, plaque plane convection forcée Nusselt "
          "moyen",
)  # fmt: skip
def flat_plate_nusselt(
    reynolds: Annotated[float, reynolds_between(100, 1e8)], prandtl: Annotated[float, prandtl_between(0.6, 60)]
) -> float:
    """Mean Nusselt number of flow along a flat plate."""
    third = prandtl ** (1 / 3)
    return float(0.664 * sqrt(reynolds) * third if reynolds <= 5e5 else (0.037 * reynolds**0.8 - 871) * third)


@formula(
    "Nu = 2 + 0.6 Re^(1/2) Pr^(1/3)", "Ranz & Marshall, Chem. Eng. Prog. 48 (1952) 141", NUSSELT,
    words="sphere droplet Ranz-Marshall Nusselt, sphère goutte Ranz-Marshall Nusselt",
)  # fmt: skip
def ranz_marshall(
    reynolds: Annotated[float, reynolds_between(0, 70_000)], prandtl: Annotated[float, prandtl_between(0.6, 400)]
) -> float:
    """Nusselt number of a sphere in a flow (Ranz-Marshall)."""
    return float(2 + 0.6 * sqrt(reynolds) * prandtl ** (1 / 3))


@formula(
    "Nu = (0.825 + 0.387 Ra^(1/6) / (1 + (0.492/Pr)^(9/16))^(8/27))^2", f"{CHU} 1323; {INCROPERA}, eq. 9.26", NUSSELT,
    words="Churchill-Chu natural convection vertical plate wall Nusselt, convection naturelle plaque paroi verticale "
          "Nusselt",
)  # fmt: skip
def churchill_chu_plate(
    rayleigh: Annotated[float, rayleigh_between(0.1, 1e12)], prandtl: Annotated[float, prandtl_between(1e-3, 1e5)]
) -> float:
    """Nusselt number of natural convection at a vertical plate (Churchill-Chu)."""
    return float((0.825 + 0.387 * rayleigh ** (1 / 6) / (1 + (0.492 / prandtl) ** (9 / 16)) ** (8 / 27)) ** 2)


@formula(
    "Nu = (0.60 + 0.387 Ra^(1/6) / (1 + (0.559/Pr)^(9/16))^(8/27))^2", f"{CHU} 1049; {INCROPERA}, eq. 9.34", NUSSELT,
    words="Churchill-Chu natural convection horizontal cylinder pipe Nusselt, convection naturelle cylindre "
          "horizontal tuyau Nusselt",
)  # fmt: skip
def churchill_chu_cylinder(
    rayleigh: Annotated[float, rayleigh_between(1e-5, 1e12)], prandtl: Annotated[float, prandtl_between(1e-3, 1e5)]
) -> float:
    """Nusselt number of natural convection at a horizontal cylinder (Churchill-Chu)."""
    return float((0.60 + 0.387 * rayleigh ** (1 / 6) / (1 + (0.559 / prandtl) ** (9 / 16)) ** (8 / 27)) ** 2)


@formula(
    "h = Nu k / L", f"Nusselt, 1915; {INCROPERA}, table 6.2", {"coefficient": COEFFICIENT},
    words="heat transfer coefficient from Nusselt number, coefficient d'échange à partir du nombre de Nusselt",
)  # fmt: skip
def coefficient_of_nusselt(
    nusselt: Annotated[float, Quantity("", "Nusselt number", 1e-3, 1e7, words="Nu, nombre de Nusselt")],
    conductivity: FluidConductivity,
    length: Characteristic,
) -> float:
    """Heat-transfer coefficient that a Nusselt number means; solved for it, the Nusselt number."""
    return nusselt * conductivity / length


@formula(
    "Re = v D / nu; Nu = 3.66 (Re <= 2300, uniform wall temperature, long tube), else Gnielinski; h = Nu k / D; "
    "properties from CoolProp",
    f"{GNIELINSKI}; Bell et al., 2014 (CoolProp)",
    {
        "coefficient": COEFFICIENT, **NUSSELT,
        "reynolds": Quantity("", "Reynolds number", words="Re, nombre de Reynolds"),
        "prandtl": Quantity("", "Prandtl number", words="Pr, nombre de Prandtl"),
    },
    words="heat transfer coefficient of a fluid flowing in a tube, coefficient d'échange d'un fluide dans un tube",
)  # fmt: skip
def tube_heat_transfer(
    name: Fluid,
    temperature: Annotated[
        float, Quantity("K", "mean temperature of the fluid", 1, 3000, words="bulk T, température moyenne du fluide")
    ],
    velocity: Annotated[float, Quantity("m/s", "velocity", 1e-9, 1e4, words="mean speed v, vitesse moyenne")],
    diameter: Annotated[
        float, Quantity("m", "inner diameter", 1e-6, 100, words="tube pipe D, diamètre intérieur du tube")
    ],
    pressure: Pressure = ATMOSPHERE,
) -> dict[str, float]:
    """Heat-transfer coefficient of a fluid that flows in a long smooth tube.

    Raises ScienceError between laminar and turbulent flow, and beyond the correlation.
    """
    values = fluid_transport.function(name, temperature, pressure)
    if "prandtl" not in values:
        raise ScienceError(f"viscosity and thermal conductivity of {name} are not both known")
    reynolds, prandtl = velocity * diameter / values["kinematic_viscosity"], values["prandtl"]
    if 2300 < reynolds < 3000 or reynolds > 5e6:
        raise ScienceError(f"the Reynolds number is {reynolds:.4g}; the correlations hold to 2300 and from 3000 to 5e6")
    nusselt = 3.66 if reynolds <= 2300 else gnielinski_number(reynolds, prandtl)
    return {
        "coefficient": nusselt * values["conductivity"] / diameter,
        "nusselt": nusselt,
        "reynolds": reynolds,
        "prandtl": prandtl,
    }
