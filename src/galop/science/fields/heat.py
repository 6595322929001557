"""Heat that flows: conduction, convection at a known coefficient, radiation, fins."""

from __future__ import annotations

from math import log, pi, sqrt, tanh
from typing import Annotated

from galop.science.constants import SIGMA
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

INCROPERA = "Incropera et al., Fundamentals of Heat and Mass Transfer, 7th ed."
Conductivity = Annotated[
    float,
    Quantity(
        "W/m/K", "thermal conductivity", 1e-5, 1e5, words="k λ of the wall material, conductivité thermique du matériau"
    ),
]
Area = Annotated[float, Quantity("m^2", "area", 1e-15, 1e12, words="surface A S, aire surface d'échange")]
Thickness = Annotated[
    float, Quantity("m", "thickness", 1e-12, 1e6, words="wall layer thick L e d, épaisseur de la paroi")
]
Hot = Annotated[
    float,
    Quantity(
        "K", "temperature of the hot side", 0, 20_000, words="inside higher T1, température du côté chaud intérieure"
    ),
]
Cold = Annotated[
    float,
    Quantity(
        "K",
        "temperature of the cold side",
        0,
        20_000,
        words="outside lower ambient T2, température du côté froid extérieure ambiante",
    ),
]
Difference = Annotated[
    float,
    Quantity(
        "ΔK", "temperature difference", 0, 20_000, words="ΔT rise drop delta, différence écart élévation de température"
    ),
]
HeatTransfer = Annotated[
    float,
    Quantity(
        "W/m^2/K", "heat-transfer coefficient", 1e-6, 1e9, words="convection film h U, coefficient d'échange convection"
    ),
]
HeatCapacity = Annotated[
    float,
    Quantity(
        "J/kg/K", "specific heat", 1e-3, 1e6, words="heat capacity cp c, chaleur massique capacité thermique massique"
    ),
]
RATE = Quantity(
    "W", "heat flow", words="heat rate loss power Q, flux thermique puissance pertes de chaleur déperdition"
)
FLUX = Quantity("W/m^2", "heat flux", words="per area q, densité de flux thermique")


@formula(
    "Q = k A (T_hot - T_cold) / L", f"Fourier, 1822; {INCROPERA}, eq. 3.4", {"heat_flow": RATE, "heat_flux": FLUX},
    words="conduction through a plane wall heat loss window, conduction à travers une paroi plane mur déperdition",
)  # fmt: skip
def wall_conduction(
    conductivity: Conductivity, area: Area, thickness: Thickness, hot: Hot, cold: Cold
) -> dict[str, float]:
    """Heat that flows through a plane wall between two temperatures."""
    flux = conductivity * (hot - cold) / thickness
    return {"heat_flow": flux * area, "heat_flux": flux}


@formula(
    "Q = k A dT / L", f"Fourier, 1822; {INCROPERA}, eq. 3.4", {"heat_flow": RATE},
    words="conduction through a plane wall insulation of a temperature difference, conduction à travers une "
          "paroi plane "
          "isolant écart de température",
)  # fmt: skip
def wall_conduction_of_difference(
    conductivity: Conductivity, area: Area, thickness: Thickness, temperature_difference: Difference
) -> float:
    """Heat that flows through a plane wall at a temperature difference."""
    return conductivity * area * temperature_difference / thickness


@formula(
    "q = k dT / L", f"Fourier, 1822; {INCROPERA}, eq. 3.5", {"heat_flux": FLUX},
    words="heat flux by conduction temperature difference across a layer, densité de flux par conduction écart de "
          "température",
)  # fmt: skip
def conduction_flux(conductivity: Conductivity, thickness: Thickness, temperature_difference: Difference) -> float:
    """Heat flux through a layer with a temperature difference across it; solved for that, the drop in a wall."""
    return conductivity * temperature_difference / thickness


