"""Combustion and expansion at chemical equilibrium, by NASA's CEA."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from math import sqrt
from typing import Annotated, Any, Literal

from galop.child import BUSY, Child
from galop.science.constants import G0
from galop.science.fields.inputs import RPE
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

if find_spec("cea") is None:  # a second to import, so only the child does
    raise ImportError("cea is missing", name="cea")

CEA = "NASA CEA (Gordon & McBride, NASA RP-1311, 1994)"
BINDER = "HTPB as C7.075 H10.65 O0.223 N0.063, -58 kJ/mol (DeLuca et al., Chemical Rocket Propulsion, Springer, 2017)"
COLD = 200.0  # K, where most of the thermodynamic data begin
Pressure = Annotated[
    float, Quantity("bar", "chamber pressure", 0.1, 1000, "pc combustion pressure, pression de chambre, foyer")
]
ExitRatio = Annotated[
    float, Quantity("", "nozzle exit area over throat area", 1.01, 1000, "area ratio expansion ratio epsilon, rapport "
                                                                         "de section, rapport de détente")
]  # fmt: skip
MixtureRatio = Annotated[
    float, Quantity("", "mixture ratio O/F by mass", 0.02, 200, "O/F oxidiser to fuel ratio, rapport de mélange")
]
Fuel = Literal["LH2", "LCH4", "RP-1", "ethanol", "methanol", "MMH", "UDMH", "N2H4", "NH3", "Jet-A", "C3H8"]
Oxidiser = Literal["LOX", "N2O4", "H2O2", "N2O"]
Monopropellant = Literal["N2H4", "H2O2", "N2O", "MMH"]
# CEA's name, the temperature at which it is stored [K], as a liquid but for N2O, and the formula for stoichiometry.
REACTANTS: dict[str, tuple[str, float, dict[str, float]]] = {
    "LH2": ("H2(L)", 20.27, {"H": 2}), "LCH4": ("CH4(L)", 111.643, {"C": 1, "H": 4}),
    "RP-1": ("RP-1", 298.15, {"C": 1, "H": 1.95}), "ethanol": ("C2H5OH(L)", 298.15, {"C": 2, "H": 6, "O": 1}),
    "methanol": ("CH3OH(L)", 298.15, {"C": 1, "H": 4, "O": 1}),
    "MMH": ("CH6N2(L)", 298.15, {"C": 1, "H": 6, "N": 2}),
    "UDMH": ("C2H8N2(L),UDMH", 298.15, {"C": 2, "H": 8, "N": 2}),
    "N2H4": ("N2H4(L)", 298.15, {"N": 2, "H": 4}), "NH3": ("NH3(L)", 239.72, {"N": 1, "H": 3}),
    "Jet-A": ("Jet-A(L)", 298.15, {"C": 12, "H": 23}), "C3H8": ("C3H8(L)", 231.08, {"C": 3, "H": 8}),
    "LOX": ("O2(L)", 90.17, {"O": 2}), "N2O4": ("N2O4(L)", 298.15, {"N": 2, "O": 4}),
    "H2O2": ("H2O2(L)", 298.15, {"H": 2, "O": 2}), "N2O": ("N2O", 298.15, {"N": 2, "O": 1}),
}  # fmt: skip
HTPB = {
    "name": "HTPB", "formula": {"C": 7.075, "H": 10.65, "O": 0.223, "N": 0.063}, "molar_mass": 100.16,
        "enthalpy": -58.0,
}  # fmt: skip
MASS = {"H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999}
VALENCE = {"C": 4, "H": 1, "O": -2, "N": 0}  # of the elements in CO2, H2O and N2
CHILD = Child("galop.science.cea_child", BUSY * 5.0)
Reactants = tuple[tuple[str, float, float], ...]
"""CEA's name, the temperature [K] and the share by mass of each."""
BY_ENERGY = "minimum of Gibbs energy in the chamber at the propellants' enthalpy"
CHAMBER = {
    "c_star": Quantity("m/s", "characteristic velocity c*", words="c-star, vitesse caractéristique"),
    "chamber_temperature": Quantity("K", "chamber temperature", words="combustion flame temperature, température de "
                                                                      "chambre, de combustion, de flamme"),
    "gamma": Quantity("", "isentropic exponent in the chamber", words="ratio of specific heats, rapport des chaleurs "
                                                                      "spécifiques, exposant isentropique"),
    "molar_mass": Quantity("g/mol", "molar mass of the chamber gas", words="molecular weight, masse molaire des gaz"),
}  # fmt: skip
FLOW = {
    "isp_vacuum": Quantity("s", "vacuum specific impulse, shifting equilibrium", words="Isp, impulsion spécifique "
                                                                                       "dans le vide, équilibre "
                                                                                       "glissant"),
    "isp_frozen": Quantity("s", "vacuum specific impulse, frozen from the chamber", words="frozen Isp, impulsion "
                                                                                          "spécifique figée, "
                                                                                          "écoulement figé"),
}  # fmt: skip
NOTE = {"note": Quantity("", "note")}


