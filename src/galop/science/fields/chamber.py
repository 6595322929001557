"""Combustion chambers and tanks: their volume, their walls and what heats them."""

from __future__ import annotations

from math import pi
from typing import Annotated, Literal

from galop.science.constants import R
from galop.science.fields.inputs import HUZEL, RPE, AreaRatio, ChamberTemperature, CStar, Gamma, MolarMass
from galop.science.formula import Quantity, formula

Shape = Literal["cylinder", "sphere"]
Diameter = Annotated[
    float, Quantity("m", "diameter", 1e-6, 1000, "inner tank vessel chamber diameter, diamètre intérieur")
]
Wall = Annotated[float, Quantity("m", "wall thickness", 1e-7, 100, "épaisseur de paroi")]
InnerPressure = Annotated[
    float,
    Quantity(
        "Pa", "pressure within", 0, 1e10, "internal chamber tank pressure, pression interne, de service, de chambre"
    ),
]
GasHeat = Annotated[
    float, Quantity("J/kg/K", "specific heat of the gas", 100, 50_000, "cp heat capacity, chaleur massique, spécifique")
]
Prandtl = Annotated[float, Quantity("", "Prandtl number", 0.1, 10, "nombre de Prandtl")]


@formula(
    "characteristic_length = chamber_volume / throat_area", f"{RPE}, eq. 8-9",
    {"characteristic_length": Quantity("m", "characteristic chamber length L*", words="L-star, longueur "
                                                                                      "caractéristique L*")},
    words="L* of a combustion chamber, chamber volume, longueur caractéristique, volume de chambre, section du col",
)  # fmt: skip
def characteristic_length(
    chamber_volume: Annotated[
        float, Quantity("m^3", "chamber volume", 0, 1e5, "volume de chambre, de la chambre de combustion")
    ],
    throat_area: Annotated[float, Quantity("m^2", "throat area", 1e-12, 1000, "section aire surface du col")],
) -> float:
    """Characteristic length L* of a combustion chamber."""
    return chamber_volume / throat_area


@formula(
    "stay_time = L* c* M / (R T)", f"{RPE}, ch. 8.2",
    {"stay_time": Quantity("s", "stay time of the gas", words="residence time, temps de séjour")},
    words="stay or residence time in a combustion chamber, temps de séjour dans la chambre, L*",
)  # fmt: skip
def stay_time(
    characteristic_length: Annotated[
        float, Quantity("m", "characteristic chamber length L*", 0, 1000, "L-star, longueur caractéristique L*")
    ],
    c_star: CStar,
    temperature: ChamberTemperature,
    molar_mass: MolarMass,
) -> float:
    """How long the gas stays in a combustion chamber."""
    return characteristic_length * c_star * molar_mass * 1e-3 / (R * temperature)


@formula(
    "cylinder: stress = p d / (2 t); sphere: stress = p d / (4 t)", "Roark's Formulas for Stress and Strain, 8th ed., "
                                                                    "ch. 13",
    {"stress": Quantity("Pa", "hoop stress", words="wall circumferential tensile stress, contrainte "
                                                   "circonférentielle, tangentielle")},
    words="thin-walled pressure vessel, hoop stress, contrainte circonférentielle, enveloppe mince, réservoir sous "
          "pression, chaudronnerie",
)  # fmt: skip
def hoop_stress(pressure: InnerPressure, diameter: Diameter, thickness: Wall, shape: Shape = "cylinder") -> float:
    """Largest stress in the thin wall of a pressure vessel."""
    return pressure * diameter / ((2 if shape == "cylinder" else 4) * thickness)


