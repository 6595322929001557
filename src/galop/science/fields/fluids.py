"""Properties of fluids, from the Helmholtz equations of state in CoolProp."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any

from galop.science.constants import ATMOSPHERE, ROOM
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

if find_spec("CoolProp") is None:  # its import takes seconds, so it waits until a property is asked for
    raise ImportError("CoolProp is missing", name="CoolProp")

COOLPROP = "Bell et al., Ind. Eng. Chem. Res. 53 (2014) 2498 (CoolProp)"
FLUIDS = {  # by the names that formulas know them by, CoolProp's names
    "water": "Water", "heavy water": "HeavyWater", "hydrogen": "Hydrogen", "parahydrogen": "ParaHydrogen",
    "deuterium": "Deuterium", "oxygen": "Oxygen", "nitrogen": "Nitrogen", "air": "Air", "argon": "Argon",
    "helium": "Helium", "neon": "Neon", "krypton": "Krypton", "xenon": "Xenon", "fluorine": "Fluorine",
    "chlorine": "Chlorine", "carbon dioxide": "CarbonDioxide", "carbon monoxide": "CarbonMonoxide",
    "nitrous oxide": "NitrousOxide", "ammonia": "Ammonia", "hydrogen sulfide": "HydrogenSulfide",
    "hydrogen chloride": "HydrogenChloride", "sulfur dioxide": "SulfurDioxide",
    "sulfur hexafluoride": "SulfurHexafluoride", "methane": "Methane", "ethane": "Ethane", "propane": "n-Propane",
    "butane": "n-Butane", "isobutane": "IsoButane", "pentane": "n-Pentane", "isopentane": "Isopentane",
    "hexane": "n-Hexane", "heptane": "n-Heptane", "octane": "n-Octane", "decane": "n-Decane", "dodecane": "n-Dodecane",
    "cyclohexane": "CycloHexane", "ethylene": "Ethylene", "propylene": "Propylene", "benzene": "Benzene",
    "toluene": "Toluene", "methanol": "Methanol", "ethanol": "Ethanol", "acetone": "Acetone",
    "dimethyl ether": "DimethylEther", "R22": "R22", "R32": "R32", "R125": "R125", "R134a": "R134a", "R410A": "R410A",
    "R1234yf": "R1234yf", "R245fa": "R245fa",
}  # fmt: skip
Fluid = Annotated[str, tuple(FLUIDS)]
Temperature = Annotated[float, Quantity("K", "temperature", 1, 3000, words="T, température")]
Pressure = Annotated[float, Quantity("Pa", "pressure", 1, 1e10, words="absolute p, pression absolue")]
BOILING = 0.05  # K: this near its boiling point, a fluid is taken to boil
PHASES = {0: "liquid", 1: "supercritical", 2: "gas", 3: "liquid", 5: "gas", 6: "two phases"}
"""By CoolProp's number; beyond the critical pressure alone it is a liquid, beyond the temperature alone a gas."""


def load_state(name: str) -> tuple[Any, Any]:
    """CoolProp, and an equation of state of a fluid. They are not shared, since a state is changed by being asked."""
    import CoolProp.CoolProp as coolprop

    return coolprop, coolprop.AbstractState("HEOS", FLUIDS[name])


def state_at(name: str, temperature: float, pressure: float, boiling: float | None = None) -> Any:
    """The state of a fluid; where it boils, that of a quality of `boiling`, which is 0 for liquid and 1 for vapour.

    Raises ScienceError where it boils and no quality is given, and where the equation of state does not hold.
    """
    coolprop, state = load_state(name)
    if temperature > state.Tmax() or pressure > state.pmax():
        raise ScienceError(
            f"{name} at {temperature:g} K and {pressure:g} Pa is beyond its equation of state, which holds to "
            f"{state.Tmax():g} K and {state.pmax():.4g} Pa"
        )
    try:
        if temperature < state.T_critical() and state.p_triple() < pressure < state.p_critical():
            state.update(coolprop.PQ_INPUTS, pressure, boiling or 0.0)
            if abs(state.T() - temperature) < BOILING:
                if boiling is None:
                    raise ScienceError(
                        f"{name} at {temperature:g} K and {pressure:g} Pa is at its boiling point, where liquid and "
                        "vapour are both there; use saturation or boiling_point"
                    )
                return state
        state.update(coolprop.PT_INPUTS, pressure, temperature)
    except ValueError as error:
        raise no_state(name, state, temperature, error) from None
    return state