@formula(
    "elements balanced to CO2, H2O and N2", f"{RPE}, ch. 5",
    {"of": Quantity("", "stoichiometric mixture ratio O/F by mass", words="rapport de mélange stœchiométrique")},
    words="rapport de mélange stœchiométrique du carburant et du comburant",
)  # fmt: skip
def stoichiometric_ratio(fuel: Fuel, oxidiser: Oxidiser) -> float:
    """Fuel and oxidiser that burn completely, by mass."""

    def mass_and_valence(name: str) -> tuple[float, float]:
        atoms = REACTANTS[name][2]
        return sum(MASS[e] * n for e, n in atoms.items()), sum(VALENCE[e] * n for e, n in atoms.items())

    fuel_mass, needed = mass_and_valence(fuel)
    oxidiser_mass, brought = mass_and_valence(oxidiser)
    return needed / -brought * oxidiser_mass / fuel_mass


@lru_cache(4096)
def ask_cea(
    reactants: Reactants, pressure: float, area_ratio: float | None, *flows: str
) -> dict[str, dict[str, Any] | None]:
    """What `cea_child` finds of a chamber at a pressure [bar] and a nozzle.

    Raises ScienceError where not even the chamber's equilibrium is found.
    """
    asked: list[dict[str, Any]] = [{"name": n, "temperature": t, "weight": w} for n, t, w in reactants]
    for each in asked:
        if each["name"] == "HTPB":
            each["custom"] = HTPB
    found = CHILD.ask({"reactants": asked, "pressure": pressure, "area_ratio": area_ratio, "flows": flows})
    if found is None or found.get("chamber") is None:
        mixed = ", ".join(f"{weight:g} of {name}" for name, _, weight in reactants)
        reason = "takes too long" if found is None else found.get("error", "finds no equilibrium")
        raise ScienceError(f"CEA {reason} for {mixed} by mass at {pressure:g} bar")
    return found


def pair(fuel: str, oxidiser: str, of: float) -> Reactants:
    """A fuel with so much of an oxidiser."""
    (fuel_name, fuel_t, _), (oxidiser_name, oxidiser_t, _) = REACTANTS[fuel], REACTANTS[oxidiser]
    return (fuel_name, fuel_t, 1.0), (oxidiser_name, oxidiser_t, of)


