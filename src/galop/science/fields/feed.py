"""What brings propellants into a chamber: injectors, pressurant, pumps and turbines."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0, R
from galop.science.fields.inputs import HUZEL, RPE, Gamma, LiquidDensity, MassFlow, MolarMass
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

PressureDrop = Annotated[
    float,
    Quantity("Pa", "pressure drop", 0, 1e9, "injector pressure loss difference, perte de charge, chute de pression"),
]
DischargeCoefficient = Annotated[
    float, Quantity("", "discharge coefficient", 0.01, 1.2, "Cd flow coefficient, coefficient de décharge, de débit")
]
PressureRise = Annotated[
    float, Quantity("Pa", "pressure rise", 0, 1e9, "pump discharge pressure increase, élévation de pression, hausse")
]
Head = Annotated[float, Quantity("m", "head", 1e-6, 1e6, "pump head rise, hauteur manométrique, de refoulement")]
Speed = Annotated[
    float, Quantity("rpm", "shaft speed", 1e-3, 1e7, "rotational rotation speed, vitesse de rotation, régime")
]
VolumeFlow = Annotated[float, Quantity("m^3/s", "volume flow", 1e-12, 1e4, "volumetric flow rate, débit volumique")]
Efficiency = Annotated[float, Quantity("", "pump efficiency", 0.01, 1, "rendement de la pompe")]
POWER = Quantity("W", "shaft power", words="puissance à l'arbre, puissance de la pompe")
FLOW = Quantity("kg/s", "mass flow", words="flow rate, débit massique, débit d'injection")


@formula(
    "mass_flow = Cd A sqrt(2 density pressure_drop)", f"{RPE}, ch. 8.2",
    {"mass_flow": FLOW, "velocity": Quantity("m/s", "injection velocity", words="jet velocity, vitesse d'injection, "
                                                                                "du jet"),
     "volume_flow": Quantity("m^3/s", "volume flow", words="volumetric flow rate, débit volumique")},
    words="incompressible orifice, injector, hole, venturi, injecteur, orifice, trou, liquide incompressible",
)  # fmt: skip
def orifice_flow(
    discharge_coefficient: DischargeCoefficient,
    area: Annotated[
        float, Quantity("m^2", "orifice area", 1e-12, 1000, "hole total area, section de l'orifice, des trous")
    ],
    density: LiquidDensity,
    pressure_drop: PressureDrop,
) -> dict[str, float]:
    """Flow of a liquid through an orifice, such as an injector's, and its mean velocity there."""
    velocity = discharge_coefficient * sqrt(2 * pressure_drop / density)
    return {"mass_flow": velocity * density * area, "velocity": velocity, "volume_flow": velocity * area}


@formula(
    "mass_flow = holes Cd (pi d^2 / 4) sqrt(2 density pressure_drop)", f"{RPE}, ch. 8.2",
    {"mass_flow": FLOW, "volume_flow": Quantity("m^3/s", "volume flow", words="volumetric flow rate, débit volumique")},
    words="injector plate with a number of holes of a diameter, plaque d'injection, nombre de trous, diamètre des "
          "orifices",
)  # fmt: skip
def injector_flow(
    hole_diameter: Annotated[
        float, Quantity("m", "hole diameter", 1e-6, 1, "orifice diameter, diamètre des trous, de l'orifice")
    ],
    discharge_coefficient: DischargeCoefficient,
    density: LiquidDensity,
    pressure_drop: PressureDrop,
    holes: Annotated[
        float, Quantity("", "number of holes", 1, 1e6, "orifices elements count, nombre de trous, d'orifices")
    ] = 1.0,
) -> dict[str, float]:
    """Flow of a liquid through the holes of an injector, or through one orifice of a diameter."""
    flow = holes * discharge_coefficient * pi * hole_diameter**2 / 4 * sqrt(2 * pressure_drop / density)
    return {"mass_flow": flow * density, "volume_flow": flow}