@formula(
    "cylinder: stress = p r / t; sphere: stress = p r / (2 t)", "Roark's Formulas for Stress and Strain, 8th ed., "
    "ch. 13",
    {"stress": Quantity("Pa", "hoop stress", words="wall circumferential tensile, contrainte circonférentielle")},
    words="thin-walled pressure vessel of a mean radius, hoop stress, contrainte circonférentielle, rayon, enveloppe",
)  # fmt: skip
def hoop_stress_of_radius(
    pressure: InnerPressure,
    radius: Annotated[float, Quantity("m", "radius", 1e-6, 1000, "mean inner radius, rayon moyen, rayon intérieur")],
    thickness: Wall,
    shape: Shape = "cylinder",
) -> float:
    """Largest stress in the thin wall of a pressure vessel of a radius."""
    return pressure * radius / ((1 if shape == "cylinder" else 2) * thickness)


@formula(
    "cylinder: t = safety p d / (2 strength); sphere: t = safety p d / (4 strength)",
    "Roark's Formulas for Stress and Strain, 8th ed., ch. 13",
    {"thickness": Quantity("m", "wall thickness", words="épaisseur de paroi")},
    words="wall thickness of a tank, chamber or pressure vessel, épaisseur de paroi d'un réservoir, coefficient de "
          "sécurité",
)  # fmt: skip
def wall_thickness(
    pressure: InnerPressure,
    diameter: Diameter,
    strength: Annotated[
        float, Quantity("Pa", "allowable stress", 1e3, 1e12, "yield ultimate strength, contrainte admissible, limite "
                                                             "élastique, résistance")
    ],
    safety_factor: Annotated[float, Quantity("", "safety factor", 0.1, 100, "coefficient facteur de sécurité")] = 1.0,
    shape: Shape = "cylinder",
) -> float:  # fmt: skip
    """Thickness of the thin wall of a pressure vessel."""
    return safety_factor * pressure * diameter / ((2 if shape == "cylinder" else 4) * strength)


@formula(
    "cylinder: V = pi d^2 length / 4", "geometry", {"volume": Quantity("m^3", "volume", words="volume d'un cylindre")},
    words="volume of a cylinder, volume d'un cylindre, chambre cylindrique, réservoir cylindrique",
)  # fmt: skip
def cylinder_volume(
    diameter: Diameter, length: Annotated[float, Quantity("m", "length", 0, 1e5, "height, longueur, hauteur")]
) -> float:
    """Volume of a cylinder."""
    return pi * diameter**2 * length / 4


@formula(
    "sphere: V = pi d^3 / 6", "geometry", {"volume": Quantity("m^3", "volume", words="volume d'une sphère")},
    words="volume of a sphere, spherical tank, volume d'une sphère, réservoir sphérique",
)  # fmt: skip
def sphere_volume(diameter: Diameter) -> float:
    """Volume of a sphere."""
    return pi * diameter**3 / 6


@formula(
    "T_aw = T0 (1 + r (gamma-1)/2 M^2) / (1 + (gamma-1)/2 M^2), r = Pr^(1/3) turbulent, Pr^(1/2) laminar",
    f"{HUZEL}, eq. 4-10; Schlichting, Boundary-Layer Theory, 7th ed., ch. XXIII",
    {
        "adiabatic_wall_temperature": Quantity("K", "adiabatic wall temperature", words="recovery temperature, "
                                                                                        "température de paroi "
                                                                                        "adiabatique, de récupération"),
        "recovery_factor": Quantity("", "recovery factor", words="facteur de récupération"),
    },
    words="adiabatic wall or recovery temperature of a hot gas, température de paroi adiabatique, facteur de "
          "récupération",
)  # fmt: skip
def adiabatic_wall(
    chamber_temperature: ChamberTemperature,
    mach: Annotated[float, Quantity("", "Mach number", 0, 50, "nombre de Mach")],
    gamma: Gamma,
    prandtl: Prandtl,
    boundary_layer: Literal["turbulent", "laminar"] = "turbulent",
) -> dict[str, float]:
    """Temperature that a wall without cooling takes in a flow, and the recovery factor."""
    recovery = prandtl ** (1 / 3 if boundary_layer == "turbulent" else 1 / 2)
    half = (gamma - 1) / 2 * mach * mach
    return {
        "adiabatic_wall_temperature": chamber_temperature * (1 + recovery * half) / (1 + half),
        "recovery_factor": recovery,
    }


