"""Heat through walls of several layers in series."""

from __future__ import annotations

from typing import Annotated

from galop.science.formula import Quantity, formula

INCROPERA = "Incropera et al., Fundamentals of Heat and Mass Transfer, 7th ed., eq. 3.19"
Hot = Annotated[
    float, Quantity("K", "hot side", 1, 10_000, "inside inner warm surface temperature, face côté intérieur chaud")
]
Cold = Annotated[
    float, Quantity("K", "cold side", 0, 10_000, "outside outer surface temperature, face côté extérieur froid")
]
Area = Annotated[float, Quantity("m^2", "area", 1e-12, 1e9, "wall surface A, aire du mur")]
THICK, CONDUCTS = "thickness of the layer, thick, épaisseur de la couche", "conductivity lambda k, conductivité"
T1 = Annotated[float, Quantity("m", "thickness of the first layer", 1e-9, 1e3, THICK)]
T2 = Annotated[float, Quantity("m", "thickness of the second layer", 1e-9, 1e3, THICK)]
T3 = Annotated[float, Quantity("m", "thickness of the third layer", 0, 1e3, THICK)]
T4 = Annotated[float, Quantity("m", "thickness of the fourth layer", 0, 1e3, THICK)]
K1 = Annotated[float, Quantity("W/m/K", "conductivity of the first layer", 1e-6, 1e4, CONDUCTS)]
K2 = Annotated[float, Quantity("W/m/K", "conductivity of the second layer", 1e-6, 1e4, CONDUCTS)]
K3 = Annotated[float, Quantity("W/m/K", "conductivity of the third layer", 1e-6, 1e4, CONDUCTS)]
K4 = Annotated[float, Quantity("W/m/K", "conductivity of the fourth layer", 1e-6, 1e4, CONDUCTS)]
WALL = ("composite layered wall of layers in series between two surfaces, mur composite paroi multicouche, couches en "
        "série")  # fmt: skip
SERIES = "L1 / k1 + L2 / k2 + L3 / k3 + L4 / k4"


def series(*pairs: tuple[float, float]) -> float:
    """Resistance of a unit area of layers, each a thickness and a conductivity, in m² K/W."""
    return sum(thickness / conductivity for thickness, conductivity in pairs)


@formula(f"R = {SERIES}", INCROPERA,
         {"resistance": Quantity("m^2*K/W", "thermal resistance of the area", words="R value, résistance thermique"),
          "coefficient": Quantity("W/m^2/K", "U value of the layers alone", words="without films surface resistances, "
                                  "transmittance coefficient U sans résistances superficielles")},
         words=WALL)  # fmt: skip
def layers_resistance(
    first_thickness: T1, first_conductivity: K1, second_thickness: T2, second_conductivity: K2,
    third_thickness: T3 = 0.0, third_conductivity: K3 = 1.0, fourth_thickness: T4 = 0.0, fourth_conductivity: K4 = 1.0,
) -> dict[str, float]:  # fmt: skip
    """Thermal resistance of a unit area of up to four layers, without films."""
    total = series((first_thickness, first_conductivity), (second_thickness, second_conductivity),
                   (third_thickness, third_conductivity), (fourth_thickness, fourth_conductivity))  # fmt: skip
    return {"resistance": total, "coefficient": 1 / total}


@formula(f"q = (T_hot - T_cold) / ({SERIES})", INCROPERA,
         {"heat_flux": Quantity("W/m^2", "heat flux", words="per square metre, densité de flux thermique")},
         words=WALL)  # fmt: skip
def layers_flux(
    first_thickness: T1, first_conductivity: K1, second_thickness: T2, second_conductivity: K2, hot: Hot, cold: Cold,
    third_thickness: T3 = 0.0, third_conductivity: K3 = 1.0, fourth_thickness: T4 = 0.0, fourth_conductivity: K4 = 1.0,
) -> float:  # fmt: skip
    """Heat flux through up to four layers between two surfaces."""
    return (hot - cold) / series(
        (first_thickness, first_conductivity), (second_thickness, second_conductivity),
        (third_thickness, third_conductivity), (fourth_thickness, fourth_conductivity),
    )  # fmt: skip


@formula(f"Q = A (T_hot - T_cold) / ({SERIES})", INCROPERA,
         {"heat_flow": Quantity("W", "heat flow", words="heat loss power, flux perte de chaleur, déperdition")},
         words=WALL)  # fmt: skip
def layers_heat_flow(
    area: Area, first_thickness: T1, first_conductivity: K1, second_thickness: T2, second_conductivity: K2, hot: Hot,
    cold: Cold, third_thickness: T3 = 0.0, third_conductivity: K3 = 1.0, fourth_thickness: T4 = 0.0,
    fourth_conductivity: K4 = 1.0,
) -> float:  # fmt: skip
    """Heat flow through up to four layers between two surfaces."""
    return area * (hot - cold) / series(
        (first_thickness, first_conductivity), (second_thickness, second_conductivity),
        (third_thickness, third_conductivity), (fourth_thickness, fourth_conductivity),
    )  # fmt: skip


@formula(f"Q = A dT / ({SERIES})", INCROPERA,
         {"heat_flow": Quantity("W", "heat flow", words="heat loss power, flux perte de chaleur, déperdition")},
         words=WALL)  # fmt: skip
def layers_heat_of_difference(
    area: Area, first_thickness: T1, first_conductivity: K1, second_thickness: T2, second_conductivity: K2,
    temperature_difference: Annotated[
        float, Quantity("ΔK", "temperature difference", 0, 10_000, "across between both sides, écart de température")
    ],
    third_thickness: T3 = 0.0, third_conductivity: K3 = 1.0, fourth_thickness: T4 = 0.0, fourth_conductivity: K4 = 1.0,
) -> float:  # fmt: skip
    """Heat flow through up to four layers across a difference of temperatures."""
    return area * temperature_difference / series(
        (first_thickness, first_conductivity), (second_thickness, second_conductivity),
        (third_thickness, third_conductivity), (fourth_thickness, fourth_conductivity),
    )  # fmt: skip