def saturated_state(name: str, quality: float, temperature: float | None = None, pressure: float | None = None) -> Any:
    """A boiling fluid at a temperature or a pressure, all liquid (0) or all vapour (1).

    Raises ScienceError where liquid and vapour do not meet.
    """
    coolprop, state = load_state(name)
    try:
        if temperature is not None:
            lowest, highest = float(state.Ttriple()), float(state.T_critical())
            if not lowest <= temperature < highest:
                raise ScienceError(
                    f"{name} boils between its triple point ({lowest:.5g} K) and its critical point ({highest:.5g} K), "
                    f"not at {temperature:g} K"
                )
            state.update(coolprop.QT_INPUTS, quality, temperature)
        elif pressure is not None:
            lowest, highest = float(state.p_triple()), float(state.p_critical())
            if not lowest <= pressure < highest:
                raise ScienceError(
                    f"{name} boils between the pressures of its triple point ({lowest:.5g} Pa) and of its critical "
                    f"point ({highest:.5g} Pa), not at {pressure:g} Pa"
                )
            state.update(coolprop.PQ_INPUTS, pressure, quality)
    except ValueError as error:
        raise no_state(name, state, temperature or 0.0, error) from None
    return state


def no_state(name: str, state: Any, temperature: float, error: ValueError) -> ScienceError:
    """What CoolProp says, as one sentence."""
    if "Tmelt" in str(error) or "Ttriple" in str(error):
        return ScienceError(
            f"{name} is solid at {temperature:g} K and that pressure; its triple point is {state.Ttriple():.5g} K"
        )
    return ScienceError(f"the equation of state of {name} gives nothing there: {str(error)[:160]}")


@formula(
    "Helmholtz equation of state; enthalpy and entropy from the fluid's usual reference state", COOLPROP,
    {
        "density": Quantity("kg/m^3", "density", words="mass per volume rho ρ, masse volumique densité"),
        "heat_capacity": Quantity("J/kg/K", "specific heat at constant pressure",
                                  words="heat capacity cp, capacité thermique chaleur massique"),
        "heat_capacity_volume": Quantity("J/kg/K", "specific heat at constant volume", words="cv, à volume constant"),
        "heat_capacity_ratio": Quantity("", "ratio of specific heats",
                                        words="gamma γ cp/cv, rapport des chaleurs massiques"),
        "enthalpy": Quantity("kJ/kg", "specific enthalpy", words="h, enthalpie massique"),
        "entropy": Quantity("kJ/kg/K", "specific entropy", words="s, entropie massique"),
        "speed_of_sound": Quantity("m/s", "speed of sound", words="sonic velocity, vitesse célérité du son"),
        "compressibility": Quantity("", "compressibility factor", words="Z real gas, facteur de compressibilité"),
        "expansion": Quantity("1/K", "thermal expansion coefficient",
                              words="volumetric expansivity β, coefficient de dilatation volumique"),
        "phase": Quantity("", "phase", words="state, phase état"),
    },
    words="property of a fluid at a temperature and pressure, masse volumique, capacité thermique, vitesse du son "
          "d'un fluide, "
    "propriété enthalpie entropie",
)  # fmt: skip
def fluid(name: Fluid, temperature: Temperature = ROOM, pressure: Pressure = ATMOSPHERE) -> dict[str, float | str]:
    """Density, heat capacity, enthalpy and speed of sound of a pure fluid at a temperature and pressure."""
    state = state_at(name, temperature, pressure)
    return {
        "density": state.rhomass(),
        "heat_capacity": state.cpmass(),
        "heat_capacity_volume": state.cvmass(),
        "heat_capacity_ratio": state.cpmass() / state.cvmass(),
        "enthalpy": state.hmass() / 1000,
        "entropy": state.smass() / 1000,
        "speed_of_sound": state.speed_sound(),
        "compressibility": state.compressibility_factor(),
        "expansion": state.isobaric_expansion_coefficient(),
        "phase": PHASES.get(int(state.phase()), "supercritical"),
    }


