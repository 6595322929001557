"""Pumps and pipes at work: power, water hammer, open channels; bodies in a flow: drag, settling, boundary layers."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.flow import (
    WHITE,
    Density,
    FlowRate,
    KinematicViscosity,
    PressureDrop,
    Velocity,
    Viscosity,
)
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

WYLIE = "Wylie & Streeter, Fluid Transients in Systems, 1993, ch. 1"
Efficiency = Annotated[float, Quantity("", "efficiency", 0.01, 1, words="pump turbine η, rendement de la pompe")]
PUMP_POWER = {
    "power": Quantity("kW", "shaft power", words="pump P hydraulic, puissance à l'arbre de la pompe"),
    "electric_power": Quantity(
        "kW", "electric power", words="motor input drawn consumed, puissance électrique absorbée"
    ),
}
MotorEfficiency = Annotated[
    float, Quantity("", "efficiency of the motor", 0.01, 1, words="motor drive, rendement du moteur")
]
FirstSpeed = Annotated[
    float, Quantity("rpm", "first speed", 1e-3, 1e6, words="n1 rotation, première vitesse de rotation")
]
SecondSpeed = Annotated[
    float, Quantity("rpm", "second speed", 1e-3, 1e6, words="n2 rotation, deuxième vitesse de rotation")
]


@formula(
    "P = Q dp / efficiency, P_electric = P / motor efficiency", f"{WHITE}, sec. 11.2", PUMP_POWER,
    words="pump power from volume flow and pressure rise, puissance d'une pompe débit volumique élévation de pression",
)  # fmt: skip
def pump_power_from_pressure(
    flow_rate: FlowRate,
    pressure_rise: Annotated[
        float, Quantity("Pa", "pressure rise", 0, 1e10, words="Δp differential head pressure, élévation de pression")
    ],
    efficiency: Efficiency = 1.0,
    motor_efficiency: MotorEfficiency = 1.0,
) -> dict[str, float]:
    """Shaft power of a pump from its volume flow and pressure rise, and what its motor draws."""
    power = flow_rate * pressure_rise / efficiency / 1000
    return {"power": power, "electric_power": power / motor_efficiency}


@formula(
    "P = rho g0 Q H / efficiency, P_electric = P / motor efficiency", f"{WHITE}, eq. 11.3", PUMP_POWER,
    words="pump power from head and flow rate, puissance d'une pompe hauteur manométrique débit",
)  # fmt: skip
def pump_power_from_head(
    flow_rate: FlowRate,
    head: Annotated[
        float, Quantity("m", "head", 0, 1e5, words="H lift height total dynamic, hauteur manométrique de refoulement")
    ],
    density: Density,
    efficiency: Efficiency = 1.0,
    motor_efficiency: MotorEfficiency = 1.0,
) -> dict[str, float]:
    """Shaft power of a pump from its volume flow and head, and what its motor draws."""
    power = density * G0 * flow_rate * head / efficiency / 1000
    return {"power": power, "electric_power": power / motor_efficiency}


@formula(
    "Q2 = Q1 n2 / n1", f"{WHITE}, sec. 11.4",
    {"flow_rate": Quantity("m^3/s", "volume flow at the second speed",
                           words="Q2 flow rate, débit à la deuxième vitesse")},
    words="pump affinity laws flow speed same impeller, lois d'affinité similitude débit pompe vitesse même roue",
)  # fmt: skip
def affinity_flow(
    first_flow: FlowRate,
    first_speed: FirstSpeed,
    second_speed: SecondSpeed,
) -> float:
    """Flow of a pump or fan at another speed, the impeller being the same."""
    return first_flow * second_speed / first_speed


@formula(
    "H2 = H1 (n2 / n1)^2", f"{WHITE}, sec. 11.4",
    {"head": Quantity("m", "head at the second speed", words="H2, hauteur à la deuxième vitesse")},
    words="pump affinity laws head speed same impeller, lois d'affinité similitude hauteur pompe vitesse même roue",
)  # fmt: skip
def affinity_head(
    first_head: Annotated[
        float, Quantity("m", "head at the first speed", 0, 1e5, words="H1, hauteur à la première vitesse")
    ],
    first_speed: FirstSpeed,
    second_speed: SecondSpeed,
) -> float:
    """Head of a pump at another speed, the impeller being the same."""
    return first_head * (second_speed / first_speed) ** 2


@formula(
    "P2 = P1 (n2 / n1)^3", f"{WHITE}, sec. 11.4",
    {"power": Quantity("kW", "power at the second speed", words="P2, puissance à la deuxième vitesse")},
    words="pump fan affinity laws power speed same impeller, lois d'affinité similitude puissance pompe ventilateur "
          "vitesse",
)  # fmt: skip
def affinity_power(
    first_power: Annotated[
        float, Quantity("kW", "power at the first speed", 0, 1e9, words="P1, puissance à la première vitesse")
    ],
    first_speed: FirstSpeed,
    second_speed: SecondSpeed,
) -> float:
    """Power of a pump or fan at another speed, the impeller being the same."""
    return first_power * (second_speed / first_speed) ** 3


@formula(
    "P = efficiency rho g0 Q H", f"{WHITE}, sec. 11.5",
    {"power": Quantity("kW", "power of the turbine",
                       words="hydroelectric output, puissance de la turbine hydroélectrique")},
    words="hydraulic turbine hydroelectric power head flow rate, puissance d'une turbine hydraulique chute débit",
)  # fmt: skip
def hydro_power(
    flow_rate: FlowRate,
    head: Annotated[float, Quantity("m", "head", 0, 1e5, words="H fall height drop, hauteur de chute")],
    density: Density,
    efficiency: Efficiency = 1.0,
) -> float:
    """Power of a hydraulic turbine from the height of its fall."""
    return efficiency * density * G0 * flow_rate * head / 1000


@formula(
    "dp = rho a dv", f"Joukowsky, 1898; {WYLIE}",
    {"pressure_rise": Quantity("Pa", "pressure surge",
                               words="water hammer overpressure Δp, surpression coup de bélier")},
    words="water hammer Joukowsky surge pressure valve closure, coup de bélier Joukowsky surpression fermeture de "
          "vanne",
)  # fmt: skip
def water_hammer(
    density: Density,
    wave_speed: Annotated[
        float, Quantity("m/s", "speed of the pressure wave", 1, 10_000, words="a c celerity sound, célérité de l'onde")
    ],
    velocity_change: Annotated[
        float, Quantity("m/s", "change of velocity", 0, 1000, words="Δv flow velocity stopped, variation de vitesse")
    ],
) -> float:
    """Pressure surge when a flow is stopped at once (Joukowsky)."""
    return density * wave_speed * velocity_change


@formula(
    "a = sqrt(K / rho / (1 + K D / (E t)))", f"Korteweg, 1878; {WYLIE}",
    {"wave_speed": Quantity("m/s", "speed of the pressure wave",
                            words="celerity water hammer a, célérité de l'onde coup de bélier")},
    words="wave speed celerity in an elastic pipe bulk modulus wall thickness, célérité dans une conduite élastique "
          "module épaisseur",
)  # fmt: skip
def pipe_wave_speed(
    bulk_modulus: Annotated[
        float,
        Quantity(
            "Pa",
            "bulk modulus of the liquid",
            1e5,
            1e12,
            words="K compressibility, module de compressibilité du liquide",
        ),
    ],
    density: Density,
    diameter: Annotated[
        float, Quantity("m", "inner diameter", 1e-6, 1e3, words="D pipe, diamètre intérieur de la conduite")
    ],
    thickness: Annotated[
        float, Quantity("m", "thickness of the wall", 1e-7, 10, words="e t wall, épaisseur de la paroi")
    ],
    elastic_modulus: Annotated[
        float,
        Quantity(
            "Pa",
            "elastic modulus of the wall",
            1e5,
            1e13,
            words="Young's modulus E, module d'élasticité Young de la paroi",
        ),
    ],
) -> float:
    """Speed of a pressure wave in the liquid of an elastic pipe."""
    return sqrt(bulk_modulus / density / (1 + bulk_modulus * diameter / (elastic_modulus * thickness)))


@formula(
    "v = R^(2/3) sqrt(S) / n", f"Manning, 1891; {WHITE}, eq. 10.19",
    {"velocity": Quantity("m/s", "mean velocity", words="flow speed, vitesse moyenne d'écoulement")},
    words="Manning open channel velocity hydraulic radius slope, Manning-Strickler canal ouvert rayon hydraulique "
          "pente",
)  # fmt: skip
def manning(
    hydraulic_radius: Annotated[
        float, Quantity("m", "hydraulic radius", 1e-4, 1000, words="R area over perimeter, rayon hydraulique")
    ],
    slope: Annotated[float, Quantity("", "slope", 1e-9, 1, words="S gradient m/m, pente")],
    coefficient: Annotated[
        float, Quantity("", "Manning's coefficient", 0.005, 0.5, words="n roughness, coefficient de Manning rugosité")
    ],
) -> float:
    """Velocity of uniform flow in an open channel (Manning)."""
    return float(hydraulic_radius ** (2 / 3) * sqrt(slope) / coefficient)


@formula(
    "v = g0 (rho_particle - rho_fluid) d^2 / (18 mu)", "Stokes, 1851; White, sec. 7.6",
    {
        "velocity": Quantity("m/s", "settling velocity",
                             words="terminal Stokes falling rising, vitesse de sédimentation terminale chute"),
        "reynolds": Quantity("", "Reynolds number of the particle", words="Re, nombre de Reynolds de la particule"),
    },
    words="Stokes settling velocity terminal velocity of a small sphere, vitesse de sédimentation Stokes petite sphère",
)  # fmt: skip
def stokes_settling(
    diameter: Annotated[
        float,
        Quantity(
            "m", "diameter of the particle", 1e-10, 1, words="d grain droplet bubble sphere, diamètre de la particule"
        ),
    ],
    particle_density: Annotated[
        float,
        Quantity(
            "kg/m^3", "density of the particle", 0, 30_000, words="rho solid sphere, masse volumique de la particule"
        ),
    ],
    density: Density,
    viscosity: Viscosity,
) -> dict[str, float]:
    """Velocity at which a small sphere settles, negative where it rises (Stokes).

    Raises ScienceError where the flow around it is no longer viscous.
    """
    velocity = G0 * (particle_density - density) * diameter**2 / (18 * viscosity)
    number = density * abs(velocity) * diameter / viscosity
    if number > 1:
        raise ScienceError(
            f"the particle's Reynolds number would be {number:.3g}; Stokes's law holds below 1, use settling_velocity"
        )
    return {"velocity": velocity, "reynolds": number}


@formula(
    "v = sqrt(4 g0 d (rho_p - rho) / (3 rho C_D)), C_D = 24 / Re (1 + 0.15 Re^0.687)",
    "Schiller & Naumann, Z. VDI 77 (1933) 318",
    {
        "velocity": Quantity("m/s", "settling velocity",
                             words="terminal falling, vitesse de sédimentation terminale chute"),
        "reynolds": Quantity("", "Reynolds number of the particle", words="Re, nombre de Reynolds de la particule"),
    },
    words="terminal settling velocity of a sphere intermediate Reynolds number drag, vitesse terminale de chute d'une "
          "sphère traînée",
)  # fmt: skip
def settling_velocity(
    diameter: Annotated[
        float, Quantity("m", "diameter of the particle", 1e-10, 1, words="d grain sphere, diamètre de la particule")
    ],
    particle_density: Annotated[
        float,
        Quantity(
            "kg/m^3", "density of the particle", 0, 30_000, words="rho solid sphere, masse volumique de la particule"
        ),
    ],
    density: Density,
    viscosity: Viscosity,
) -> dict[str, float]:
    """Velocity at which a sphere settles, up to a Reynolds number of 800 (Schiller and Naumann).

    Raises ScienceError where the sphere is the lighter one, or the flow around it is beyond the correlation.
    """
    if particle_density <= density:
        raise ScienceError("particle_density has to be above the fluid's for settling")
    archimedes = density * (particle_density - density) * G0 * diameter**3 / viscosity**2

    def weight(re: float) -> float:
        """Drag over viscous scale, which grows with the Reynolds number and is the Archimedes number in free fall."""
        return 18 * re * float(1 + 0.15 * re**0.687)

    low, high = 0.0, 800.0
    if weight(high) < archimedes:
        raise ScienceError(
            "the sphere's Reynolds number would be above 800, where the correlation ends; use terminal_velocity"
        )
    for _ in range(200):
        number = (low + high) / 2
        low, high = (number, high) if weight(number) < archimedes else (low, number)
    return {"velocity": high * viscosity / (density * diameter), "reynolds": high}


DragCoefficient = Annotated[float, Quantity("", "drag coefficient", 1e-4, 100, words="Cd Cx, coefficient de traînée")]
FrontalArea = Annotated[
    float, Quantity("m^2", "frontal area", 1e-12, 1e6, words="cross-section A S, maître-couple frontale")
]


@formula(
    "v = sqrt(2 m g0 / (rho C_D A))", f"{WHITE}, sec. 7.6",
    {"velocity": Quantity("m/s", "terminal velocity", words="falling, vitesse terminale limite de chute")},
    words="terminal velocity of a falling body drag coefficient, vitesse limite de chute coefficient de traînée",
)  # fmt: skip
def terminal_velocity(
    mass: Annotated[float, Quantity("kg", "mass", 1e-15, 1e9, words="m weight body, masse")],
    drag_coefficient: DragCoefficient,
    area: FrontalArea,
    density: Density,
) -> float:
    """Velocity at which drag holds a falling body, its buoyancy left out."""
    return sqrt(2 * mass * G0 / (density * drag_coefficient * area))


@formula(
    "F = C_D A rho v^2 / 2", f"{WHITE}, eq. 7.62", {"force": Quantity("N", "drag",
                                                                      words="drag force resistance, force de traînée")},
    words="drag force on a body in a flow, force de traînée aérodynamique",
)  # fmt: skip
def drag_force(drag_coefficient: DragCoefficient, area: FrontalArea, velocity: Velocity, density: Density) -> float:
    """Drag of a body in a flow."""
    return drag_coefficient * area * density * velocity**2 / 2


@formula(
    "F = C_D pi d^2 / 4 rho v^2 / 2", f"{WHITE}, eq. 7.62",
    {"force": Quantity("N", "drag", words="drag force resistance, force de traînée")},
    words="drag force on a sphere ball in a flow, force de traînée sur une sphère bille balle",
)  # fmt: skip
def sphere_drag(
    drag_coefficient: DragCoefficient,
    diameter: Annotated[float, Quantity("m", "diameter of the sphere", 0, 1e6, words="ball across, diamètre")],
    velocity: Velocity,
    density: Density,
) -> float:
    """Drag of a sphere in a flow."""
    return drag_coefficient * pi * diameter**2 / 4 * density * velocity**2 / 2


@formula(
    "q = rho v^2 / 2", f"{WHITE}, sec. 3.5", {"pressure": Quantity("Pa", "dynamic pressure",
                                                                   words="velocity q Pitot, pression dynamique")},
    words="dynamic pressure Pitot tube velocity, pression dynamique tube de Pitot vitesse",
)  # fmt: skip
def dynamic_pressure(velocity: Velocity, density: Density) -> float:
    """Dynamic pressure of a flow; solved for it, the velocity at a Pitot tube."""
    return density * velocity**2 / 2


@formula(
    "laminar (Re_x < 5e5) delta = 5.0 x / sqrt(Re_x), else 0.37 x / Re_x^(1/5)",
    "Blasius, 1908; Schlichting, Boundary-Layer Theory, 7th ed.",
    {
        "thickness": Quantity("mm", "thickness of the boundary layer", words="δ, épaisseur de la couche limite"),
        "reynolds": Quantity("", "Reynolds number there", words="Re, nombre de Reynolds local"),
    },
    words="boundary layer thickness on a flat plate, épaisseur de la couche limite plaque plane",
)  # fmt: skip
def boundary_layer(
    velocity: Annotated[
        float, Quantity("m/s", "velocity outside", 1e-9, 1e4, words="free stream U, vitesse de l'écoulement")
    ],
    position: Annotated[
        float,
        Quantity("m", "distance from the leading edge", 1e-9, 1e4, words="x length plate, distance du bord d'attaque"),
    ],
    kinematic_viscosity: KinematicViscosity,
) -> dict[str, float]:
    """Thickness of the boundary layer on a flat plate."""
    number = velocity * position / kinematic_viscosity
    thickness = 5.0 * position / sqrt(number) if number < 5e5 else 0.37 * position / number**0.2
    return {"thickness": 1000 * thickness, "reynolds": number}


@formula(
    "v = k dp / (mu L)", "Darcy, 1856",
    {"velocity": Quantity("m/s", "velocity through the whole area",
                          words="superficial filtration Darcy flux, vitesse de filtration")},
    words="Darcy's law porous medium permeability filter, loi de Darcy milieu poreux perméabilité filtre",
)  # fmt: skip
def porous_flow(
    permeability: Annotated[float, Quantity("m^2", "permeability", 1e-22, 1, words="k darcy, perméabilité")],
    pressure_drop: PressureDrop,
    viscosity: Viscosity,
    thickness: Annotated[
        float, Quantity("m", "thickness", 1e-9, 1e6, words="L bed layer length, épaisseur longueur du lit")
    ],
) -> float:
    """Velocity of a slow flow through a porous layer (Darcy)."""
    return permeability * pressure_drop / (viscosity * thickness)
