"""Flow in pipes and around bodies: Reynolds, friction, Bernoulli, orifices, pumps, water hammer, settling."""

from __future__ import annotations

from math import log10, pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

WHITE = "White, Fluid Mechanics, 7th ed."
COLEBROOK = "Colebrook, J. Inst. Civ. Eng. 11 (1939) 133; Moody, Trans. ASME 66 (1944) 671"
TRANSITION = 2300.0  # Reynolds number to which flow in a pipe is laminar
Density = Annotated[
    float, Quantity("kg/m^3", "density of the fluid", 1e-6, 30_000, words="rho ρ liquid, masse volumique")
]
Velocity = Annotated[
    float, Quantity("m/s", "velocity", 0, 1e5, words="mean speed v flow velocity, vitesse moyenne d'écoulement")
]
Viscosity = Annotated[float, Quantity("Pa*s", "viscosity", 1e-8, 1e6, words="dynamic mu μ η, viscosité dynamique")]
KinematicViscosity = Annotated[
    float, Quantity("m^2/s", "kinematic viscosity", 1e-10, 1e3, words="nu ν, viscosité cinématique")
]
Diameter = Annotated[
    float,
    Quantity("m", "inner diameter", 1e-9, 20, words="pipe tube bore D hydraulic, diamètre intérieur conduite tuyau"),
]
Length = Annotated[float, Quantity("m", "length of the pipe", 0, 1e8, words="L long pipeline, longueur de la conduite")]
Roughness = Annotated[
    float, Quantity("m", "roughness of the wall", 0, 0.1, words="absolute ε e, rugosité absolue de la paroi")
]
FlowRate = Annotated[
    float, Quantity("m^3/s", "volume flow", 0, 1e7, words="flow rate discharge Q volumetric, débit volumique")
]
MassFlow = Annotated[float, Quantity("kg/s", "mass flow", 0, 1e9, words="mass flow rate ṁ, débit massique")]
PressureDrop = Annotated[
    float,
    Quantity(
        "Pa", "pressure difference", 0, 1e11, words="pressure drop Δp dp across, différence de pression perte de charge"
    ),
]
HEAD = Quantity("m", "head loss", words="h friction hL, perte de charge hauteur")
DROP = Quantity("Pa", "pressure drop", words="pressure loss Δp, perte de pression de charge")
REYNOLDS = Quantity("", "Reynolds number", words="Re laminar turbulent, nombre de Reynolds")
REYNOLDS_SOURCE = f"Reynolds, Phil. Trans. R. Soc. 174 (1883) 935; {WHITE}, sec. 1.7"


@formula(
    "Re = rho v D / mu", REYNOLDS_SOURCE, {"reynolds": REYNOLDS},
    words="Reynolds number of a pipe or plate from density velocity viscosity, nombre de Reynolds conduite plaque",
)  # fmt: skip
def reynolds(
    density: Density,
    velocity: Velocity,
    length: Annotated[
        float,
        Quantity(
            "m",
            "diameter, or length along a plate",
            1e-9,
            1e5,
            words="pipe D L characteristic, diamètre longueur caractéristique",
        ),
    ],
    viscosity: Viscosity,
) -> float:
    """Reynolds number of a flow from its density and viscosity."""
    return density * velocity * length / viscosity


@formula(
    "Re = v D / nu", REYNOLDS_SOURCE, {"reynolds": REYNOLDS},
    words="Reynolds number from kinematic viscosity, nombre de Reynolds viscosité cinématique",
)  # fmt: skip
def reynolds_kinematic(
    velocity: Velocity,
    length: Annotated[
        float,
        Quantity(
            "m",
            "diameter, or length along a plate",
            1e-9,
            1e5,
            words="pipe D L characteristic, diamètre longueur caractéristique",
        ),
    ],
    kinematic_viscosity: KinematicViscosity,
) -> float:
    """Reynolds number of a flow from its kinematic viscosity."""
    return velocity * length / kinematic_viscosity


