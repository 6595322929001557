"""Electrolysis: what a current deposits, dissolves or sets free, and what hydrogen costs and gives."""

from __future__ import annotations

from typing import Annotated

from galop.science.constants import ATMOSPHERE, ROOM, F, R
from galop.science.formula import Quantity, formula

FARADAY = "Faraday, 1834"
PLETCHER = "Pletcher & Walsh, Industrial Electrochemistry, 2nd ed., ch. 1 and 2"
LARMINIE = "Larminie & Dicks, Fuel Cell Systems Explained, 2nd ed., app. 2"
HIGHER_HEATING = 285.83e3  # of hydrogen at 25 degC, water leaving as liquid [J/mol]
LOWER_HEATING = 241.82e3  # water leaving as vapour [J/mol]
HYDROGEN, OXYGEN, WATER = 2.01588e-3, 31.9988e-3, 18.01528e-3  # molar masses [kg/mol]
NORMAL_VOLUME = R * 273.15 / ATMOSPHERE  # of a mole of gas at 0 degC and 1 atm [m^3]
OXYGEN_IN_AIR = 0.2095  # mole fraction
DRY_AIR = 28.9647e-3  # molar mass [kg/mol]

Electrons = Annotated[
    float,
    Quantity("", "electrons exchanged per formula unit", 0.1, 20,
             words="number of electrons transferred n z valence charge of the ion, nombre d'électrons échangés"),
]  # fmt: skip
MolarMass = Annotated[
    float,
    Quantity("g/mol", "molar mass", 1, 1000, words="atomic mass weight molecular M, masse molaire atomique"),
]
Current = Annotated[float, Quantity("A", "current", 0, words="amperage I, courant intensité ampérage")]
Time = Annotated[
    float, Quantity("s", "time", 0, words="duration during for how long t, durée temps pendant combien de temps")
]
Area = Annotated[
    float, Quantity("m^2", "electrode area", 1e-20,
                    words="surface plated cathode anode A S, aire surface électrode plaque")
]  # fmt: skip
CurrentDensity = Annotated[
    float, Quantity("A/m^2", "current density", 0, words="current per area j i, densité de courant")
]
Density = Annotated[
    float,
    Quantity("g/cm^3", "density of the metal", 0.1, 25, words="deposit layer rho, masse volumique du dépôt métal"),
]
CurrentEfficiency = Annotated[
    float,
    Quantity("", "current efficiency", 1e-3, 1,
             words="faradaic efficiency yield CE, rendement faradique rendement en courant de Faraday"),
]  # fmt: skip
Cells = Annotated[
    float,
    Quantity("", "cells in series", 1, 100_000, words="number of cells stack, nombre de cellules empilement, series"),
]
CellVoltage = Annotated[
    float, Quantity("V", "voltage of one cell", 1e-3, 100, words="cell voltage U, tension de cellule")
]


@formula(
    "Q = I t", "SI Brochure, 2019",
    {"charge": Quantity("C", "electric charge", words="charge passed Q coulombs, quantité d'électricité")},
    words="charge passed by a current coulometry, charge électrique quantité d'électricité courant durée",
)  # fmt: skip
def electric_charge(current: Current, time: Time) -> float:
    """Charge that a current carries in a time."""
    return current * time


@formula(
    "j = I / A", "definition",
    {"current_density": Quantity("A/m^2", "current density", words="current per area j, densité de courant")},
    words="current density of an electrode from its current and area, densité de courant surface",
)  # fmt: skip
def current_density(current: Current, area: Area) -> float:
    """Current for each area of an electrode."""
    return current / area


