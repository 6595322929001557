"""Dimensionless numbers of heat, flow and mass transfer."""

from __future__ import annotations

from math import sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.correlations import Characteristic, FluidConductivity
from galop.science.fields.flow import WHITE, Density, KinematicViscosity, Velocity
from galop.science.fields.heat import INCROPERA, Difference
from galop.science.formula import Quantity, formula

Diffusivity = Annotated[
    float, Quantity("m^2/s", "diffusion coefficient", 1e-16, 1, words="D, coefficient de diffusion")
]


@formula("mu = rho nu", "definition",
         {"viscosity": Quantity("Pa*s", "viscosity", words="dynamic mu, viscosité dynamique")},
         words="dynamic viscosity from kinematic viscosity and density cSt, viscosité dynamique à partir de la "
               "viscosité "
               "cinématique et de la masse volumique")  # fmt: skip
def dynamic_viscosity(
    kinematic_viscosity: Annotated[
        float, Quantity("m^2/s", "kinematic viscosity", 1e-12, 1e4, "nu ν cSt stokes, viscosité cinématique")
    ],
    density: Annotated[float, Quantity("kg/m^3", "density", 1e-6, 25_000, "rho ρ, masse volumique")],
) -> float:
    """Dynamic viscosity of a fluid of known kinematic viscosity."""
    return kinematic_viscosity * density


@formula(
    "Pr = cp mu / k", f"Prandtl, 1910; {INCROPERA}, table 6.2",
    {"prandtl": Quantity("", "Prandtl number", words="Pr, nombre de Prandtl")},
    words="Prandtl number from specific heat viscosity conductivity, nombre de Prandtl chaleur massique viscosité "
          "conductivité",
)  # fmt: skip
def prandtl_number(
    heat_capacity: Annotated[float, Quantity("J/kg/K", "specific heat", 1e-3, 1e6, words="cp, chaleur massique")],
    viscosity: Annotated[float, Quantity("Pa*s", "viscosity", 1e-8, 1e6, words="dynamic μ η, viscosité dynamique")],
    conductivity: FluidConductivity,
) -> float:
    """Prandtl number of a fluid."""
    return heat_capacity * viscosity / conductivity


@formula(
    "Ra = g0 beta dT L^3 / (nu alpha), Gr = g0 beta dT L^3 / nu^2", f"{INCROPERA}, eq. 9.12 and 9.25",
    {
        "rayleigh": Quantity("", "Rayleigh number", words="Ra, nombre de Rayleigh"),
        "grashof": Quantity("", "Grashof number", words="Gr, nombre de Grashof"),
    },
    words="Rayleigh Grashof number natural convection, nombre de Rayleigh Grashof convection naturelle",
)  # fmt: skip
def rayleigh_number(
    expansion: Annotated[
        float,
        Quantity(
            "1/K", "thermal expansion coefficient", 1e-8, 10, words="beta β 1/T, coefficient de dilatation volumique"
        ),
    ],
    temperature_difference: Difference,
    length: Characteristic,
    kinematic_viscosity: Annotated[
        float, Quantity("m^2/s", "kinematic viscosity", 1e-10, 10, words="nu ν, viscosité cinématique")
    ],
    diffusivity: Annotated[
        float, Quantity("m^2/s", "thermal diffusivity", 1e-10, 10, words="alpha α, diffusivité thermique")
    ],
) -> dict[str, float]:
    """Rayleigh and Grashof numbers of natural convection."""
    drive = G0 * expansion * temperature_difference * length**3 / kinematic_viscosity
    return {"rayleigh": drive / diffusivity, "grashof": drive / kinematic_viscosity}


@formula(
    "Bi = h L / k", f"Biot, 1804; {INCROPERA}, eq. 5.9",
    {"biot": Quantity("", "Biot number", words="Bi, nombre de Biot")},
    words="Biot number lumped capacitance solid, nombre de Biot solide",
)  # fmt: skip
def biot_number(
    coefficient: Annotated[
        float, Quantity("W/m^2/K", "heat-transfer coefficient", 1e-6, 1e9, words="h convection, coefficient d'échange")
    ],
    length: Annotated[
        float,
        Quantity(
            "m",
            "characteristic length, volume over area",
            1e-12,
            1e4,
            words="L half-thickness, longueur caractéristique demi-épaisseur",
        ),
    ],
    conductivity: Annotated[
        float,
        Quantity(
            "W/m/K", "thermal conductivity of the solid", 1e-5, 1e5, words="k λ, conductivité thermique du solide"
        ),
    ],
) -> float:
    """Biot number of a body in a fluid."""
    return coefficient * length / conductivity


