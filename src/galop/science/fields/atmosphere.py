"""The Earth's atmosphere."""

from __future__ import annotations

from itertools import pairwise
from math import exp, sqrt
from typing import Annotated

from galop.science.constants import G0
from galop.science.formula import Quantity, formula

USSA = "U.S. Standard Atmosphere, 1976"
RADIUS, MOLAR_MASS, GAS = 6356.766, 28.9644e-3, 8.31432  # km, kg/mol, J/mol/K, as the standard has them
# Geopotential height where a layer begins [km], its temperature's gradient [K/km].
LAYERS = ((0.0, -6.5), (11.0, 0.0), (20.0, 1.0), (32.0, 2.8), (47.0, 0.0), (51.0, -2.8), (71.0, -2.0), (84.852, 0.0))


@formula(
    "dp/dh = -g0 M p / (R T), T linear in each layer of geopotential height h = r z / (r + z), rho = p M / (R T)", USSA,
    {
        "pressure": Quantity("Pa", "atmospheric pressure", words="ambient air pressure, pression atmosphérique, "
                                                                 "ambiante"),
        "temperature": Quantity("K", "air temperature", words="température de l'air"),
        "density": Quantity("kg/m^3", "density of the air", words="air density, masse volumique de l'air"),
        "speed_of_sound": Quantity("m/s", "speed of sound", words="vitesse du son"),
    },
    words="standard atmosphere at an altitude, ISA, ambient pressure at altitude, atmosphère standard, pression en "
          "altitude",
)  # fmt: skip
def standard_atmosphere(
    altitude: Annotated[float, Quantity("km", "altitude above sea level", 0, 86, "height, altitude, hauteur")],
) -> dict[str, float]:
    """Pressure, temperature, density and speed of sound of the standard atmosphere at an altitude."""
    height = RADIUS * altitude / (RADIUS + altitude)
    pressure, temperature = 101_325.0, 288.15
    for (base, gradient), (top, _) in pairwise(LAYERS):
        depth = min(height, top) - base
        if depth <= 0:
            break
        scale = G0 * MOLAR_MASS / GAS * 1e3  # K/km
        if gradient:
            pressure *= (1 + gradient * depth / temperature) ** (-scale / gradient)
            temperature += gradient * depth
        else:
            pressure *= exp(-scale * depth / temperature)
    density = pressure * MOLAR_MASS / (GAS * temperature)
    return {
        "pressure": pressure, "temperature": temperature, "density": density,
        "speed_of_sound": sqrt(1.4 * pressure / density),
    }  # fmt: skip


@formula(
    "v = M a(altitude)", USSA,
    {"airspeed": Quantity("m/s", "true airspeed", words="velocity speed, vitesse vraie, vitesse propre")},
    words="aircraft plane jet flies at a Mach number and an altitude, avion vole à Mach",
)  # fmt: skip
def airspeed_at_mach(
    mach: Annotated[float, Quantity("", "Mach number", 0, 100, "nombre de Mach")],
    altitude: Annotated[float, Quantity("km", "altitude above sea level", 0, 86, "height, altitude, hauteur")],
) -> float:
    """True airspeed of a Mach number at an altitude of the standard atmosphere; solved for it, the Mach number."""
    return mach * float(standard_atmosphere.function(altitude=altitude)["speed_of_sound"])
