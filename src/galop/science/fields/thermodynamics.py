"""Engines and heat pumps, moist air, Henry's and Fick's laws, drops and bubbles."""

from __future__ import annotations

from math import cos, radians
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.fluids import saturated_state
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

CARNOT = "Carnot, 1824"
HotReservoir = Annotated[
    float,
    Quantity(
        "K", "temperature of the hot reservoir", 1, 1e5, words="source higher T_h, température de la source chaude"
    ),
]
ColdReservoir = Annotated[
    float,
    Quantity("K", "temperature of the cold reservoir", 1, 1e5, words="sink lower T_c, température de la source froide"),
]


@formula(
    "efficiency = 1 - T_cold / T_hot", CARNOT,
    {"efficiency": Quantity("", "Carnot efficiency", words="maximum ideal, rendement de Carnot maximal")},
    words="Carnot efficiency heat engine maximum, rendement de Carnot machine thermique maximal",
)  # fmt: skip
def carnot_efficiency(hot: HotReservoir, cold: ColdReservoir) -> float:
    """Largest efficiency of a heat engine between two temperatures.

    Raises ScienceError where the hot reservoir is the colder one.
    """
    if hot < cold:
        raise ScienceError("hot has to be at least cold")
    return 1 - cold / hot


@formula(
    "heating T_hot / (T_hot - T_cold), cooling T_cold / (T_hot - T_cold)", CARNOT,
    {
        "heating": Quantity("", "largest coefficient of performance, heating",
                            words="COP heat pump Carnot, pompe à chaleur"),
        "cooling": Quantity("", "largest coefficient of performance, cooling",
                            words="COP EER, refrigerator, fridge, freezer, air conditioner, machine frigorifique, "
                                  "réfrigérateur, congélateur, climatiseur, froid"),
    },
    words="Carnot COP of a heat pump or refrigerator, COP de Carnot pompe à chaleur réfrigérateur",
)  # fmt: skip
def carnot_cop(hot: HotReservoir, cold: ColdReservoir) -> dict[str, float]:
    """Largest coefficients of performance between two temperatures.

    Raises ScienceError where the hot reservoir is not the hotter one.
    """
    if hot <= cold:
        raise ScienceError("hot has to be above cold")
    return {"heating": hot / (hot - cold), "cooling": cold / (hot - cold)}


@formula(
    "COP = Q / P", "EN 14511",
    {"cop": Quantity("", "coefficient of performance", words="COP, coefficient de performance")},
    words="coefficient of performance COP heat pump refrigerator heat over electric power, coefficient de performance "
          "pompe à chaleur",
)  # fmt: skip
def coefficient_of_performance(
    heat: Annotated[
        float,
        Quantity(
            "W",
            "heat moved",
            0,
            1e15,
            words="delivered output removed removes extracts, chaleur fournie extraite retire",
        ),
    ],
    power: Annotated[
        float,
        Quantity(
            "W",
            "power taken",
            1e-12,
            1e15,
            words="electric takes draws drawn consumes compressor, électrique absorbée consomme",
        ),
    ],
) -> float:
    """Coefficient of performance of a heat pump or refrigerator."""
    return heat / power


@formula(
    "p_v = humidity p_sat(T), T_dew where p_sat is p_v; p_sat by the equation of state",
    "Wagner & Pruß, J. Phys. Chem. Ref. Data 31 (2002) 387 (CoolProp)",
    {
        "dew_point": Quantity("degC", "dew point", words="condensation, point de rosée"),
        "vapour_pressure": Quantity("Pa", "pressure of the water vapour",
                                    words="partial pressure, pression partielle de vapeur"),
        "humidity_ratio": Quantity("g/kg", "water vapour for each mass of dry air, at 1 atm",
                                   words="absolute humidity ratio, humidité absolue"),
    },
    words="dew point relative humidity moist air, point de rosée humidité relative air humide",
)  # fmt: skip
def moist_air(
    temperature: Annotated[float, Quantity("K", "temperature", 273.16, 373.12, words="air T, température de l'air")],
    humidity: Annotated[float, Quantity("", "relative humidity", 1e-3, 1, words="RH percent, humidité relative")],
) -> dict[str, float]:
    """Dew point and humidity of air at a relative humidity.

    Raises ScienceError where water would freeze out before it condenses.
    """
    pressure = humidity * saturated_state("water", 0, temperature=temperature).p()
    if pressure < 611.66:
        raise ScienceError("the dew point is below 0 degC, where frost forms instead")
    dew = saturated_state("water", 0, pressure=pressure).T()
    return {
        "dew_point": dew - 273.15,
        "vapour_pressure": pressure,
        "humidity_ratio": 621.98 * pressure / (101_325 - pressure),
    }