@formula(
    "Re = 4 m / (pi D mu)", REYNOLDS_SOURCE, {"reynolds": REYNOLDS},
    words="Reynolds number of a pipe from mass flow, nombre de Reynolds débit massique",
)  # fmt: skip
def reynolds_of_mass_flow(mass_flow: MassFlow, diameter: Diameter, viscosity: Viscosity) -> float:
    """Reynolds number in a round pipe from the mass flow."""
    return 4 * mass_flow / (pi * diameter * viscosity)


def friction(reynolds: float, relative_roughness: float) -> float:
    """Darcy's friction factor: laminar to TRANSITION, else Colebrook's equation by Newton's method."""
    if reynolds <= TRANSITION:
        return 64 / reynolds
    x = -1.8 * log10(6.9 / reynolds + (relative_roughness / 3.7) ** 1.11)  # 1/sqrt(f) by Haaland
    for _ in range(20):
        inside = relative_roughness / 3.7 + 2.51 * x / reynolds
        step = (x + 2 * log10(inside)) / (1 + 2 * 2.51 / (2.302585092994046 * reynolds * inside))
        x -= step
        if abs(step) < 1e-14 * abs(x):
            break
    return 1 / (x * x)


@formula(
    "laminar (Re <= 2300) f = 64 / Re; else 1 / sqrt(f) = -2 log10(roughness / (3.7 D) + 2.51 / (Re "
    "sqrt(f)))", COLEBROOK,
    {"friction_factor": Quantity("", "friction factor (Darcy)",
                                 words="f λ Moody, coefficient de frottement de perte de charge")},
    words="Colebrook Moody Darcy friction factor from Reynolds number and relative roughness, coefficient de perte de "
          "charge Colebrook",
)  # fmt: skip
def friction_factor(
    reynolds: Annotated[float, Quantity("", "Reynolds number", 1e-3, 1e9, words="Re, nombre de Reynolds")],
    relative_roughness: Annotated[
        float, Quantity("", "roughness over diameter", 0, 0.1, words="relative roughness ε/D, rugosité relative")
    ] = 0.0,
) -> float:
    """Darcy's friction factor in a pipe; between Reynolds numbers of 2300 and 4000 it is uncertain."""
    return friction(reynolds, relative_roughness)


@formula(
    "dp = f L / D rho v^2 / 2, h = dp / (rho g0)", f"Darcy-Weisbach; {WHITE}, eq. 6.10",
    {"pressure_drop": DROP, "head_loss": HEAD},
    words="Darcy-Weisbach pressure drop head loss from friction factor, perte de charge Darcy-Weisbach coefficient de "
          "frottement",
)  # fmt: skip
def darcy_weisbach(
    friction_factor: Annotated[
        float, Quantity("", "friction factor (Darcy)", 1e-4, 1e5, words="f λ, coefficient de frottement")
    ],
    length: Length,
    diameter: Diameter,
    velocity: Velocity,
    density: Density,
) -> dict[str, float]:
    """Pressure and head that a pipe loses at a known friction factor (Darcy-Weisbach)."""
    drop = friction_factor * length / diameter * density * velocity**2 / 2
    return {"pressure_drop": drop, "head_loss": drop / (density * G0)}


PIPE_FORMULA = "dp = f L / D rho v^2 / 2; f laminar (Re <= 2300) 64 / Re, else by Colebrook"
PIPE_SOURCE = f"Darcy-Weisbach; {COLEBROOK}"
PIPE = {
    "pressure_drop": DROP, "head_loss": HEAD, "reynolds": REYNOLDS,
    "friction_factor": Quantity("", "friction factor (Darcy)", words="f λ, coefficient de frottement"),
}  # fmt: skip


