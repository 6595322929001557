"""Reactions and solutions by mass: fuels burnt, solutions made up, yields, light absorbed, decays."""

from __future__ import annotations

from math import exp
from typing import Annotated, Literal

from galop.science.constants import R
from galop.science.elements import ATOMIC_WEIGHTS
from galop.science.fields.solutions import HARRIS, IUPAC
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

ATKINS = "Atkins & de Paula, Physical Chemistry, 10th ed."
BURNT = Literal[
    "methane",
    "ethane",
    "propane",
    "butane",
    "octane",
    "gasoline",
    "diesel fuel",
    "Jet-A",
    "RP-1",
    "methanol",
    "ethanol",
    "hydrogen",
    "carbon",
]
ATOMS: dict[str, tuple[float, float, float, float]] = {  # carbon, hydrogen, oxygen; lower heating value [MJ/kg]
    "methane": (1, 4, 0, 50.01),
    "ethane": (2, 6, 0, 47.49),
    "propane": (3, 8, 0, 46.35),
    "butane": (4, 10, 0, 45.75),
    "octane": (8, 18, 0, 44.43),
    "gasoline": (8, 15, 0, 43.45),
    "diesel fuel": (12, 23, 0, 42.6),
    "Jet-A": (12, 23, 0, 43.1),
    "RP-1": (1, 1.95, 0, 43.4),
    "methanol": (1, 4, 1, 19.93),
    "ethanol": (2, 6, 1, 26.81),
    "hydrogen": (0, 2, 0, 119.96),
    "carbon": (1, 0, 0, 32.8),
}
Liquid = Literal["gasoline", "diesel fuel", "Jet-A", "RP-1", "octane", "ethanol", "methanol", "propane", "butane"]
DENSITIES = {
    "gasoline": 745.0, "diesel fuel": 832.0, "Jet-A": 800.0, "RP-1": 810.0, "octane": 703.0, "ethanol": 789.0,
    "methanol": 791.0, "propane": 508.0, "butane": 579.0,
}  # fmt: skip
AIR_OXYGEN = 0.2314  # of its mass
Concentration = Quantity(
    "mol/L", "concentration of the solution", 0, 100, "molarity c to prepare make, concentration molaire à préparer"
)
MolarMass = Annotated[float, Quantity("g/mol", "molar mass", 0.5, 1e7, words="M, masse molaire")]


@formula(
    "C_c H_h O_o + (c + h/4 - o/2) O2 -> c CO2 + h/2 H2O",
    "complete combustion; heating values: Turns, An Introduction to Combustion, 3rd ed., app. B",
    {
        "carbon_dioxide": Quantity(
            "kg",
            "carbon dioxide formed",
            words="CO2 emitted released produced from burning emissions, dioxyde de carbone émis dégagé",
        ),
        "water_formed": Quantity("kg", "water formed", words="water vapour produced, eau formée produite"),
        "oxygen_used": Quantity("kg", "oxygen used", words="oxygen needed consumed O2, oxygène consommé nécessaire"),
        "air_used": Quantity(
            "kg", "air used", words="air needed for combustion stoichiometric, air nécessaire comburant"
        ),
        "heat": Quantity(
            "MJ",
            "heat of combustion",
            words="energy released lower heating value LHV PCI, chaleur dégagée énergie de combustion",
        ),
    },
    words="burning a mass of fuel complete combustion CO2 emissions petrol octane methane propane, combustion complète "
    "d'un carburant brûler essence émissions de CO2",
)
def fuel_combustion(
    fuel: BURNT,
    fuel_mass: Annotated[float, Quantity("kg", "fuel mass", 0, 1e15, "m, masse de carburant")],
) -> dict[str, float]:
    """What burning a fuel completely takes and gives: carbon dioxide, water, oxygen, air and heat."""
    carbon, hydrogen, oxygen, value = ATOMS[fuel]
    c, h, o = (ATOMIC_WEIGHTS[symbol] for symbol in "CHO")
    moles = fuel_mass / (carbon * c + hydrogen * h + oxygen * o)  # kmol
    taken = moles * (carbon + hydrogen / 4 - oxygen / 2) * 2 * o
    return {
        "carbon_dioxide": moles * carbon * (c + 2 * o),
        "water_formed": moles * hydrogen / 2 * (2 * h + o),
        "oxygen_used": taken,
        "air_used": taken / AIR_OXYGEN,
        "heat": fuel_mass * value,
    }