def perform(reactants: Reactants, pressure: float, area_ratio: float) -> dict[str, float | str]:
    """What an engine gets of its propellants; what CEA does not find is named in a note and left out."""
    found = ask_cea(reactants, pressure, area_ratio, "shifting", "frozen")
    shifting, frozen = found["shifting"], found["frozen"]
    results: dict[str, float | str] = {}
    notes = []
    if shifting and "isp_vacuum" in shifting:
        results["isp_vacuum"] = shifting["isp_vacuum"] / G0
        if shifting["exit_temperature"] < COLD:
            notes.append(
                f"the exit's {shifting['exit_temperature']:.4g} K lie below {COLD:g} K, where most of the data begin"
            )
    else:
        notes.append(f"shifting flow does not converge at area ratio {area_ratio:g}")
    if frozen:
        results["isp_frozen"] = frozen["isp_vacuum"] / G0
    else:
        notes.append(
            "frozen flow does not converge: it would carry a condensed or cold species out of the range of its data"
        )
    return results | in_chamber(found) | ({"note": "; ".join(notes)} if notes else {})


def in_chamber(found: dict[str, dict[str, Any] | None]) -> dict[str, float | str]:
    """The results of CHAMBER; without c* where the flow through the throat is not found."""
    chamber, flow = found["chamber"], found["shifting"] or found.get("frozen")
    assert chamber is not None
    return {
        **({"c_star": flow["c_star"]} if flow else {}),
        "chamber_temperature": chamber["temperature"], "gamma": chamber["gamma"], "molar_mass": chamber["molar_mass"],
    }  # fmt: skip


def describe_chamber(reactants: Reactants, pressure: float) -> dict[str, float | str]:
    """The chamber alone, with its gas's properties and species."""
    found = ask_cea(reactants, pressure, None, "shifting")
    chamber = found["chamber"]
    assert chamber is not None
    results = in_chamber(found) | {name: chamber[name] for name in ("heat_capacity", "density", "viscosity", "prandtl")}
    results["species"] = ", ".join(f"{name} {share:.4g}" for name, share in list(chamber["species"].items())[:8])
    return results if found["shifting"] else {**results, "note": "the flow through the throat does not converge"}


GAS = {
    "heat_capacity": Quantity("J/kg/K", "specific heat at equilibrium", words="cp, chaleur massique, chaleur "
                                                                              "spécifique"),
    "density": Quantity("kg/m^3", "density of the chamber gas", words="masse volumique du gaz"),
    "viscosity": Quantity("Pa*s", "viscosity of the gas", words="viscosité dynamique"),
    "prandtl": Quantity("", "Prandtl number, frozen", words="nombre de Prandtl"),
    "species": Quantity("", "mole fractions", words="composition, fractions molaires"),
}  # fmt: skip


@formula(
    f"{BY_ENERGY}, isentropic expansion", CEA, {**FLOW, **CHAMBER, **NOTE},
    words="impulsion spécifique dans le vide, ergols, hydrogène, oxygène, méthane, kérosène, pression de chambre, "
          "rapport de section",
)  # fmt: skip
def isp(
    fuel: Fuel, oxidiser: Oxidiser, of: MixtureRatio, pressure: Pressure, area_ratio: ExitRatio
) -> dict[str, float | str]:
    """Theoretical performance of a propellant pair at chemical equilibrium, with a nozzle of an area ratio in
    vacuum."""
    return perform(pair(fuel, oxidiser, of), pressure, area_ratio)


@formula(
    BY_ENERGY, CEA, {**CHAMBER, **GAS, **NOTE},
    words="combustion or flame temperature, c*, gas generator, preburner, fuel-rich, oxidiser-rich, température de "
          "combustion, de flamme, générateur de gaz, préchambre, riche en carburant, ergols",
)  # fmt: skip
def chamber_equilibrium(fuel: Fuel, oxidiser: Oxidiser, of: MixtureRatio, pressure: Pressure) -> dict[str, float | str]:
    """Temperature, c* and gas of a combustion chamber, gas generator or preburner at chemical equilibrium."""
    return describe_chamber(pair(fuel, oxidiser, of), pressure)