@formula(
    "Q = 2 pi k L (T_hot - T_cold) / ln(r_outer / r_inner)", f"{INCROPERA}, eq. 3.32", {"heat_flow": RATE},
    words="conduction through a cylinder pipe insulation radial heat loss, conduction cylindrique tuyau isolant "
          "calorifuge pertes",
)  # fmt: skip
def cylinder_conduction(
    conductivity: Conductivity,
    length: Annotated[float, Quantity("m", "length", 1e-9, 1e8, words="L of the pipe, longueur")],
    inner_radius: Annotated[float, Quantity("m", "inner radius", 1e-12, 1e5, words="r1, rayon intérieur")],
    outer_radius: Annotated[float, Quantity("m", "outer radius", 1e-12, 1e5, words="r2, rayon extérieur")],
    hot: Hot,
    cold: Cold,
) -> float:
    """Heat that flows through the wall of a pipe, or its insulation.

    Raises ScienceError where the outer radius is not the larger one.
    """
    if outer_radius <= inner_radius:
        raise ScienceError("outer_radius has to be above inner_radius")
    return 2 * pi * conductivity * length * (hot - cold) / log(outer_radius / inner_radius)


@formula(
    "Q = h A (T_hot - T_cold)", f"Newton, 1701; {INCROPERA}, eq. 1.3a", {"heat_flow": RATE, "heat_flux": FLUX},
    words="convection heat flow Newton cooling coefficient area wall plate in air loses, U-value heat loss through a "
          "window wall roof, convection flux thermique coefficient d'échange surface paroi dans l'air puissance "
          "perdue, "
          "déperdition fenêtre",
)  # fmt: skip
def convection(
    coefficient: HeatTransfer,
    area: Area,
    hot: Annotated[
        float,
        Quantity("K", "temperature of the surface", 0, 20_000, words="wall plate hot inside, paroi plaque intérieure"),
    ],
    cold: Annotated[
        float,
        Quantity("K", "temperature of the fluid", 0, 20_000, words="air ambient outside cold, ambiante extérieure"),
    ],
) -> dict[str, float]:
    """Heat that a surface gives to a fluid, or that passes at an overall coefficient."""
    flux = coefficient * (hot - cold)
    return {"heat_flow": flux * area, "heat_flux": flux}


@formula(
    "Q = h A dT", f"Newton, 1701; {INCROPERA}, eq. 1.3a", {"heat_flow": RATE},
    words="convection heat flow Newton cooling coefficient area temperature difference, U-value heat loss, "
          "convection flux "
          "thermique coefficient d'échange écart de température déperdition",
)  # fmt: skip
def convection_of_difference(coefficient: HeatTransfer, area: Area, temperature_difference: Difference) -> float:
    """Heat that passes at a coefficient and a temperature difference."""
    return coefficient * area * temperature_difference


def layer(which: str, words: str) -> tuple[Quantity, Quantity]:
    """The inputs of a layer of a wall: its thickness and conductivity."""
    return (
        Quantity("m", f"thickness of the {which} layer", 0, 1e3, words=f"L e wall {words}, épaisseur de la couche"),
        Quantity("W/m/K", f"conductivity of the {which} layer", 1e-5, 1e5, words=f"k λ {words}, conductivité"),
    )


@formula(
    "1 / U = 1 / h1 + L1 / k1 + L2 / k2 + L3 / k3 + 1 / h2", f"{INCROPERA}, eq. 3.18",
    {
        "coefficient": Quantity("W/m^2/K", "overall heat-transfer coefficient",
                                words="U value, coefficient d'échange global"),
        "resistance": Quantity("m^2*K/W", "thermal resistance of the area", words="R value, résistance thermique"),
    },
    words="overall heat transfer coefficient U-value of a composite wall of layers with films on both sides, "
          "coefficient global "
    "d'échange paroi multicouche",
)  # fmt: skip
def overall_coefficient(
    inside: Annotated[
        float,
        Quantity(
            "W/m^2/K",
            "coefficient on one side",
            1e-6,
            1e9,
            words="h1 inside hot film, coefficient côté intérieur chaud",
        ),
    ],
    outside: Annotated[
        float,
        Quantity(
            "W/m^2/K",
            "coefficient on the other side",
            1e-6,
            1e9,
            words="h2 outside cold film, coefficient côté extérieur froid",
        ),
    ],
    thickness: Annotated[float, layer("first", "wall première")[0]] = 0.0,
    conductivity: Annotated[float, layer("first", "wall première")[1]] = 1.0,
    second_thickness: Annotated[float, layer("second", "insulation deuxième isolant")[0]] = 0.0,
    second_conductivity: Annotated[float, layer("second", "insulation deuxième isolant")[1]] = 1.0,
    third_thickness: Annotated[float, layer("third", "troisième")[0]] = 0.0,
    third_conductivity: Annotated[float, layer("third", "troisième")[1]] = 1.0,
) -> dict[str, float]:
    """Overall coefficient of a plane wall of up to three layers between two fluids."""
    layers = thickness / conductivity + second_thickness / second_conductivity + third_thickness / third_conductivity
    resistance = 1 / inside + layers + 1 / outside
    return {"coefficient": 1 / resistance, "resistance": resistance}