@formula(
    "m = rho V, then as fuel_combustion; gasoline 745, diesel fuel 832, Jet-A 800, RP-1 810, octane 703, ethanol 789, "
    "methanol 791, propane 508, butane 579 kg/m^3 where none is given",
    "complete combustion; densities: EN 228, EN 590, ASTM D1655, CRC Handbook, 97th ed.",
    {
        "carbon_dioxide": Quantity(
            "kg",
            "carbon dioxide formed",
            words="CO2 emitted released produced emissions, dioxyde de carbone émis dégagé",
        ),
        "heat": Quantity("MJ", "heat of combustion", words="energy released lower heating value, chaleur dégagée"),
    },
    words="burning litres gallons volume of fuel petrol diesel CO2 emissions, brûler des litres de carburant essence "
    "gazole émissions de CO2",
)
def volume_combustion(
    fuel: Liquid,
    volume: Annotated[float, Quantity("L", "volume of fuel", 0, 1e15, "litres gallons tank V, volume de carburant")],
    density: Annotated[
        float | None, Quantity("kg/m^3", "density of the fuel", 100, 1500, "rho, masse volumique du carburant")
    ] = None,
) -> dict[str, float]:
    """Carbon dioxide and heat of a volume of liquid fuel that is burnt."""
    mass = volume * (DENSITIES[fuel] if density is None else density) / 1e3
    made: dict[str, float] = fuel_combustion.function(fuel, mass)
    return {"carbon_dioxide": made["carbon_dioxide"], "heat": made["heat"]}


@formula(
    "m = c V M",
    IUPAC,
    {"mass": Quantity("g", "mass to weigh", words="grams dissolve solute, masse à peser dissoudre")},
    words="mass of solid to weigh for a solution prepare make up grams of salt, masse à peser pour préparer une "
    "solution grammes",
)
def mass_for_solution(
    concentration: Annotated[float, Concentration],
    volume: Annotated[float, Quantity("L", "volume of the solution", 0, 1e12, "flask V, volume de la solution fiole")],
    molar_mass: MolarMass,
) -> float:
    """Mass of a solid that a solution of some concentration takes."""
    return concentration * volume * molar_mass


@formula(
    "V1 = c2 V2 / c1",
    HARRIS,
    {
        "volume": Quantity(
            "mL",
            "volume of stock solution",
            words="taken needed to dilute concentrated, volume de solution mère à prélever",
        )
    },
    words="volume of a concentrated stock acid to prepare make dilute, volume de solution concentrée à prélever "
    "pour préparer diluer",
)
def stock_volume(
    stock: Annotated[
        float,
        Quantity("mol/L", "concentration of the stock", 1e-12, 100, "concentrated c1, solution mère concentrée"),
    ],
    concentration: Annotated[float, Concentration],
    final_volume: Annotated[
        float,
        Quantity("mL", "volume to prepare", 1e-9, 1e12, "make final of V2 obtain, préparer final obtenir fabriquer"),
    ],
) -> float:
    """Volume of a concentrated solution that a diluted one takes.

    Raises ScienceError where the stock is the thinner one.
    """
    if stock < concentration:
        raise ScienceError(f"a stock of {stock:g} mol/L is too thin for a solution of {concentration:g} mol/L")
    return concentration * final_volume / stock


@formula(
    "V = V1 (c1 / c2 - 1)", HARRIS,
    {"water": Quantity("mL", "volume of water to add", words="added solvent, volume d'eau à ajouter")},
    words="water to add to a volume of a solution to dilute it, ajouter de l'eau pour diluer une solution obtenir",
)  # fmt: skip
def dilution_water(
    volume: Annotated[float, Quantity("mL", "volume of the solution", 1e-9, 1e12, "initial V1, volume de la solution")],
    before: Annotated[float, Quantity("mol/L", "concentration before", 1e-12, 100, "solution c1, initiale")],
    after: Annotated[float, Quantity("mol/L", "concentration after", 1e-12, 100, "c2 obtain final, obtenir finale")],
) -> float:
    """Water that dilutes a solution from one concentration to another.

    Raises ScienceError where that would take water away.
    """
    if after > before:
        raise ScienceError(f"water does not bring {before:g} mol/L to {after:g} mol/L")
    return volume * (before / after - 1)


@formula(
    "yield = actual / theoretical",
    IUPAC,
    {"share": Quantity("", "percent yield", words="reaction yield, rendement de la réaction")},
    words="percent yield of a reaction actual over theoretical, rendement d'une réaction masse obtenue théorique",
)
def percent_yield(
    actual: Annotated[
        float, Quantity("g", "mass obtained", 0, 1e15, "actual isolated collected got, masse obtenue récupérée")
    ],
    theoretical: Annotated[
        float, Quantity("g", "theoretical mass", 1e-15, 1e15, "expected maximum, masse théorique attendue")
    ],
) -> float:
    """Yield of a reaction."""
    return actual / theoretical