@formula(
    "m0 = (p V / (R_s T0)) gamma / (1 - p_end / p0), bottle_volume = m0 R_s T0 / p0", f"{RPE}, ch. 6.5",
    {
        "pressurant_mass": Quantity("kg", "pressurant mass", words="masse de gaz de pressurisation"),
        "bottle_volume": Quantity("m^3", "volume of the storage bottle", words="volume de stockage"),
    },
    words="pressurant gas to expel propellant, regulated pressure feed, gaz de pressurisation d'un réservoir d'ergols",
)  # fmt: skip
def pressurant_mass(
    tank_pressure: Annotated[float, Quantity("Pa", "pressure in the propellant tank", 1, 1e8, "pression du réservoir")],
    tank_volume: Annotated[
        float, Quantity("m^3", "volume of propellant to expel", 1e-9, 1e5, "tank propellant volume, volume du "
                                                                           "réservoir, d'ergols")
    ],
    storage_pressure: Annotated[
        float, Quantity("Pa", "initial storage pressure of the pressurant", 1, 1e9, "storage pressure, pression "
                                                                                    "initiale, de stockage, bouteille")
    ],
    gamma: Gamma,
    molar_mass: MolarMass,
    temperature: Annotated[float, Quantity("K", "initial temperature of the gas", 4, 1000, "température du "
                                                                                           "gaz")] = 293.15,
) -> dict[str, float]:  # fmt: skip
    """Gas that expels a volume of propellant at a constant tank pressure, from a bottle that ends at that pressure,
    without heat from outside.

    Raises ScienceError where the bottle's pressure is not above the tank's.
    """
    if not storage_pressure > tank_pressure:
        raise ScienceError("storage_pressure has to be above tank_pressure")
    specific = R / (molar_mass * 1e-3)
    mass = tank_pressure * tank_volume / (specific * temperature) * gamma / (1 - tank_pressure / storage_pressure)
    return {"pressurant_mass": mass, "bottle_volume": mass * specific * temperature / storage_pressure}


@formula(
    "volume = mass / (density (1 - ullage))", f"{RPE}, ch. 6",
    {"volume": Quantity("m^3", "tank volume", words="volume du réservoir")},
    words="tank volume of a propellant mass with ullage, volume de réservoir, ciel gazeux",
)  # fmt: skip
def tank_volume(
    mass: Annotated[float, Quantity("kg", "propellant mass", 0, 1e9, "liquid mass, masse d'ergols, de liquide")],
    density: LiquidDensity,
    ullage: Annotated[
        float, Quantity("", "share of the tank without liquid", 0, 0.9, "ullage fraction, ciel gazeux")
    ] = 0.0,
) -> float:
    """Volume of the tank of a mass of propellant."""
    return mass / (density * (1 - ullage))


@formula(
    "head = pressure_rise / (density g0)", f"{HUZEL}, ch. VI",
    {"head": Quantity("m", "head", words="pump head rise, hauteur manométrique, hauteur de refoulement")},
    words="pump head from pressure rise, hauteur manométrique d'une pompe, élévation de pression",
)  # fmt: skip
def pump_head(pressure_rise: PressureRise, density: LiquidDensity) -> float:
    """Head of a pump from its pressure rise."""
    return pressure_rise / (density * G0)


@formula(
    "power = mass_flow * pressure_rise / (density * efficiency)", f"{HUZEL}, ch. VI", {"power": POWER},
    words="puissance d'une pompe, turbopompe, débit, élévation de pression, rendement",
)  # fmt: skip
def pump_power(
    mass_flow: MassFlow, pressure_rise: PressureRise, density: LiquidDensity, efficiency: Efficiency
) -> float:
    """Shaft power of a propellant pump."""
    return mass_flow * pressure_rise / (density * efficiency)


@formula(
    "power = mass_flow g0 head / efficiency", f"{HUZEL}, ch. VI", {"power": POWER},
    words="pump power from its head, puissance d'une pompe, hauteur manométrique, débit, rendement",
)  # fmt: skip
def pump_power_of_head(mass_flow: MassFlow, head: Head, efficiency: Efficiency) -> float:
    """Shaft power of a pump from its head."""
    return mass_flow * G0 * head / efficiency


@formula(
    "omega_s = omega sqrt(Q) / (g0 H)^(3/4), Ns = N sqrt(Q) / H^(3/4) in rpm, US gallons a minute and feet",
    f"{HUZEL}, ch. VI; Karassik, Pump Handbook, 4th ed.",
    {
        "specific_speed": Quantity("", "dimensionless specific speed", words="vitesse spécifique adimensionnelle"),
        "us_specific_speed": Quantity("", "specific speed in rpm, gpm and ft", words="Ns US units, vitesse spécifique "
                                                                                     "US"),
    },
    words="specific speed of a pump, vitesse spécifique d'une pompe",
)  # fmt: skip
def specific_speed(speed: Speed, volume_flow: VolumeFlow, head: Head) -> dict[str, float]:
    """Specific speed of a pump stage, dimensionless and in US units."""
    value = speed * 2 * pi / 60 * sqrt(volume_flow) / (G0 * head) ** 0.75
    return {"specific_speed": value, "us_specific_speed": value * US_SPECIFIC_SPEED}


US_SPECIFIC_SPEED = 60 / (2 * pi) * sqrt(60 / 3.785411784e-3) * (0.3048 * G0) ** 0.75  # rpm, gpm, ft