@formula(
    "q' = 2 pi k (T_hot - T_cold) / ln(1 + 2 t / D)", f"{INCROPERA}, eq. 3.32",
    {"heat_per_length": Quantity("W/m", "heat lost by each length of pipe",
                                 words="per metre loss, perte par mètre de tuyau déperdition linéique")},
    words="heat loss per metre of an insulated pipe thickness of insulation, perte par mètre d'un tuyau calorifugé "
          "isolant épaisseur",
)  # fmt: skip
def insulated_pipe_loss(
    conductivity: Annotated[
        float, Quantity("W/m/K", "conductivity of the insulation", 1e-4, 1e4, words="k λ, conductivité de l'isolant")
    ],
    diameter: Annotated[
        float,
        Quantity(
            "m",
            "outer diameter of the pipe",
            1e-6,
            100,
            words="D tube under the insulation, diamètre extérieur du tuyau",
        ),
    ],
    thickness: Annotated[
        float,
        Quantity("m", "thickness of the insulation", 1e-9, 100, words="t e lagging, épaisseur d'isolant calorifuge"),
    ],
    hot: Hot,
    cold: Cold,
) -> float:
    """Heat that each length of an insulated pipe loses between the temperatures of both sides of the insulation."""
    return 2 * pi * conductivity * (hot - cold) / log(1 + 2 * thickness / diameter)


@formula(
    "r = k / h", f"{INCROPERA}, ex. 3.5",
    {"radius": Quantity("mm", "critical radius", words="insulation r, rayon critique d'isolation")},
    words="critical radius of insulation of a wire or pipe, rayon critique d'isolation fil tuyau",
)  # fmt: skip
def critical_radius(
    conductivity: Annotated[
        float, Quantity("W/m/K", "conductivity of the insulation", 1e-4, 1e4, words="k λ, conductivité de l'isolant")
    ],
    coefficient: HeatTransfer,
) -> float:
    """Outer radius at which the insulation of a cylinder loses most heat."""
    return 1000 * conductivity / coefficient


@formula(
    "R = L / (k A)", f"{INCROPERA}, eq. 3.6",
    {"resistance": Quantity("K/W", "thermal resistance", words="conduction Rth, résistance thermique")},
    words="thermal resistance of a wall, résistance thermique d'une paroi",
)  # fmt: skip
def thermal_resistance(thickness: Thickness, conductivity: Conductivity, area: Area) -> float:
    """Thermal resistance of a plane layer."""
    return thickness / (conductivity * area)


Emissivity = Annotated[float, Quantity("", "emissivity", 1e-4, 1, words="ε epsilon grey, émissivité")]


@formula(
    "Q = emissivity sigma A (T_hot^4 - T_cold^4)", f"Stefan, 1879; Boltzmann, 1884; {INCROPERA}, eq. 1.7",
    {"heat_flow": RATE, "heat_flux": FLUX},
    words="radiation net heat exchange Stefan-Boltzmann emissivity surroundings plate radiates to a room black hot, "
          "rayonnement net échange Stefan-Boltzmann émissivité plaque rayonne vers une pièce noire chaude",
)  # fmt: skip
def radiation(
    area: Area,
    hot: Annotated[
        float,
        Quantity(
            "K",
            "temperature of the surface",
            0,
            1e6,
            words="hot body radiator, température de la surface du corps chaud",
        ),
    ],
    cold: Annotated[
        float,
        Quantity(
            "K",
            "temperature of the surroundings",
            0,
            1e6,
            words="ambient space sink room walls, température ambiante de l'environnement pièce",
        ),
    ] = 0.0,
    emissivity: Emissivity = 1.0,
) -> dict[str, float]:
    """Heat that a grey surface radiates to large surroundings (Stefan-Boltzmann)."""
    flux = emissivity * SIGMA * (hot**4 - cold**4)
    return {"heat_flow": flux * area, "heat_flux": flux}