@formula(
    "dT = i K b",
    f"{ATKINS}, ch. 5",
    {
        "change": Quantity(
            "ΔK",
            "change of the freezing or boiling point",
            words="freezing point depression boiling elevation, abaissement cryoscopique",
        )
    },
    words="freezing point depression boiling point elevation molality, abaissement cryoscopique élévation "
    "ébullioscopique molalité",
)
def colligative_change(
    constant: Annotated[
        float, Quantity("K*kg/mol", "cryoscopic or ebullioscopic constant", 0, 100, "Kf Kb, constante cryoscopique")
    ],
    molality: Annotated[float, Quantity("mol/kg", "molality", 0, 100, "b m, molalité")],
    particles: Annotated[
        float,
        Quantity("", "particles of each formula unit", 1, 10, "van 't Hoff factor i ions, facteur de van 't Hoff"),
    ] = 1.0,
) -> float:
    """How much a solute lowers the freezing point, or raises the boiling point, of a dilute solution."""
    return particles * constant * molality


@formula(
    "A = epsilon l c",
    f"{HARRIS}",
    {"absorbance": Quantity("", "absorbance", words="optical density A OD, absorbance densité optique")},
    words="Beer-Lambert law absorbance concentration path length cuvette, loi de Beer-Lambert absorbance trajet "
    "optique cuve spectrophotomètre",
)
def absorbance(
    absorptivity: Annotated[
        float,
        Quantity(
            "L/mol/cm",
            "molar absorptivity",
            0,
            1e7,
            "epsilon extinction coefficient, coefficient d'extinction absorption molaire",
        ),
    ],
    path: Annotated[float, Quantity("cm", "path length", 1e-6, 1e4, "cuvette cell l, trajet optique cuve épaisseur")],
    concentration: Annotated[
        float, Quantity("mol/L", "concentration of the absorber", 0, 100, "c dye, concentration molaire")
    ],
) -> float:
    """Absorbance of a solution (Beer-Lambert); solved for it, the concentration."""
    return absorptivity * path * concentration


@formula(
    "p2 = p1 exp(-dH / R (1 / T2 - 1 / T1))",
    f"{ATKINS}, ch. 4",
    {
        "second_pressure": Quantity(
            "Pa",
            "vapour pressure at the second temperature",
            words="p2 final, pression de vapeur à la seconde température",
        )
    },
    words="Clausius-Clapeyron vapour pressure at another temperature enthalpy of vaporisation, pression de vapeur "
    "enthalpie de vaporisation Clapeyron",
)
def clausius_clapeyron(
    first_pressure: Annotated[
        float, Quantity("Pa", "vapour pressure at the first temperature", 1e-9, 1e8, "p1, pression de vapeur à")
    ],
    first_temperature: Annotated[float, Quantity("K", "first temperature", 1, 2000, "T1 normal boiling, première")],
    second_temperature: Annotated[float, Quantity("K", "second temperature", 1, 2000, "T2, seconde température")],
    enthalpy: Annotated[
        float,
        Quantity(
            "kJ/mol", "enthalpy of vaporisation", 0.01, 1000, "heat of vaporization ΔH, enthalpie de vaporisation"
        ),
    ],
) -> float:
    """Vapour pressure at a temperature from that at another."""
    return first_pressure * exp(-1000 * enthalpy / R * (1 / second_temperature - 1 / first_temperature))


@formula(
    "left = 2^(-t / T)",
    f"{ATKINS}, ch. 20",
    {"fraction": Quantity("", "fraction left", words="remaining percent share undecayed, fraction restante")},
    words="fraction left after some half-lives radioactive decay isotope, fraction restante décroissance "
    "radioactive demi-vie période",
)
def fraction_left(
    time: Annotated[float, Quantity("s", "time passed", 0, 1e20, "after later t elapsed, durée temps écoulé après")],
    half_life: Annotated[float, Quantity("s", "half-life", 1e-12, 1e20, "T1/2 t1/2, demi-vie période")],
) -> float:
    """Fraction of a substance that is left; solved for it, its age."""
    return float(2 ** (-time / half_life))


@formula(
    "p_i = x_i p",
    "Dalton's law",
    {"partial": Quantity("Pa", "partial pressure", words="of the component, pression partielle")},
    words="partial pressure of a gas in a mixture mole fraction Dalton, pression partielle fraction molaire "
    "mélange de gaz",
)
def partial_pressure(
    share: Annotated[float, Quantity("", "mole fraction", 0, 1, "percent by volume x, fraction molaire volumique")],
    pressure: Annotated[float, Quantity("Pa", "total pressure", 0, 1e12, "of the mixture, pression totale")],
) -> float:
    """Partial pressure of a component of a gas."""
    return share * pressure
