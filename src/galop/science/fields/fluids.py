"""Properties of fluids, from the Helmholtz equations of state in CoolProp."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Literal

from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

if find_spec("CoolProp") is None:  # its import takes seconds, so it waits until a property is asked for
    raise ImportError("CoolProp is missing", name="CoolProp")

COOLPROP = "Bell et al., Ind. Eng. Chem. Res. 53 (2014) 2498 (CoolProp)"
Fluid = Literal["water", "hydrogen", "parahydrogen", "oxygen", "nitrogen", "methane", "ammonia", "carbon dioxide",
                "nitrous oxide", "propane", "ethanol", "methanol", "argon", "helium", "air"]  # fmt: skip
NAMES = {"parahydrogen": "ParaHydrogen", "carbon dioxide": "CarbonDioxide", "nitrous oxide": "NitrousOxide"}


def props(output: str, *inputs: object) -> float:
    """Raises ScienceError where the equation of state does not hold."""
    from CoolProp.CoolProp import PropsSI

    try:
        return float(PropsSI(output, *inputs))
    except ValueError as error:
        reason = str(error).split(" : PropsSI")[0][:200]
        raise ScienceError(f"the equation of state gives nothing there: {reason}") from None


@formula(
    "Helmholtz equation of state", COOLPROP,
    {
        "density": Quantity("kg/m^3", "density"),
        "heat_capacity": Quantity("J/kg/K", "specific heat at constant pressure"),
        "speed_of_sound": Quantity("m/s", "speed of sound"), "phase": Quantity("", "phase"),
    },
    words="masse volumique, capacité thermique, vitesse du son d'un fluide",
)  # fmt: skip
def fluid(
    name: Fluid,
    temperature: Annotated[float, Quantity("K", "temperature", 2, 2000)],
    pressure: Annotated[float, Quantity("Pa", "pressure", 1, 1e9)] = 101_325.0,
) -> dict[str, float | str]:
    """Density, heat capacity and speed of sound of a pure fluid."""
    known = NAMES.get(name, name.capitalize())
    state = ("T", temperature, "P", pressure, known)
    phase = {0: "liquid", 2: "gas", 3: "liquid", 5: "gas", 6: "two phases"}.get(
        int(props("Phase", *state)), "supercritical"
    )
    return {
        "density": props("D", *state),
        "heat_capacity": props("C", *state),
        "speed_of_sound": props("A", *state),
        "phase": phase,
    }


@formula(
    "Helmholtz equation of state",
    COOLPROP,
    {
        "vapour_pressure": Quantity("Pa", "vapour pressure"),
        "liquid_density": Quantity("kg/m^3", "density of the liquid"),
        "heat_of_vaporisation": Quantity("J/kg", "heat of vaporisation"),
    },
    words="pression de vapeur saturante, chaleur de vaporisation, liquide et vapeur",
)  # fmt: skip
def saturation(name: Fluid, temperature: Annotated[float, Quantity("K", "temperature", 2, 700)]) -> dict[str, float]:
    """Vapour pressure and densities of a pure fluid where liquid and vapour meet."""
    known = NAMES.get(name, name.capitalize())
    return {
        "vapour_pressure": props("P", "T", temperature, "Q", 0, known),
        "liquid_density": props("D", "T", temperature, "Q", 0, known),
        "heat_of_vaporisation": props("H", "T", temperature, "Q", 1, known)
        - props("H", "T", temperature, "Q", 0, known),
    }