@formula(
    PIPE_FORMULA, PIPE_SOURCE, PIPE,
    words="pressure drop head loss in a pipe from velocity roughness viscosity, perte de charge dans une conduite "
          "vitesse rugosité",
)  # fmt: skip
def pipe_loss(
    velocity: Annotated[
        float, Quantity("m/s", "velocity", 1e-12, 1e5, words="mean speed v, vitesse moyenne d'écoulement")
    ],
    diameter: Diameter,
    length: Length,
    density: Density,
    viscosity: Viscosity,
    roughness: Roughness = 0.0,
) -> dict[str, float]:
    """Pressure and head that a pipe loses to friction at a velocity.

    Raises ScienceError for a wall that is too rough for its pipe.
    """
    if roughness > 0.1 * diameter:
        raise ScienceError(
            f"roughness ({roughness:g} m) is more than a tenth of the diameter, where Colebrook's equation ends"
        )
    number = density * velocity * diameter / viscosity
    factor = friction(number, roughness / diameter)
    drop = factor * length / diameter * density * velocity**2 / 2
    return {"pressure_drop": drop, "head_loss": drop / (density * G0), "reynolds": number, "friction_factor": factor}


@formula(
    f"v = 4 Q / (pi D^2); {PIPE_FORMULA}", PIPE_SOURCE, PIPE,
    words="pressure drop head loss in a pipe from volume flow rate roughness viscosity, perte de charge dans une "
          "conduite débit rugosité",
)  # fmt: skip
def pipe_loss_at_flow(
    flow_rate: Annotated[
        float, Quantity("m^3/s", "volume flow", 1e-15, 1e7, words="flow rate Q discharge, débit volumique")
    ],
    diameter: Diameter,
    length: Length,
    density: Density,
    viscosity: Viscosity,
    roughness: Roughness = 0.0,
) -> dict[str, float]:
    """Pressure and head that a pipe loses to friction at a volume flow."""
    velocity = 4 * flow_rate / (pi * diameter**2)
    losses: dict[str, float] = pipe_loss.function(velocity, diameter, length, density, viscosity, roughness)
    return losses


@formula(
    "dp = 128 mu L Q / (pi D^4); holds for laminar flow", "Hagen, 1839; Poiseuille, 1840; White, sec. 6.4",
    {"pressure_drop": DROP},
    words="Hagen-Poiseuille laminar flow capillary pressure drop, Poiseuille écoulement laminaire capillaire perte de "
          "pression",
)  # fmt: skip
def poiseuille(
    flow_rate: Annotated[float, Quantity("m^3/s", "volume flow", 0, 1e4, words="flow rate Q, débit volumique")],
    diameter: Diameter,
    length: Length,
    viscosity: Viscosity,
) -> float:
    """Pressure that a laminar flow loses in a tube (Hagen-Poiseuille)."""
    return 128 * viscosity * length * flow_rate / (pi * diameter**4)


@formula(
    "dp = K rho v^2 / 2", f"{WHITE}, sec. 6.9", {"pressure_drop": DROP, "head_loss": HEAD},
    words="minor loss fitting valve bend loss coefficient, perte de charge singulière vanne coude coefficient",
)  # fmt: skip
def minor_loss(
    coefficient: Annotated[
        float, Quantity("", "loss coefficient", 0, 1e6, words="K zeta ζ fitting, coefficient de perte singulière")
    ],
    velocity: Velocity,
    density: Density,
) -> dict[str, float]:
    """Pressure and head that a fitting loses."""
    drop = coefficient * density * velocity**2 / 2
    return {"pressure_drop": drop, "head_loss": drop / (density * G0)}


@formula(
    "p2 = p1 + rho (v1^2 - v2^2) / 2 + rho g0 (z1 - z2) - loss", f"Bernoulli, 1738; {WHITE}, sec. 3.5",
    {"pressure": Quantity("Pa", "pressure at the second place",
                          words="p2 downstream, pression au deuxième point en aval")},
    words="Bernoulli equation pressure velocity height between two points, équation de Bernoulli pression vitesse "
          "hauteur deux points",
)  # fmt: skip
def bernoulli(
    first_pressure: Annotated[
        float,
        Quantity(
            "Pa", "pressure at the first place", -1e9, 1e11, words="p1 upstream, pression au premier point en amont"
        ),
    ],
    first_velocity: Annotated[
        float, Quantity("m/s", "velocity at the first place", 0, 1e5, words="v1 upstream, vitesse au premier point")
    ],
    second_velocity: Annotated[
        float, Quantity("m/s", "velocity at the second place", 0, 1e5, words="v2 downstream, vitesse au deuxième point")
    ],
    density: Density,
    first_height: Annotated[
        float, Quantity("m", "height of the first place", -1e5, 1e5, words="z1 elevation, hauteur altitude")
    ] = 0.0,
    second_height: Annotated[
        float, Quantity("m", "height of the second place", -1e5, 1e5, words="z2 elevation, hauteur altitude")
    ] = 0.0,
    loss: Annotated[float, Quantity("Pa", "pressure lost between them", 0, 1e11, words="friction, pertes")] = 0.0,
) -> float:
    """Pressure at a second place along a flow (Bernoulli)."""
    motion = density * (first_velocity**2 - second_velocity**2) / 2
    return first_pressure + motion + density * G0 * (first_height - second_height) - loss