@formula(
    "m = efficiency I t M / (z F)", FARADAY,
    {"mass": Quantity("g", "mass", words="deposited plate plated dissolved produced, masse déposée dissoute produite")},
    words="electrolysis plating deposit dissolve Faraday's law, masse déposée ou dissoute par un courant, électrolyse, "
    "loi de Faraday, courant et durée, dépôt galvanoplastie",
)  # fmt: skip
def faraday_mass(
    current: Current,
    time: Time,
    molar_mass: MolarMass,
    electrons: Electrons,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Mass deposited or dissolved by a current (Faraday)."""
    return current * time * molar_mass * efficiency / (electrons * F)


@formula(
    "n = efficiency I t / (z F)", FARADAY,
    {"amount": Quantity("mol", "amount of substance", words="moles produced converted, quantité de matière moles")},
    words="electrolysis moles Faraday's law, quantité de matière produite, électrolyse",
)  # fmt: skip
def faraday_amount(current: Current, time: Time, electrons: Electrons, efficiency: CurrentEfficiency = 1.0) -> float:
    """Amount of substance that a current converts (Faraday)."""
    return current * time * efficiency / (electrons * F)


@formula(
    "d = efficiency j t M / (z F density)", f"{FARADAY}; {PLETCHER}",
    {"thickness": Quantity("um", "thickness of the layer",
                           words="deposit coating plated depth, épaisseur du dépôt de la couche du revêtement")},
    words="plating thickness electroplating coating anodic dissolution, épaisseur déposée galvanoplastie "
          "électrodéposition",
)  # fmt: skip
def plating_thickness(
    current_density: CurrentDensity,
    time: Time,
    molar_mass: MolarMass,
    electrons: Electrons,
    density: Density,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Thickness of the layer that a current density deposits or dissolves (Faraday)."""
    return current_density * time * molar_mass * efficiency / (electrons * F * density)


@formula(
    "d = efficiency I t M / (z F density A)", f"{FARADAY}; {PLETCHER}",
    {"thickness": Quantity("um", "thickness of the layer",
                           words="deposit coating plated depth, épaisseur du dépôt de la couche du revêtement")},
    words="plating thickness electroplating coating on an area, épaisseur déposée sur une surface galvanoplastie",
)  # fmt: skip
def deposit_thickness(
    current: Current,
    area: Area,
    time: Time,
    molar_mass: MolarMass,
    electrons: Electrons,
    density: Density,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Thickness of the layer that a current deposits on an area (Faraday)."""
    return current / area * time * molar_mass * efficiency / (electrons * F * density)


@formula(
    "V = efficiency I t / (z F) R T / p", f"{FARADAY}; ideal gas",
    {"volume": Quantity("L", "volume of gas", words="gas evolved released produced, volume de gaz dégagé produit")},
    words="electrolysis gas evolution hydrogen oxygen chlorine, volume de gaz dégagé électrolyse dégagement",
)  # fmt: skip
def faraday_gas_volume(
    current: Current,
    time: Time,
    electrons: Annotated[
        float,
        Quantity(
            "",
            "electrons for each molecule of gas",
            0.1,
            20,
            words="2 for H2 and Cl2, 4 for O2, nombre d'électrons par molécule",
        ),
    ],
    temperature: Annotated[float, Quantity("K", "temperature of the gas", 100, 2000, words="température")] = ROOM,
    pressure: Annotated[float, Quantity("Pa", "pressure of the gas", 1, 1e7, words="pression")] = ATMOSPHERE,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Volume of gas that a current sets free, taken as ideal (Faraday)."""
    return 1000 * current * time * efficiency / (electrons * F) * R * temperature / pressure


EVOLVED = {"hydrogen": (2, 2.01588), "oxygen": (4, 31.9988), "chlorine": (2, 70.906), "fluorine": (2, 37.9968)}
"""Gases that electrolysis sets free: electrons for each molecule, molar mass [g/mol]."""
Gas = Annotated[str, tuple(EVOLVED)]


@formula(
    "n = efficiency I t / (z F), V = n R T / p; z is 2 for H2, Cl2 and F2, 4 for O2", f"{FARADAY}; ideal gas",
    {
        "volume": Quantity("L", "volume of gas", words="gas evolved released comes off, volume de gaz dégagé produit"),
        "mass": Quantity("g", "mass of gas", words="evolved released, masse de gaz dégagée produite"),
        "amount": Quantity("mol", "amount of gas", words="moles evolved, quantité de matière de gaz dégagée"),
    },
    words="electrolysis hydrogen oxygen chlorine given off at an electrode volume, électrolyse dégagement d'hydrogène "
    "d'oxygène de chlore volume dégagé",
)  # fmt: skip
def gas_evolution(
    gas: Gas,
    current: Current,
    time: Time,
    temperature: Annotated[float, Quantity("K", "temperature of the gas", 100, 2000, words="température")] = ROOM,
    pressure: Annotated[float, Quantity("Pa", "pressure of the gas", 1, 1e7, words="pression")] = ATMOSPHERE,
    efficiency: CurrentEfficiency = 1.0,
) -> dict[str, float]:
    """Hydrogen, oxygen or chlorine that a current sets free (Faraday)."""
    electrons, molar_mass = EVOLVED[gas]
    amount = efficiency * current * time / (electrons * F)
    return {
        "volume": 1000 * amount * R * temperature / pressure,
        "mass": amount * molar_mass,
        "amount": amount,
    }


@formula(
    "efficiency = m z F / (I t M)", f"{FARADAY}; {PLETCHER}",
    {"efficiency": Quantity("", "current efficiency", words="faradaic yield, rendement faradique en courant")},
    words="current efficiency faradaic yield from the mass found, rendement faradique rendement en courant",
)  # fmt: skip
def current_efficiency(
    mass: Annotated[float, Quantity("g", "mass found", 0, words="deposited measured actual, masse déposée mesurée")],
    current: Annotated[float, Quantity("A", "current", 1e-15, words="courant intensité")],
    time: Annotated[float, Quantity("s", "time", 1e-9, words="duration, durée temps")],
    molar_mass: MolarMass,
    electrons: Electrons,
) -> float:
    """Share of the charge that went into a deposit, from the mass found."""
    return mass * electrons * F / (current * time * molar_mass)


@formula(
    "w = z F U / (efficiency M)", PLETCHER,
    {"specific_energy": Quantity("kW*h/kg", "electric energy for each mass of product",
                                 words="specific energy consumption kWh per kg, consommation énergie par kilogramme")},
    words="energy consumption of an electrolysis kWh per kg product aluminium chlorine zinc, consommation d'énergie "
          "électrolyse",
)  # fmt: skip
def electrolysis_energy(
    voltage: CellVoltage, molar_mass: MolarMass, electrons: Electrons, efficiency: CurrentEfficiency = 1.0
) -> float:
    """Electric energy that an electrolysis takes for each mass of its product."""
    return electrons * F * voltage / (efficiency * molar_mass) / 3600


@formula(
    "w = 2 F U / (efficiency M); HHV share = 1.481 V efficiency / U, LHV share = 1.253 V efficiency / U",
    f"{FARADAY}; {LARMINIE}",
    {
        "specific_energy": Quantity("kW*h/kg", "electric energy for each mass of hydrogen",
                                    words="consumption of the electrolyser for hydrogen, consommation d'hydrogène"),
        "volumetric_energy": Quantity("kW*h/m^3", "electric energy for each normal cubic metre of hydrogen",
                                      words="kWh per Nm3, énergie par normal mètre cube"),
        "efficiency_hhv": Quantity("", "efficiency on the higher heating value", words="rendement PCS"),
        "efficiency_lhv": Quantity("", "efficiency on the lower heating value", words="rendement PCI"),
    },
    words="electrolyser electrolyzer water electrolysis hydrogen kWh per kg, électrolyseur électrolyse de l'eau "
          "hydrogène rendement",
)  # fmt: skip
def electrolyser_energy(voltage: CellVoltage, efficiency: CurrentEfficiency = 1.0) -> dict[str, float]:
    """Electric energy that a water electrolyser takes for hydrogen at a cell voltage, and its efficiency."""
    per_mole = 2 * F * voltage / efficiency
    return {
        "specific_energy": per_mole / HYDROGEN / 3.6e6,
        "volumetric_energy": per_mole / NORMAL_VOLUME / 3.6e6,
        "efficiency_hhv": HIGHER_HEATING / per_mole,
        "efficiency_lhv": LOWER_HEATING / per_mole,
    }


@formula(
    "m = P t / w", f"{LARMINIE}",
    {"hydrogen_mass": Quantity("kg", "mass of hydrogen", words="hydrogen produced, masse d'hydrogène produite")},
    words="hydrogen that an electrolyser makes produces from power in a time, hydrogène produit par un électrolyseur "
          "production puissance",
)  # fmt: skip
def hydrogen_of_electrolyser(
    power: Annotated[float, Quantity("W", "electric power", 1e-6, 1e12, "puissance électrique of the electrolyser")],
    time: Annotated[float, Quantity("s", "time", 1e-3, 1e10, "during running for, durée fonctionnant pendant")],
    energy_per_mass: Annotated[
        float,
        Quantity("kW*h/kg", "electric energy for each mass of hydrogen", 33, 1000, "consumption, consommation par kg"),
    ],
) -> float:
    """Hydrogen that an electrolyser of a known consumption makes."""
    return power * time / (energy_per_mass * 3.6e6)


@formula(
    "share = heating value / w, with 39.39 kWh/kg (HHV) and 33.32 kWh/kg (LHV)", LARMINIE,
    {
        "efficiency_hhv": Quantity("", "efficiency on the higher heating value", words="rendement PCS"),
        "efficiency_lhv": Quantity("", "efficiency on the lower heating value", words="rendement PCI"),
    },
    words="efficiency of an electrolyser from its consumption kWh per kg, rendement d'un électrolyseur PCI PCS "
          "consommation",
)  # fmt: skip
def electrolyser_efficiency(
    specific_energy: Annotated[
        float,
        Quantity(
            "kW*h/kg",
            "electric energy for each mass of hydrogen",
            10,
            1000,
            words="consumption kWh per kg, consommation par kilogramme",
        ),
    ],
) -> dict[str, float]:
    """Efficiency of an electrolyser from the energy that it takes for each mass of hydrogen."""
    per_mole = specific_energy * 3.6e6 * HYDROGEN
    return {"efficiency_hhv": HIGHER_HEATING / per_mole, "efficiency_lhv": LOWER_HEATING / per_mole}


@formula(
    "rate = efficiency N I M / (2 F)", f"{FARADAY}; {LARMINIE}",
    {
        "mass_flow": Quantity("kg/h", "hydrogen produced",
                              words="mass flow production rate, production débit massique d'hydrogène"),
        "volume_flow": Quantity("m^3/h", "hydrogen produced, normal cubic metres (0 degC, 1 atm)",
                                words="Nm3/h, débit volumique normal"),
        "oxygen_flow": Quantity("kg/h", "oxygen produced", words="débit d'oxygène"),
        "water_flow": Quantity("kg/h", "water consumed", words="eau consommée"),
    },
    words="hydrogen production rate of an electrolyser stack, production d'hydrogène d'un électrolyseur débit",
)  # fmt: skip
def hydrogen_production(current: Current, cells: Cells = 1.0, efficiency: CurrentEfficiency = 1.0) -> dict[str, float]:
    """Hydrogen that an electrolyser of some cells in series makes from a current."""
    moles = efficiency * cells * current / (2 * F) * 3600
    return {
        "mass_flow": moles * HYDROGEN,
        "volume_flow": moles * NORMAL_VOLUME,
        "oxygen_flow": moles / 2 * OXYGEN,
        "water_flow": moles * WATER,
    }


@formula(
    "rate = efficiency P M / (2 F U)", f"{FARADAY}; {LARMINIE}",
    {"mass_flow": Quantity("kg/h", "hydrogen produced",
                           words="mass flow production rate, production débit d'hydrogène")},
    words="hydrogen production rate of an electrolyser from its electric power, production d'hydrogène puissance "
          "électrolyseur",
)  # fmt: skip
def hydrogen_from_power(
    power: Annotated[float, Quantity("kW", "electric power", 0, words="puissance électrique")],
    voltage: CellVoltage,
    efficiency: CurrentEfficiency = 1.0,
) -> float:
    """Hydrogen that an electrolyser makes from electric power at a cell voltage."""
    return efficiency * power * 1000 / (2 * F * voltage) * HYDROGEN * 3600


FUEL_CELL_FLOWS = {
    "hydrogen_flow": Quantity("kg/h", "hydrogen consumed",
                              words="consumption fuel mass flow, consommation débit d'hydrogène"),
    "oxygen_flow": Quantity("kg/h", "oxygen consumed", words="consumption, consommation débit d'oxygène"),
    "air_flow": Quantity("kg/h", "air fed", words="air mass flow, débit d'air"),
    "water_flow": Quantity("kg/h", "water produced", words="water made, eau produite"),
}  # fmt: skip
Utilisation = Annotated[
    float, Quantity("", "share of the hydrogen that reacts", 0.01, 1, words="fuel utilisation, taux d'utilisation")
]
AirRatio = Annotated[
    float, Quantity("", "air fed over air needed", 1, 50,
                    words="air stoichiometry excess lambda, excès stoechiométrie d'air")
]  # fmt: skip

HydrogenRatio = Annotated[
    float, Quantity("", "hydrogen fed over hydrogen needed", 1, 50, words="hydrogen stoichiometry, stoechiométrie")
]


def fuel_cell_flows(reacting: float, hydrogen_share: float, air_ratio: float) -> dict[str, float]:
    """Flows [kg/h] around a fuel cell in which so many moles of hydrogen react in a second, a share of what is fed."""
    moles = reacting * 3600
    return {
        "hydrogen_flow": moles / hydrogen_share * HYDROGEN,
        "oxygen_flow": moles / 2 * OXYGEN,
        "air_flow": air_ratio * moles / 2 / OXYGEN_IN_AIR * DRY_AIR,
        "water_flow": moles * WATER,
    }


@formula(
    "hydrogen = ratio N I M / (2 F utilisation); oxygen = N I M / (4 F)", LARMINIE, FUEL_CELL_FLOWS,
    words="fuel cell stack hydrogen consumption air oxygen water, pile à combustible consommation d'hydrogène",
)  # fmt: skip
def fuel_cell_consumption(
    current: Current,
    cells: Cells = 1.0,
    utilisation: Utilisation = 1.0,
    air_ratio: AirRatio = 1.0,
    hydrogen_ratio: HydrogenRatio = 1.0,
) -> dict[str, float]:
    """Hydrogen, oxygen and air that a fuel-cell stack takes at a current, and the water that it makes."""
    return fuel_cell_flows(cells * current / (2 * F), utilisation / hydrogen_ratio, air_ratio)


@formula(
    "hydrogen = ratio P M / (2 F U utilisation)", LARMINIE, FUEL_CELL_FLOWS,
    words="fuel cell hydrogen consumption from its power, pile à combustible consommation d'hydrogène puissance",
)  # fmt: skip
def fuel_cell_feed(
    power: Annotated[float, Quantity("kW", "electric power", 0, words="output, puissance électrique")],
    voltage: CellVoltage,
    utilisation: Utilisation = 1.0,
    air_ratio: AirRatio = 1.0,
    hydrogen_ratio: HydrogenRatio = 1.0,
) -> dict[str, float]:
    """Hydrogen, oxygen and air that a fuel cell takes for electric power at a cell voltage, and the water it makes."""
    return fuel_cell_flows(power * 1000 / (2 * F * voltage), utilisation / hydrogen_ratio, air_ratio)


@formula(
    "share = utilisation 2 F U / heating value: U / 1.481 V (HHV), U / 1.253 V (LHV)", LARMINIE,
    {
        "efficiency_hhv": Quantity("", "efficiency on the higher heating value", words="rendement PCS"),
        "efficiency_lhv": Quantity("", "efficiency on the lower heating value", words="rendement PCI"),
    },
    words="fuel cell efficiency from its voltage, rendement d'une pile à combustible tension PCI PCS",
)  # fmt: skip
def fuel_cell_efficiency(voltage: CellVoltage, utilisation: Utilisation = 1.0) -> dict[str, float]:
    """Efficiency of a hydrogen fuel cell from the voltage of one cell."""
    work = 2 * F * voltage * utilisation
    return {"efficiency_hhv": work / HIGHER_HEATING, "efficiency_lhv": work / LOWER_HEATING}


@formula(
    "P = N U I; heat = N I (1.481 V - U), water leaving as liquid", LARMINIE,
    {
        "power": Quantity("kW", "electric power", words="output, puissance électrique"),
        "stack_voltage": Quantity("V", "voltage of the stack", words="tension de l'empilement"),
        "heat": Quantity("kW", "heat given off", words="waste heat thermal, chaleur dégagée puissance thermique"),
    },
    words="fuel cell stack power heat, empilement pile à combustible puissance chaleur dégagée",
)  # fmt: skip
def fuel_cell_stack(current: Current, voltage: CellVoltage, cells: Cells) -> dict[str, float]:
    """Power, voltage and heat of a hydrogen fuel-cell stack."""
    thermoneutral = HIGHER_HEATING / (2 * F)
    return {
        "power": cells * voltage * current / 1000,
        "stack_voltage": cells * voltage,
        "heat": cells * current * (thermoneutral - voltage) / 1000,
    }


@formula(
    "U = -dH / (z F)", LARMINIE,
    {"voltage": Quantity("V", "thermoneutral voltage", words="enthalpy voltage, tension thermoneutre")},
    words="thermoneutral voltage of an electrolysis or fuel cell, tension thermoneutre enthalpie",
)  # fmt: skip
def thermoneutral_voltage(
    enthalpy: Annotated[
        float, Quantity("kJ/mol", "enthalpy of the cell's reaction", -5000, 5000, words="dH ΔH, enthalpie de réaction")
    ],
    electrons: Electrons,
) -> float:
    """Voltage at which a cell neither takes nor gives heat."""
    return -enthalpy * 1000 / (electrons * F)