@formula(
    f"golden-section search over O/F, shifting equilibrium; {BY_ENERGY}", CEA,
    {
        "of": Quantity("", "mixture ratio O/F by mass", words="optimal mixture ratio, rapport de mélange optimal"),
        "isp_vacuum": Quantity("s", "vacuum specific impulse there", words="impulsion spécifique dans le vide"),
    },
    words="meilleur rapport de mélange pour l'impulsion spécifique dans le vide, optimum mixture ratio",
)  # fmt: skip
def best_mixture_ratio(fuel: Fuel, oxidiser: Oxidiser, pressure: Pressure, area_ratio: ExitRatio) -> dict[str, float]:
    """Mixture ratio with the highest vacuum specific impulse.

    Raises ScienceError where a flow on the way does not converge.
    """

    def value(of: float) -> float:
        flow = ask_cea(pair(fuel, oxidiser, of), pressure, area_ratio, "shifting")["shifting"]
        if flow is None or "isp_vacuum" not in flow:
            raise ScienceError(f"shifting flow does not converge at O/F {of:.4g} and area ratio {area_ratio:g}")
        return float(flow["isp_vacuum"]) / G0

    full = stoichiometric_ratio.function(fuel, oxidiser)
    low, high, golden = 0.3 * full, 1.2 * full, (sqrt(5) - 1) / 2
    while high - low > 1e-3 * full:
        a, b = high - golden * (high - low), low + golden * (high - low)
        low, high = (a, high) if value(a) < value(b) else (low, b)
    return {"of": (low + high) / 2, "isp_vacuum": value((low + high) / 2)}


@formula(
    f"{BY_ENERGY}, isentropic expansion", CEA, {**FLOW, **CHAMBER, **NOTE},
    words="monopropellant thruster, decomposition of hydrazine, hydrogen peroxide, nitrous oxide, monergol, "
          "décomposition catalytique de l'hydrazine, du peroxyde d'hydrogène",
)  # fmt: skip
def monopropellant(
    propellant: Monopropellant,
    pressure: Pressure,
    area_ratio: ExitRatio,
    concentration: Annotated[
        float,
        Quantity("", "share by mass that is not water", 0.3, 1, "strength purity HTP percent, concentration, titre"),
    ] = 1.0,
) -> dict[str, float | str]:
    """Theoretical performance of a monopropellant that decomposes to equilibrium, diluted with water or not."""
    name, temperature, _ = REACTANTS[propellant]
    water = (("H2O(L)", 298.15, 1 - concentration),) if concentration < 1 else ()
    return perform(((name, temperature, concentration), *water), pressure, area_ratio)


@formula(
    f"{BY_ENERGY}, isentropic expansion", f"{CEA}; {BINDER}", {**FLOW, **CHAMBER, **NOTE},
    words="solid propellant of ammonium perchlorate AP, aluminium Al and HTPB binder, propergol solide, perchlorate "
          "d'ammonium, aluminium, liant PBHT",
)  # fmt: skip
def solid_propellant(
    perchlorate: Annotated[
        float, Quantity("", "share of ammonium perchlorate by mass", 0.3, 0.95, "AP NH4ClO4, perchlorate d'ammonium PA")
    ],
    aluminium: Annotated[
        float, Quantity("", "share of aluminium by mass", 0, 0.4, "Al aluminum metal, poudre d'aluminium")
    ],
    pressure: Pressure,
    area_ratio: ExitRatio,
) -> dict[str, float | str]:
    """Theoretical performance of a solid propellant of ammonium perchlorate and aluminium, the rest HTPB binder.

    Raises ScienceError where nothing is left for the binder.
    """
    binder = 1 - perchlorate - aluminium
    if binder < 0.01:
        raise ScienceError(
            "perchlorate and aluminium leave less than 1 % for the binder; together they are at most 0.99"
        )
    shares = {"NH4CLO4(I)": perchlorate, "AL(cr)": aluminium, "HTPB": binder}
    return perform(tuple((name, 298.15, share) for name, share in shares.items() if share), pressure, area_ratio)