@formula(
    "v = 4 Q / (pi D^2)", "continuity", {"velocity": Quantity("m/s", "velocity",
                                                              words="mean speed v, vitesse moyenne")},
    words="velocity in a pipe from flow rate and diameter, vitesse dans une conduite débit volumique diamètre",
)  # fmt: skip
def pipe_velocity(flow_rate: FlowRate, diameter: Diameter) -> float:
    """Mean velocity in a round pipe from the volume flow; solved for it, flow or diameter."""
    return 4 * flow_rate / (pi * diameter**2)


@formula(
    "v = 4 m / (pi D^2 rho)", "continuity", {"velocity": Quantity("m/s", "velocity",
                                                                  words="mean speed v, vitesse moyenne")},
    words="velocity in a pipe from mass flow and diameter, vitesse dans une conduite débit massique diamètre",
)  # fmt: skip
def pipe_velocity_of_mass(mass_flow: MassFlow, diameter: Diameter, density: Density) -> float:
    """Mean velocity in a round pipe from the mass flow."""
    return 4 * mass_flow / (pi * diameter**2 * density)


@formula(
    "Q = a b v, m = rho Q", "continuity",
    {
        "flow_rate": Quantity("m^3/s", "volume flow", words="Q flow rate, débit volumique"),
        "mass_flow": Quantity("kg/s", "mass flow", words="ṁ, débit massique"),
    },
    words="flow in a rectangular duct channel from width height velocity, débit dans une gaine rectangulaire conduit "
          "vitesse",
)  # fmt: skip
def duct_flow(
    width: Annotated[float, Quantity("m", "width", 1e-9, 1e5, words="a side, largeur")],
    height: Annotated[float, Quantity("m", "height", 1e-9, 1e5, words="b side, hauteur")],
    velocity: Velocity,
    density: Density,
) -> dict[str, float]:
    """Volume and mass flow in a full rectangular duct."""
    flow = width * height * velocity
    return {"flow_rate": flow, "mass_flow": density * flow}


@formula(
    "m = rho v pi D^2 / 4, Q = v pi D^2 / 4", "continuity",
    {
        "mass_flow": Quantity("kg/s", "mass flow", words="ṁ, débit massique"),
        "flow_rate": Quantity("m^3/s", "volume flow", words="Q flow rate, débit volumique"),
    },
    words="flow in a round pipe from diameter velocity density, débit dans une conduite ronde diamètre vitesse",
)  # fmt: skip
def pipe_flow(velocity: Velocity, diameter: Diameter, density: Density) -> dict[str, float]:
    """Mass and volume flow in a round pipe at a mean velocity."""
    flow = velocity * pi * diameter**2 / 4
    return {"mass_flow": density * flow, "flow_rate": flow}


@formula(
    "Q = m / rho", "definition", {"flow_rate": Quantity("m^3/s", "volume flow", words="Q flow rate, débit volumique")},
    words="volume flow from mass flow and density, débit volumique débit massique masse volumique",
)  # fmt: skip
def volume_flow(mass_flow: MassFlow, density: Density) -> float:
    """Volume flow that a mass flow means."""
    return mass_flow / density