@formula(
    "correlations of the fluid's transport properties, from the Helmholtz equation of state", COOLPROP,
    {
        "viscosity": Quantity("Pa*s", "viscosity", words="dynamic mu μ η, viscosité dynamique"),
        "kinematic_viscosity": Quantity("m^2/s", "kinematic viscosity", words="nu ν, viscosité cinématique"),
        "conductivity": Quantity("W/m/K", "thermal conductivity", words="heat conduction k λ, conductivité thermique"),
        "prandtl": Quantity("", "Prandtl number", words="Pr, nombre de Prandtl"),
        "diffusivity": Quantity("m^2/s", "thermal diffusivity", words="α, diffusivité thermique"),
    },
    words="viscosity thermal conductivity Prandtl number of a fluid, viscosité conductivité thermique nombre de "
          "Prandtl d'un fluide",
)  # fmt: skip
def fluid_transport(name: Fluid, temperature: Temperature = ROOM, pressure: Pressure = ATMOSPHERE) -> dict[str, float]:
    """Viscosity and thermal conductivity of a pure fluid at a temperature and pressure.

    Raises ScienceError for a fluid of which neither is known.
    """
    state = state_at(name, temperature, pressure)
    density, heat = state.rhomass(), state.cpmass()
    found: dict[str, float] = {}
    try:
        viscosity = state.viscosity()
        found |= {"viscosity": viscosity, "kinematic_viscosity": viscosity / density}
    except ValueError:
        pass
    try:
        conductivity = state.conductivity()
        found |= {"conductivity": conductivity, "diffusivity": conductivity / (density * heat)}
    except ValueError:
        pass
    if not found:
        raise ScienceError(f"neither viscosity nor thermal conductivity of {name} is known")
    if "viscosity" in found and "conductivity" in found:
        found["prandtl"] = found["viscosity"] * heat / found["conductivity"]
    return found


SATURATED = {
    "vapour_pressure": Quantity("Pa", "vapour pressure", words="saturation pressure, pression de vapeur saturante"),
    "liquid_density": Quantity("kg/m^3", "density of the liquid",
                               words="saturated liquid, masse volumique du liquide saturé"),
    "vapour_density": Quantity("kg/m^3", "density of the vapour",
                               words="saturated vapour gas, masse volumique de la vapeur saturée"),
    "heat_of_vaporisation": Quantity("J/kg", "heat of vaporisation",
                                     words="latent heat of evaporation boiling, chaleur latente de vaporisation"),
}  # fmt: skip


def saturated_values(name: str, **at: float) -> dict[str, float]:
    """Both phases of a boiling fluid at a temperature or a pressure."""
    liquid, vapour = saturated_state(name, 0, **at), saturated_state(name, 1, **at)
    return {
        "vapour_pressure": liquid.p(),
        "liquid_density": liquid.rhomass(),
        "vapour_density": vapour.rhomass(),
        "heat_of_vaporisation": vapour.hmass() - liquid.hmass(),
        "temperature": liquid.T(),
    }


@formula(
    "Helmholtz equation of state", COOLPROP, SATURATED,
    words="saturated liquid vapour pressure at which a fluid boils boil latent heat at a temperature, bout, pression "
          "de vapeur saturante, chaleur de vaporisation, liquide et vapeur",
)  # fmt: skip
def saturation(name: Fluid, temperature: Temperature) -> dict[str, float]:
    """Vapour pressure, densities and latent heat of a pure fluid where liquid and vapour meet, at a temperature."""
    values = saturated_values(name, temperature=temperature)
    return {result: values[result] for result in SATURATED}


@formula(
    "Helmholtz equation of state", COOLPROP,
    {
        "temperature": Quantity("degC", "boiling point",
                                words="saturation temperature boils, point d'ébullition température de saturation"),
        **{name: of for name, of in SATURATED.items() if name != "vapour_pressure"},
    },
    words="boiling point saturation temperature of a fluid at a pressure, point température d'ébullition à une "
          "pression saturation",
)  # fmt: skip
def boiling_point(name: Fluid, pressure: Pressure = ATMOSPHERE) -> dict[str, float]:
    """Temperature at which a pure fluid boils at a pressure, with both densities and the latent heat there."""
    values = saturated_values(name, pressure=pressure)
    return {"temperature": values["temperature"] - 273.15} | {
        result: values[result] for result in SATURATED if result != "vapour_pressure"
    }


@formula(
    "correlation of the fluid's surface tension", "Mulero et al., J. Phys. Chem. Ref. Data 41 (2012) 043105 (CoolProp)",
    {"surface_tension": Quantity("N/m", "surface tension", words="σ γ, tension superficielle tension de surface")},
    words="surface tension of a liquid with its vapour, tension superficielle d'un liquide",
)  # fmt: skip
def surface_tension(name: Fluid, temperature: Temperature = ROOM) -> float:
    """Surface tension of a pure liquid with its own vapour at a temperature.

    Raises ScienceError for a fluid of which it is not known.
    """
    state = saturated_state(name, 0, temperature=temperature)
    try:
        return float(state.surface_tension())
    except ValueError:
        raise ScienceError(f"the surface tension of {name} is not known") from None