@formula(
    "c = H p", "Henry, 1803; Sander, Atmos. Chem. Phys. 15 (2015) 4399",
    {"concentration": Quantity("mol/L", "concentration dissolved",
                               words="solubility of the gas, concentration dissoute")},
    words="Henry's law solubility of a gas partial pressure, loi de Henry solubilité d'un gaz pression partielle",
)  # fmt: skip
def henry(
    henry_constant: Annotated[
        float,
        Quantity("mol/L/bar", "Henry's constant", 1e-12, 1e6, words="solubility kH H mol/L/atm, constante de Henry"),
    ],
    pressure: Annotated[
        float, Quantity("bar", "partial pressure", 0, 1000, words="p of the gas, pression partielle du gaz")
    ],
) -> float:
    """Concentration of a gas that is dissolved under its partial pressure (Henry)."""
    return henry_constant * pressure


@formula(
    "J = D (c1 - c2) / d", "Fick, Ann. Phys. 170 (1855) 59",
    {"flux": Quantity("mol/m^2/s", "molar flux", words="J diffusion, flux molaire")},
    words="Fick's first law diffusion flux through a membrane layer, première loi de Fick flux de diffusion membrane",
)  # fmt: skip
def fick_flux(
    diffusivity: Annotated[
        float, Quantity("m^2/s", "diffusion coefficient", 1e-22, 1, words="D, coefficient de diffusion")
    ],
    first_concentration: Annotated[
        float,
        Quantity("mol/m^3", "concentration on the first side", 0, 1e6, words="c1 high upstream, concentration amont"),
    ],
    thickness: Annotated[
        float, Quantity("m", "thickness", 1e-10, 1e3, words="d membrane layer, épaisseur membrane couche")
    ],
    second_concentration: Annotated[
        float,
        Quantity("mol/m^3", "concentration on the second side", 0, 1e6, words="c2 low downstream, concentration aval"),
    ] = 0.0,
) -> float:
    """Flux that diffuses through a layer (Fick)."""
    return diffusivity * (first_concentration - second_concentration) / thickness


@formula(
    "dp = 2 sigma / r for a drop", "Young, 1805; Laplace, 1806",
    {"pressure": Quantity("Pa", "pressure inside above outside",
                          words="Laplace capillary pressure, surpression pression capillaire")},
    words="Young-Laplace pressure in a drop bubble surface tension, pression de Laplace goutte bulle tension "
          "superficielle",
)  # fmt: skip
def laplace_pressure(
    surface_tension: Annotated[float, Quantity("N/m", "surface tension", 1e-6, 10, words="σ γ, tension superficielle")],
    radius: Annotated[float, Quantity("m", "radius", 1e-10, 10, words="r drop bubble, rayon de la goutte bulle")],
) -> float:
    """Pressure by which a drop, or a bubble in a liquid, is above its surroundings (Young-Laplace)."""
    return 2 * surface_tension / radius


@formula(
    "h = 2 sigma cos(angle) / (rho g0 r)", "Jurin, 1718",
    {"height": Quantity("mm", "capillary rise", words="h, ascension capillaire hauteur")},
    words="capillary rise Jurin tube surface tension contact angle, ascension capillaire loi de Jurin tube angle de "
          "contact",
)  # fmt: skip
def capillary_rise(
    surface_tension: Annotated[float, Quantity("N/m", "surface tension", 1e-6, 10, words="σ γ, tension superficielle")],
    density: Annotated[
        float, Quantity("kg/m^3", "density of the liquid", 1, 30_000, words="rho ρ, masse volumique du liquide")
    ],
    radius: Annotated[float, Quantity("m", "radius of the tube", 1e-9, 1, words="r capillary, rayon du tube")],
    angle: Annotated[
        float, Quantity("deg", "contact angle", 0, 180, words="θ wetting, angle de contact mouillage")
    ] = 0.0,
) -> float:
    """Height to which a liquid rises in a tube (Jurin)."""
    return 1000 * 2 * surface_tension * cos(radians(angle)) / (density * G0 * radius)