@formula(
    "v2 = v1 (D1 / D2)^2", "continuity",
    {"velocity": Quantity("m/s", "velocity in the second section", words="v2 downstream after narrow, vitesse "
                                                                         "dans la deuxième section, en aval")},
    words="continuity velocity after a change of pipe diameter, narrows widens contracts, se rétrécit, "
          "conservation du débit changement de diamètre vitesse",
)  # fmt: skip
def continuity(
    first_velocity: Annotated[
        float,
        Quantity(
            "m/s",
            "velocity in the first section",
            0,
            1e5,
            words="v1 upstream before wide, vitesse dans la première section, en amont",
        ),
    ],
    first_diameter: Annotated[
        float, Quantity("m", "first diameter", 1e-9, 1e3, words="D1 from upstream, premier diamètre, amont")
    ],
    second_diameter: Annotated[
        float, Quantity("m", "second diameter", 1e-9, 1e3, words="D2 to downstream, deuxième diamètre, aval")
    ],
) -> float:
    """Velocity of a liquid after its pipe has changed its diameter."""
    return first_velocity * (first_diameter / second_diameter) ** 2


@formula(
    "Q = C pi d^2 / 4 sqrt(2 dp / (rho (1 - (d / D)^4)))", f"ISO 5167-4; {WHITE}, sec. 6.12",
    {
        "flow_rate": Quantity("m^3/s", "volume flow", words="Q flow rate, débit volumique"),
        "mass_flow": Quantity("kg/s", "mass flow", words="ṁ, débit massique"),
        "velocity": Quantity("m/s", "velocity in the throat", words="throat speed v, vitesse au col"),
    },
    words="Venturi meter flow rate throat diameter pressure difference, venturi débit diamètre du col différence de "
          "pression",
)  # fmt: skip
def venturi_flow(
    diameter: Diameter,
    throat_diameter: Annotated[
        float, Quantity("m", "diameter of the throat", 1e-9, 1e3, words="d throat orifice, diamètre du col")
    ],
    pressure_drop: PressureDrop,
    density: Density,
    coefficient: Annotated[
        float, Quantity("", "discharge coefficient", 0.01, 1.2, words="C Cd, coefficient de décharge débit")
    ] = 1.0,
) -> dict[str, float]:
    """Flow of a liquid through a Venturi meter, or an orifice plate with its coefficient.

    Raises ScienceError where the throat is as wide as the pipe.
    """
    if throat_diameter >= diameter:
        raise ScienceError("throat_diameter has to be below diameter")
    narrowing = 1 - (throat_diameter / diameter) ** 4
    velocity = coefficient * sqrt(2 * pressure_drop / (density * narrowing))
    flow = pi * throat_diameter**2 / 4 * velocity
    return {"flow_rate": flow, "mass_flow": flow * density, "velocity": velocity}


@formula(
    "D_h = 4 A / P", f"{WHITE}, sec. 6.8",
    {"diameter": Quantity("m", "hydraulic diameter", words="Dh, diamètre hydraulique")},
    words="hydraulic diameter of a duct from area and wetted perimeter, diamètre hydraulique section périmètre mouillé",
)  # fmt: skip
def hydraulic_diameter(
    area: Annotated[
        float, Quantity("m^2", "area of the flow", 1e-18, 1e8, words="cross-section A, section de passage")
    ],
    perimeter: Annotated[float, Quantity("m", "wetted perimeter", 1e-9, 1e6, words="P, périmètre mouillé")],
) -> float:
    """Hydraulic diameter of a duct of any section."""
    return 4 * area / perimeter


@formula(
    "D_h = 2 a b / (a + b)", f"{WHITE}, sec. 6.8",
    {"diameter": Quantity("m", "hydraulic diameter", words="Dh, diamètre hydraulique")},
    words="hydraulic diameter of a rectangular duct channel width height, diamètre hydraulique d'une gaine "
          "rectangulaire",
)  # fmt: skip
def rectangular_hydraulic_diameter(
    width: Annotated[float, Quantity("m", "width", 1e-9, 1e5, words="a side, largeur")],
    height: Annotated[float, Quantity("m", "height", 1e-9, 1e5, words="b side, hauteur")],
) -> float:
    """Hydraulic diameter of a full rectangular duct."""
    return 2 * width * height / (width + height)