@formula(
    "M = emissivity sigma T^4", f"Stefan, 1879; Boltzmann, 1884; {INCROPERA}, eq. 1.5",
    {"flux": Quantity("W/m^2", "emissive power", words="radiant exitance flux, radiates per square metre, émittance "
                                                       "flux rayonné, rayonne par mètre carré")},
    words="black body emissive power Stefan-Boltzmann temperature, black plate radiates, corps noir émittance loi de "
          "Stefan-Boltzmann, rayonne",
)  # fmt: skip
def emissive_power(
    temperature: Annotated[float, Quantity("K", "temperature", 0, 1e8, words="T surface, température")],
    emissivity: Emissivity = 1.0,
) -> float:
    """Power that each area of a surface radiates (Stefan-Boltzmann)."""
    return emissivity * SIGMA * temperature**4


@formula(
    "T = (absorptivity S / (ratio emissivity sigma))^(1/4), ratio of the area that radiates to the one lit: 4 for a "
    "sphere, 1 for "
    "one face of a plate", f"Stefan, 1879; {INCROPERA}, ch. 12",
    {"temperature": Quantity("K", "equilibrium temperature",
                             words="sunlight solar T, température d'équilibre radiatif")},
    words="radiative equilibrium temperature sunlight solar flux absorptivity emissivity satellite sphere, "
          "température d'équilibre "
    "rayonnement solaire absorptivité",
)  # fmt: skip
def radiative_equilibrium(
    flux: Annotated[
        float,
        Quantity(
            "W/m^2", "flux of light", 0, 1e9, words="solar constant sunlight irradiance S, flux solaire éclairement"
        ),
    ],
    ratio: Annotated[
        float, Quantity("", "area that radiates over area lit", 1, 100, words="4 sphere 2 plate, rapport des surfaces")
    ],
    absorptivity: Annotated[
        float, Quantity("", "absorptivity", 0, 1, words="alpha α 1 minus albedo, absorptivité")
    ] = 1.0,
    emissivity: Emissivity = 1.0,
) -> float:
    """Temperature at which a body radiates the light that it takes up; `ratio` is 4 for a sphere."""
    return float((absorptivity * flux / (ratio * emissivity * SIGMA)) ** 0.25)


@formula(
    "lambda = 2897.772 um K / T", "Wien, 1893; CODATA 2018",
    {"wavelength": Quantity("um", "wavelength of the maximum", words="peak λ, longueur d'onde du maximum")},
    words="Wien displacement law peak wavelength, loi de Wien longueur d'onde maximale",
)  # fmt: skip
def wien_wavelength(
    temperature: Annotated[float, Quantity("K", "temperature", 1e-3, 1e9, words="T black body, température")],
) -> float:
    """Wavelength at which a black body radiates most (Wien)."""
    return 2897.771955 / temperature


@formula(
    "m = sqrt(4 h / (k D)), efficiency = tanh(m L) / (m L)", f"{INCROPERA}, table 3.4",
    {
        "efficiency": Quantity("", "fin efficiency", words="η, rendement efficacité de l'ailette"),
        "heat_flow": RATE,
    },
    words="pin fin efficiency heat flow insulated tip, ailette cylindrique rendement flux",
)  # fmt: skip
def pin_fin(
    coefficient: HeatTransfer,
    conductivity: Conductivity,
    diameter: Annotated[float, Quantity("m", "diameter of the fin", 1e-6, 10, words="D rod, diamètre de l'ailette")],
    length: Annotated[float, Quantity("m", "length of the fin", 1e-6, 100, words="L, longueur de l'ailette")],
    hot: Annotated[float, Quantity("K", "temperature of the base", 0, 5000, words="Tb, température de la base")],
    cold: Annotated[
        float, Quantity("K", "temperature of the fluid", 0, 5000, words="T∞ ambient, température du fluide")
    ],
) -> dict[str, float]:
    """Efficiency of a pin fin with an insulated tip, and the heat that it gives off."""
    ml = sqrt(4 * coefficient / (conductivity * diameter)) * length
    efficiency = tanh(ml) / ml
    return {"efficiency": efficiency, "heat_flow": efficiency * coefficient * pi * diameter * length * (hot - cold)}