@formula(
    "Helmholtz equation of state", COOLPROP,
    {
        "critical_temperature": Quantity("K", "critical temperature", words="critical point Tc, température critique"),
        "critical_pressure": Quantity("bar", "critical pressure", words="critical point pc, pression critique"),
        "triple_temperature": Quantity("K", "temperature of the triple point", words="température du point triple"),
        "molar_mass": Quantity("g/mol", "molar mass", words="molecular weight, masse molaire"),
    },
    words="critical point triple point of a fluid, point critique point triple d'un fluide",
)  # fmt: skip
def fluid_constants(name: Fluid) -> dict[str, float]:
    """Critical point, triple point and molar mass of a pure fluid."""
    _, state = load_state(name)
    return {
        "critical_temperature": state.T_critical(),
        "critical_pressure": state.p_critical() / 1e5,
        "triple_temperature": state.Ttriple(),
        "molar_mass": state.molar_mass() * 1000,
    }


HEAT = {
    "heat": Quantity("kJ", "heat", words="energy needed to warm heat boil, énergie chaleur nécessaire pour chauffer")
}
FluidMass = Annotated[float, Quantity("kg", "mass", 0, 1e15, words="how much m, masse")]
Start = Annotated[
    float, Quantity("K", "temperature at the start", 1, 3000, words="initial from T1, température initiale")
]


@formula(
    "Q = m (h2 - h1), h from the Helmholtz equation of state; at the boiling point, of the liquid", COOLPROP, HEAT,
    words="heat needed to warm or cool a mass of a fluid, énergie pour chauffer refroidir une masse d'eau",
)  # fmt: skip
def fluid_heating(
    name: Fluid,
    mass: FluidMass,
    start: Start,
    end: Annotated[float, Quantity("K", "temperature at the end", 1, 3000, words="final to T2, température finale")],
    pressure: Pressure = ATMOSPHERE,
) -> float:
    """Heat that takes a mass of a fluid from one temperature to another at constant pressure."""
    before, after = (state_at(name, temperature, pressure, 0.0).hmass() for temperature in (start, end))
    return mass * float(after - before) / 1000


@formula(
    "Q = m (h_vapour - h1), h from the Helmholtz equation of state", COOLPROP, HEAT,
    words="heat needed to boil evaporate vaporise all of a mass, énergie pour vaporiser évaporer faire bouillir une "
          "masse d'eau",
)  # fmt: skip
def fluid_boiling(name: Fluid, mass: FluidMass, start: Start, pressure: Pressure = ATMOSPHERE) -> float:
    """Heat that brings a mass of a liquid to its boiling point at a pressure and turns all of it to vapour."""
    before = state_at(name, start, pressure, 0.0).hmass()
    return mass * float(saturated_state(name, 1, pressure=pressure).hmass() - before) / 1000


FluidVolume = Annotated[float, Quantity("L", "volume", 0, 1e15, words="litres how much V, volume")]
End = Annotated[float, Quantity("K", "temperature at the end", 1, 3000, words="final to T2, température finale")]


@formula(
    "Q = rho V (h2 - h1), rho and h from the Helmholtz equation of state", COOLPROP, HEAT,
    words="heat needed to warm litres of a fluid, énergie pour chauffer des litres d'eau un volume",
)  # fmt: skip
def volume_heating(name: Fluid, volume: FluidVolume, start: Start, end: End, pressure: Pressure = ATMOSPHERE) -> float:
    """Heat that takes a volume of a fluid, measured at the start, to another temperature at constant pressure."""
    before, after = (state_at(name, temperature, pressure, 0.0) for temperature in (start, end))
    return volume / 1000 * float(before.rhomass() * (after.hmass() - before.hmass())) / 1000


@formula(
    "t = rho V (h2 - h1) / (efficiency P), rho and h from the Helmholtz equation of state", COOLPROP,
    {"time": Quantity("min", "time", words="how long duration, durée combien de temps")},
    words="how long to heat litres of water with a heater kettle boiler power, combien de temps pour chauffer des "
          "litres d'eau bouilloire "
    "chauffe-eau résistance puissance",
)  # fmt: skip
def volume_heating_time(
    name: Fluid,
    volume: FluidVolume,
    start: Start,
    end: End,
    power: Annotated[float, Quantity("W", "power", 1e-12, 1e15, words="heater P, puissance")],
    efficiency: Annotated[float, Quantity("", "efficiency", 0.01, 1, words="η share that goes in, rendement")] = 1.0,
    pressure: Pressure = ATMOSPHERE,
) -> float:
    """How long a power takes to warm a volume of a fluid."""
    heat: float = volume_heating.function(name, volume, start, end, pressure)
    return heat * 1000 / (efficiency * power) / 60
