"""Water and air at work: weirs, valves, tanks that drain, walls under water, pitot tubes, wind."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.fields.flow import WHITE
from galop.science.formula import Quantity, formula

Density = Annotated[float, Quantity("kg/m^3", "density of the fluid", 1e-6, 25_000, "rho, masse volumique du fluide")]
AirDensity = Annotated[
    float, Quantity("kg/m^3", "density of the air", 1e-6, 100, "rho fluid, masse volumique de l'air")
]


@formula(
    "F = rho CdA v^2 / 2",
    f"{WHITE}, sec. 7.6",
    {"force": Quantity("N", "drag", words="aerodynamic force resistance, traînée force aérodynamique")},
    words="drag of a cyclist car from its drag area CdA, traînée d'un cycliste voiture SCx",
)
def drag_of_area(
    drag_area: Annotated[
        float, Quantity("m^2", "drag area", 1e-9, 1e6, "CdA CxA SCx drag coefficient times area, surface de traînée")
    ],
    velocity: Annotated[float, Quantity("m/s", "speed", 0, 1e4, "velocity v, vitesse")],
    density: AirDensity = 1.225,
) -> float:
    """Drag of a body whose drag coefficient times area is known."""
    return drag_area * density * velocity**2 / 2


@formula(
    "v = sqrt(2 dp / rho)",
    f"{WHITE}, sec. 6.12",
    {
        "speed": Quantity(
            "m/s", "speed at the Pitot tube", words="airspeed velocity wind flow, vitesse du vent de l'écoulement"
        )
    },
    words="Pitot tube airspeed from the differential pressure reads shows, vitesse d'après la pression d'un tube "
    "de Pitot indique",
)
def pitot_speed(
    pressure: Annotated[
        float,
        Quantity("Pa", "differential pressure", 0, 1e7, "Pitot reads dynamic shows, pression différentielle dynamique"),
    ],
    density: AirDensity,
) -> float:
    """Speed of a slow flow from what a Pitot tube measures."""
    return sqrt(2 * pressure / density)


@formula(
    "P = cp rho A v^3 / 2",
    "Betz; Manwell, McGowan & Rogers, Wind Energy Explained, 2nd ed., ch. 2",
    {"power": Quantity("kW", "power of the wind turbine", words="wind output rotor, puissance éolienne")},
    words="wind turbine power rotor diameter wind speed power coefficient, puissance d'une éolienne diamètre du "
    "rotor vitesse du vent",
)
def wind_power(
    rotor_diameter: Annotated[float, Quantity("m", "rotor diameter", 1e-3, 500, "blades d, diamètre du rotor pales")],
    wind_speed: Annotated[float, Quantity("m/s", "wind speed", 0, 100, "v, vitesse du vent")],
    coefficient: Annotated[
        float, Quantity("", "power coefficient", 0, 16 / 27, "Cp efficiency, coefficient de puissance rendement")
    ],
    density: AirDensity = 1.225,
) -> float:
    """Power that a wind turbine takes from the wind."""
    return coefficient * density * pi * rotor_diameter**2 / 4 * wind_speed**3 / 2 / 1e3


@formula(
    "F = rho g h A",
    f"{WHITE}, sec. 2.5",
    {
        "force": Quantity(
            "N", "force of the water", words="hydrostatic on the gate wall, force hydrostatique poussée de l'eau"
        )
    },
    words="hydrostatic force on a vertical gate wall window depth of its centroid, force hydrostatique sur une "
    "vanne paroi hublot",
)
def hydrostatic_force(
    depth: Annotated[
        float, Quantity("m", "depth of the middle", 0, 12_000, "centroid below the surface, profondeur du centre")
    ],
    area: Annotated[float, Quantity("m^2", "area under water", 0, 1e6, "gate window wall, surface de la vanne")],
    density: Density,
) -> float:
    """Force of a liquid on a plane area, by the depth of its centroid."""
    return density * G0 * depth * area


@formula(
    "t = (D / d)^2 sqrt(2 h / g) / Cd",
    f"{WHITE}, ch. 3",
    {"time": Quantity("s", "time to drain", words="how long empty drains, temps de vidange")},
    words="time to drain empty an open cylindrical tank through a hole in the bottom, temps de vidange d'un "
    "réservoir par un orifice au fond",
)
def drain_time(
    tank_diameter: Annotated[float, Quantity("m", "diameter of the tank", 1e-6, 1e4, "D, diamètre du réservoir cuve")],
    hole_diameter: Annotated[float, Quantity("m", "diameter of the hole", 1e-6, 1e3, "orifice d, diamètre du trou")],
    height: Annotated[float, Quantity("m", "height of the liquid", 0, 1e4, "initial level h full, hauteur de liquide")],
    coefficient: Annotated[float, Quantity("", "discharge coefficient", 0.1, 1, "Cd, coefficient de débit")] = 1.0,
) -> float:
    """How long an open upright tank takes to empty through a hole in its bottom (Torricelli)."""
    return (tank_diameter / hole_diameter) ** 2 * sqrt(2 * height / G0) / coefficient


@formula(
    "Q = Cd 2/3 sqrt(2 g) b h^1.5",
    f"{WHITE}, sec. 10.7",
    {"flow_rate": Quantity("m^3/s", "flow over the weir", words="discharge, débit du déversoir")},
    words="rectangular weir flow head width, déversoir rectangulaire débit lame d'eau",
)
def weir_flow(
    width: Annotated[float, Quantity("m", "width of the weir", 0, 1e4, "crest b, largeur du seuil déversoir")],
    head: Annotated[float, Quantity("m", "head over the weir", 0, 100, "h above crest, hauteur lame d'eau")],
    coefficient: Annotated[float, Quantity("", "discharge coefficient", 0.1, 1, "Cd, coefficient de débit")] = 0.62,
) -> float:
    """Flow over a sharp-crested rectangular weir."""
    return float(coefficient * 2 / 3 * sqrt(2 * G0) * width * head**1.5)


@formula(
    "Q = Kv sqrt(dp / SG), Kv in m^3/h at 1 bar",
    "IEC 60534-2-1",
    {"flow_rate": Quantity("m^3/h", "flow through the valve", words="Q, débit de la vanne")},
    words="control valve flow Kv pressure drop specific gravity, débit d'une vanne Kv perte de charge",
)
def valve_flow(
    kv: Annotated[float, Quantity("m^3/h", "flow coefficient Kv", 1e-9, 1e6, "Kv of the valve, coefficient de débit")],
    pressure_drop: Annotated[float, Quantity("bar", "pressure drop", 0, 1e4, "across the valve, perte de charge")],
    gravity_ratio: Annotated[
        float, Quantity("", "density over that of water", 0.01, 25, "specific gravity SG, densité relative")
    ] = 1.0,
) -> float:
    """Flow of a liquid through a valve."""
    return kv * sqrt(pressure_drop / gravity_ratio)


@formula(
    "hf = 10.67 L Q^1.852 / (C^1.852 D^4.8704)",
    "Hazen & Williams, Hydraulic Tables, 1920, in SI",
    {"head_loss": Quantity("m", "head loss", words="friction Hazen-Williams, perte de charge")},
    words="Hazen-Williams head loss water pipe roughness coefficient C, perte de charge Hazen-Williams",
)
def hazen_williams(
    flow_rate: Annotated[float, Quantity("m^3/s", "volume flow", 0, 1e4, "Q, débit")],
    diameter: Annotated[float, Quantity("m", "diameter of the pipe", 1e-3, 20, "inner D, diamètre de la conduite")],
    length: Annotated[float, Quantity("m", "length of the pipe", 0, 1e7, "L, longueur de la conduite")],
    coefficient: Annotated[float, Quantity("", "Hazen-Williams coefficient", 40, 170, "C, coefficient")],
) -> float:
    """Head that friction takes from water in a pipe (Hazen-Williams)."""
    return float(10.67 * length * flow_rate**1.852 / (coefficient**1.852 * diameter**4.8704))


@formula(
    "P = rho c Q dT",
    "first law",
    {"power": Quantity("kW", "heat flow", words="heating cooling power, puissance de chauffage")},
    words="heat to warm a volume flow of water air temperature rise heater, puissance pour chauffer un débit "
    "d'eau élévation de température",
)
def flow_heating(
    flow_rate: Annotated[float, Quantity("m^3/s", "volume flow", 0, 1e6, "Q, débit")],
    density: Density,
    heat_capacity: Annotated[
        float, Quantity("J/kg/K", "specific heat", 1, 1e5, "c cp heat capacity, chaleur massique capacité thermique")
    ],
    temperature_difference: Annotated[
        float, Quantity("ΔK", "temperature rise", -5000, 5000, "difference dT warmed by, élévation écart")
    ],
) -> float:
    """Power that warms a volume flow."""
    return flow_rate * density * heat_capacity * temperature_difference / 1e3