@formula(
    "omega_ss = omega sqrt(Q) / (g0 npsh)^(3/4), S = N sqrt(Q) / npsh^(3/4) in rpm, US gallons a minute and feet",
    f"{HUZEL}, ch. VI; NASA SP-8107, 1974",
    {
        "suction_specific_speed": Quantity("", "dimensionless suction specific speed", words="vitesse spécifique "
                                                                                             "d'aspiration"),
        "us_suction_specific_speed": Quantity("", "suction specific speed in rpm, gpm and ft", words="S Nss US units"),
    },
    words="suction specific speed, cavitation, inducer, vitesse spécifique d'aspiration, inducteur",
)  # fmt: skip
def suction_specific_speed(
    speed: Speed,
    volume_flow: VolumeFlow,
    npsh: Annotated[
        float,
        Quantity(
            "m", "net positive suction head", 1e-6, 1e5, "NPSH, hauteur nette d'aspiration, charge à l'aspiration"
        ),
    ],
) -> dict[str, float]:
    """Suction specific speed of a pump, dimensionless and in US units."""
    value = speed * 2 * pi / 60 * sqrt(volume_flow) / (G0 * npsh) ** 0.75
    return {"suction_specific_speed": value, "us_suction_specific_speed": value * US_SPECIFIC_SPEED}


@formula(
    "npsh = (tank_pressure - vapour_pressure - loss) / (density g0) + height", "NASA SP-8107, 1974",
    {"npsh": Quantity("m", "net positive suction head available", words="NPSH, hauteur nette d'aspiration disponible")},
    words="hauteur nette d'aspiration d'une pompe, pression de réservoir, pression de vapeur, pertes",
)  # fmt: skip
def npsh(
    tank_pressure: Annotated[
        float, Quantity("Pa", "pressure in the tank", 0, 1e9, "tank inlet pressure, pression du réservoir")
    ],
    vapour_pressure: Annotated[
        float,
        Quantity(
            "Pa", "vapour pressure of the liquid", 0, 1e9, "vapor saturation pressure, pression de vapeur saturante"
        ),
    ],
    density: LiquidDensity,
    height: Annotated[
        float,
        Quantity("m", "height of liquid above the inlet", -1e4, 1e4, "liquid column elevation, hauteur de liquide"),
    ] = 0.0,
    loss: Annotated[
        float,
        Quantity("Pa", "pressure lost in the line", 0, 1e9, "line friction losses, pertes de charge, pertes de ligne"),
    ] = 0.0,
) -> float:
    """Net positive suction head available at a pump inlet."""
    return (tank_pressure - vapour_pressure - loss) / (density * G0) + height


@formula(
    "power = efficiency mass_flow cp T (1 - (p2/p1)^((gamma-1)/gamma))", f"{RPE}, ch. 10.6; {HUZEL}, ch. VI",
    {
        "power": Quantity("W", "turbine power", words="shaft power, puissance de la turbine"),
        "outlet_temperature": Quantity("K", "outlet temperature", words="exhaust temperature, température de sortie"),
    },
    words="gas turbine of a turbopump, puissance d'une turbine, détente, gaz, turbopompe, générateur de gaz",
)  # fmt: skip
def turbine_power(
    mass_flow: MassFlow,
    heat_capacity: Annotated[
        float,
        Quantity("J/kg/K", "specific heat of the gas", 100, 50_000, "cp heat capacity, chaleur massique, spécifique"),
    ],
    inlet_temperature: Annotated[
        float, Quantity("K", "turbine inlet temperature", 100, 4000, "température d'entrée, d'admission")
    ],
    pressure_ratio: Annotated[
        float,
        Quantity(
            "", "inlet over outlet pressure", 1, 10_000, "expansion pressure ratio, rapport de détente, de pression"
        ),
    ],
    gamma: Gamma,
    efficiency: Annotated[float, Quantity("", "turbine efficiency", 0.01, 1, "rendement de la turbine")] = 1.0,
) -> dict[str, float]:
    """Power of a gas turbine, and the temperature of what leaves it."""
    drop = efficiency * inlet_temperature * (1 - pressure_ratio ** ((1 - gamma) / gamma))
    return {"power": mass_flow * heat_capacity * drop, "outlet_temperature": inlet_temperature - drop}


@formula(
    "torque = power / omega", "mechanics", {"torque": Quantity("N*m", "torque", words="shaft moment, couple")},
    words="torque of a shaft from power and speed, couple sur l'arbre, puissance, vitesse de rotation",
)  # fmt: skip
def shaft_torque(
    power: Annotated[float, Quantity("W", "shaft power", 0, 1e12, "puissance à l'arbre")], speed: Speed
) -> float:
    """Torque of a shaft that carries a power at a speed."""
    return power / (speed * 2 * pi / 60)