@formula(
    "Fo = alpha t / L^2", f"Fourier, 1822; {INCROPERA}, eq. 5.12",
    {"fourier": Quantity("", "Fourier number", words="Fo, nombre de Fourier")},
    words="Fourier number transient conduction, nombre de Fourier conduction instationnaire",
)  # fmt: skip
def fourier_number(
    diffusivity: Annotated[
        float, Quantity("m^2/s", "thermal diffusivity", 1e-12, 10, words="alpha α, diffusivité thermique")
    ],
    time: Annotated[float, Quantity("s", "time", 0, 1e20, words="t, temps durée")],
    length: Annotated[float, Quantity("m", "characteristic length", 1e-12, 1e7, words="L, longueur caractéristique")],
) -> float:
    """Fourier number of transient conduction."""
    return diffusivity * time / length**2


@formula(
    "We = rho v^2 L / sigma", f"Weber, 1919; {WHITE}, ch. 5",
    {"weber": Quantity("", "Weber number", words="We, nombre de Weber")},
    words="Weber number drop spray surface tension, nombre de Weber goutte pulvérisation tension superficielle",
)  # fmt: skip
def weber_number(
    density: Density,
    velocity: Velocity,
    length: Characteristic,
    surface_tension: Annotated[float, Quantity("N/m", "surface tension", 1e-6, 10, words="σ γ, tension superficielle")],
) -> float:
    """Weber number of a drop or a jet."""
    return density * velocity**2 * length / surface_tension


@formula(
    "Fr = v / sqrt(g0 L)", f"Froude, 1868; {WHITE}, ch. 10",
    {"froude": Quantity("", "Froude number", words="Fr, nombre de Froude")},
    words="Froude number open channel ship, nombre de Froude canal navire",
)  # fmt: skip
def froude_number(velocity: Velocity, length: Characteristic) -> float:
    """Froude number of a flow with a free surface."""
    return velocity / sqrt(G0 * length)


@formula(
    "Sc = nu / D", f"Schmidt, 1929; {INCROPERA}, table 6.2",
    {"schmidt": Quantity("", "Schmidt number", words="Sc, nombre de Schmidt")},
    words="Schmidt number mass transfer, nombre de Schmidt transfert de matière",
)  # fmt: skip
def schmidt_number(kinematic_viscosity: KinematicViscosity, diffusivity: Diffusivity) -> float:
    """Schmidt number of what diffuses in a fluid."""
    return kinematic_viscosity / diffusivity


@formula(
    "Sh = k L / D", f"Sherwood, 1937; {INCROPERA}, table 6.2",
    {"sherwood": Quantity("", "Sherwood number", words="Sh, nombre de Sherwood")},
    words="Sherwood number mass transfer coefficient, nombre de Sherwood coefficient de transfert de matière",
)  # fmt: skip
def sherwood_number(
    coefficient: Annotated[
        float,
        Quantity("m/s", "mass-transfer coefficient", 1e-12, 1e3, words="k km, coefficient de transfert de matière"),
    ],
    length: Characteristic,
    diffusivity: Diffusivity,
) -> float:
    """Sherwood number; solved for it, the mass-transfer coefficient."""
    return coefficient * length / diffusivity


@formula(
    "St = f L / v", f"Strouhal, 1878; {WHITE}, ch. 5",
    {"strouhal": Quantity("", "Strouhal number", words="St, nombre de Strouhal")},
    words="Strouhal number vortex shedding frequency, nombre de Strouhal fréquence de détachement tourbillons",
)  # fmt: skip
def strouhal_number(
    frequency: Annotated[float, Quantity("Hz", "frequency", 0, 1e9, words="f vortex shedding, fréquence")],
    length: Characteristic,
    velocity: Annotated[float, Quantity("m/s", "velocity", 1e-9, 1e5, words="v U speed, vitesse")],
) -> float:
    """Strouhal number; solved for it, the frequency of vortices."""
    return frequency * length / velocity