@formula(
    "Pr = 4 gamma / (9 gamma - 5), viscosity = 1.184e-7 M^0.5 T^0.6 in Pa s, M in g/mol, T in K",
    f"{HUZEL}, eq. 4-15 and 4-16",
    {
        "prandtl": Quantity("", "Prandtl number", words="nombre de Prandtl"),
        "viscosity": Quantity("Pa*s", "viscosity of the gas", words="viscosité dynamique du gaz"),
    },
    words="viscosity and Prandtl number of combustion gas, estimate for Bartz, viscosité des gaz de combustion",
)  # fmt: skip
def gas_transport(gamma: Gamma, molar_mass: MolarMass, temperature: ChamberTemperature) -> dict[str, float]:
    """Estimates the Prandtl number and viscosity of a combustion gas, as Bartz's equation takes them."""
    pound_inch, rankine = 0.45359237 / 0.0254, 1.8
    return {
        "prandtl": 4 * gamma / (9 * gamma - 5),
        "viscosity": 46.6e-10 * pound_inch * molar_mass**0.5 * (rankine * temperature) ** 0.6,
    }


@formula(
    "h = 0.026 / Dt^0.2 (mu^0.2 cp / Pr^0.6) (pc / c*)^0.8 (Dt / rc)^0.1 (At / A)^0.9 sigma",
    "Bartz, Jet Propulsion 27 (1957) 49; NASA SP-125, eq. 4-13",
    {
        "heat_transfer": Quantity("W/m^2/K", "heat-transfer coefficient", words="coefficient d'échange convectif côté "
                                                                                "gaz"),
        "sigma": Quantity("", "correction for properties", words="facteur de correction"),
    },
    words="transfert de chaleur à la paroi de la tuyère, coefficient d'échange de Bartz",
)  # fmt: skip
def bartz(
    throat_diameter: Annotated[float, Quantity("m", "throat diameter", 1e-4, 10, "diamètre du col")],
    curvature: Annotated[
        float,
        Quantity(
            "m", "radius of curvature of the throat's wall", 1e-4, 100, "throat curvature, rayon de courbure du col"
        ),
    ],
    viscosity: Annotated[float, Quantity("Pa*s", "viscosity of the gas", 1e-7, 1e-2, "viscosité dynamique du gaz")],
    heat_capacity: GasHeat,
    prandtl: Prandtl,
    pressure: Annotated[float, Quantity("Pa", "chamber pressure", 1e4, 1e8, "pc, pression de chambre")],
    c_star: CStar,
    gamma: Gamma,
    wall_temperature: Annotated[float, Quantity("K", "wall temperature", 50, 4000, "température de paroi")],
    chamber_temperature: Annotated[
        float,
        Quantity("K", "chamber temperature", 300, 6000, "combustion gas flame temperature, température de chambre"),
    ],
    mach: Annotated[float, Quantity("", "Mach number there, 1 at the throat", 0, 20, "nombre de Mach local")] = 1.0,
    area_ratio: AreaRatio = 1.0,
) -> dict[str, float]:
    """Heat transfer from the gas to a nozzle wall (Bartz)."""
    heated = 1 + (gamma - 1) / 2 * mach * mach
    sigma = (0.5 * wall_temperature / chamber_temperature * heated + 0.5) ** -0.68 * heated**-0.12
    h = 0.026 / throat_diameter**0.2 * viscosity**0.2 * heat_capacity / prandtl**0.6 * (pressure / c_star) ** 0.8
    return {"heat_transfer": h * (throat_diameter / curvature) ** 0.1 * area_ratio**-0.9 * sigma, "sigma": sigma}
