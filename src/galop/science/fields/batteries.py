"""Batteries: capacity, energy, rates, run times, packs."""

from __future__ import annotations

from math import ceil
from typing import Annotated

from galop.science.constants import F
from galop.science.fields.electrolysis import Electrons, MolarMass
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

LINDEN = "Linden & Reddy, Handbook of Batteries, 3rd ed."
Capacity = Annotated[
    float,
    Quantity(
        "A*h", "capacity", 1e-12, 1e9, words="ampere-hours rated nominal Ah mAh Q, capacité nominale ampères-heures"
    ),
]
DischargeCurrent = Annotated[
    float, Quantity("A", "current", 1e-12, 1e7, words="load discharge draw I, courant de décharge consommation")
]
MeanVoltage = Annotated[
    float, Quantity("V", "voltage", 1e-3, 1e6, words="nominal mean average, tension nominale moyenne")
]
Depth = Annotated[
    float,
    Quantity(
        "",
        "share of the capacity that is used",
        1e-3,
        1,
        words="depth of discharge DoD usable only empty, profondeur de décharge utilisable vide",
    ),
]
Efficiency = Annotated[float, Quantity("", "efficiency", 0.01, 1, words="converter inverter coulombic, rendement")]


@formula(
    "q = z F / (3.6 M)", "Faraday's law in mAh",
    {"capacity": Quantity("mA*h/g", "specific capacity",
                          words="theoretical gravimetric mAh/g, capacité massique théorique")},
    words="theoretical specific capacity of an electrode material, capacité massique théorique d'un matériau "
          "d'électrode",
)  # fmt: skip
def specific_capacity(molar_mass: MolarMass, electrons: Electrons) -> float:
    """Theoretical specific capacity of an electrode material."""
    return electrons * F / (3.6 * molar_mass)


@formula(
    "w = U / (1 / q_cathode + 1 / q_anode)", f"mass balance over both electrodes; {LINDEN}, ch. 1",
    {"energy": Quantity("W*h/kg", "specific energy of the active materials",
                        words="theoretical gravimetric energy density, énergie massique théorique")},
    words="theoretical specific energy of a cell both electrodes, énergie massique théorique d'une cellule, batterie, "
          "accumulateur",
)  # fmt: skip
def specific_energy(
    voltage: Annotated[float, Quantity("V", "mean cell voltage", 0, 10, words="average, tension moyenne")],
    cathode_capacity: Annotated[
        float,
        Quantity(
            "mA*h/g",
            "specific capacity of the cathode",
            1,
            10_000,
            words="positive electrode, capacité massique électrode positive",
        ),
    ],
    anode_capacity: Annotated[
        float,
        Quantity(
            "mA*h/g",
            "specific capacity of the anode",
            1,
            10_000,
            words="negative electrode, capacité massique électrode négative",
        ),
    ],
) -> float:
    """Theoretical specific energy of a cell, both electrodes' masses counted."""
    return voltage / (1 / cathode_capacity + 1 / anode_capacity)


@formula(
    "W = Q U", f"{LINDEN}, ch. 3",
    {"energy": Quantity("W*h", "energy", words="watt-hours stored Wh kWh, énergie stockée wattheures")},
    words="battery energy from capacity and voltage watt-hours, énergie d'une batterie capacité tension wattheures",
)  # fmt: skip
def battery_energy(capacity: Capacity, voltage: MeanVoltage, depth: Depth = 1.0) -> float:
    """Energy of a battery from its capacity and mean voltage."""
    return capacity * voltage * depth


@formula(
    "w = Q U / m", f"{LINDEN}, ch. 3",
    {"specific_energy": Quantity("W*h/kg", "specific energy",
                                 words="gravimetric energy density Wh/kg, énergie massique")},
    words="battery specific energy Wh/kg from capacity voltage mass, énergie massique d'une batterie",
)  # fmt: skip
def battery_specific_energy(
    capacity: Capacity,
    voltage: MeanVoltage,
    mass: Annotated[float, Quantity("kg", "mass", 1e-9, 1e9, words="weight of the cell battery, masse de la batterie")],
) -> float:
    """Specific energy of a battery, all of its mass counted."""
    return capacity * voltage / mass


@formula(
    "w = Q U / V", f"{LINDEN}, ch. 3",
    {"energy_density": Quantity("W*h/L", "energy density", words="volumetric Wh/L, énergie volumique")},
    words="battery volumetric energy density Wh/L, énergie volumique d'une batterie",
)  # fmt: skip
def battery_energy_density(
    capacity: Capacity,
    voltage: MeanVoltage,
    volume: Annotated[float, Quantity("L", "volume", 1e-9, 1e9, words="size of the cell, volume de la batterie")],
) -> float:
    """Energy density of a battery, all of its volume counted."""
    return capacity * voltage / volume


@formula(
    "C-rate = I 1 h / Q", f"{LINDEN}, ch. 3",
    {"c_rate": Quantity("1/h", "C-rate", words="C rate charge discharge, régime de charge décharge")},
    words="C-rate of a charge or discharge current and capacity, régime C de décharge courant capacité",
)  # fmt: skip
def c_rate(current: DischargeCurrent, capacity: Capacity) -> float:
    """C-rate of a current for a capacity: 1 empties it in an hour."""
    return current / capacity


@formula(
    "I = C-rate Q / 1 h", f"{LINDEN}, ch. 3",
    {"current": Quantity("A", "current", words="charge discharge, courant de charge décharge")},
    words="current at a C-rate capacity, courant à un régime C capacité",
)  # fmt: skip
def current_at_rate(
    rate: Annotated[float, Quantity("1/h", "C-rate", 1e-6, 1000, words="C/5 0.5C 2C rate, régime")], capacity: Capacity
) -> float:
    """Current that a C-rate means for a capacity."""
    return rate * capacity


@formula(
    "t = depth Q / I", f"{LINDEN}, ch. 3",
    {"time": Quantity("h", "run time", words="how long lasts autonomy discharge, autonomie durée de décharge, tient")},
    words="battery run time from capacity and current of a device, autonomie d'une batterie pile accu capacité courant "
          "tiré par un appareil",
)  # fmt: skip
def run_time(capacity: Capacity, current: DischargeCurrent, depth: Depth = 1.0) -> float:
    """How long a battery lasts at a current."""
    return capacity * depth / current


@formula(
    "t = depth efficiency W / P", f"{LINDEN}, ch. 3",
    {"time": Quantity("h", "run time", words="how long lasts autonomy, autonomie durée")},
    words="battery run time from energy and power, autonomie d'une batterie énergie puissance",
)  # fmt: skip
def run_time_at_power(
    energy: Annotated[float, Quantity("W*h", "energy", 1e-12, 1e15, words="stored Wh kWh, énergie stockée")],
    power: Annotated[
        float, Quantity("W", "power", 1e-12, 1e15, words="load draw consumption, puissance consommée charge")
    ],
    depth: Depth = 1.0,
    efficiency: Efficiency = 1.0,
) -> float:
    """How long a battery lasts at a power."""
    return energy * depth * efficiency / power


@formula(
    "t = share Q / (efficiency (1 - loss) I)", f"{LINDEN}, ch. 3",
    {"time": Quantity("h", "charging time", words="how long to charge recharge fill up full, durée temps de charge "
                                                  "recharge remplir")},
    words="battery charging time capacity charger current fill up empty lipo, temps de charge recharge d'une batterie "
          "courant chargeur vide",
)  # fmt: skip
def charging_time(
    capacity: Capacity,
    current: Annotated[
        float, Quantity("A", "charging current", 1e-12, 1e7, words="charger, courant de charge chargeur")
    ],
    share: Annotated[
        float,
        Quantity(
            "", "charge put back over capacity", 1e-3, 2, words="fraction charge factor percent, part facteur de charge"
        ),
    ] = 1.0,
    efficiency: Efficiency = 1.0,
    loss: Annotated[float, Quantity("", "share that is lost", 0, 0.99, words="losses loss charging, pertes")] = 0.0,
) -> float:
    """How long a battery takes to charge at a constant current."""
    return capacity * share / (efficiency * (1 - loss) * current)


@formula(
    "t = (end - start) W / (efficiency (1 - loss) P)", f"{LINDEN}, ch. 3",
    {"time": Quantity("h", "charging time", words="how long to charge recharge wallbox, durée de recharge")},
    words="charging time of an electric car battery kWh charger power wallbox percent, temps de charge d'une "
          "batterie de voiture électrique borne puissance de % à %",
)  # fmt: skip
def charging_time_at_power(
    energy: Annotated[
        float, Quantity("W*h", "energy", 1e-12, 1e15, words="battery capacity kWh, énergie capacité batterie")
    ],
    power: Annotated[
        float,
        Quantity(
            "W", "charging power", 1e-12, 1e15, words="charger wallbox average, puissance de charge borne moyenne"
        ),
    ],
    start: Annotated[
        float, Quantity("", "initial state of charge", 0, 1, words="from before SOC, état de charge initial")
    ] = 0.0,
    end: Annotated[
        float, Quantity("", "final state of charge", 0, 1, words="to after SOC, état de charge final")
    ] = 1.0,
    efficiency: Annotated[float, Quantity("", "efficiency", 0.01, 1, words="charger, rendement chargeur")] = 1.0,
    loss: Annotated[float, Quantity("", "share that is lost", 0, 0.99, words="losses loss charging, pertes")] = 0.0,
) -> float:
    """How long a battery takes to charge at a power, from one state of charge to another; solved for it, the power."""
    return (end - start) * energy / (efficiency * (1 - loss) * power)


@formula(
    "W = Q U / efficiency", f"{LINDEN}, ch. 3",
    {"energy": Quantity("W*h", "energy from the socket", words="charge costs takes, énergie prise à la prise")},
    words="energy a full charge takes from the socket charger efficiency, énergie consommée par une charge complète "
          "rendement du chargeur",
)  # fmt: skip
def energy_to_charge(
    capacity: Capacity,
    voltage: MeanVoltage,
    efficiency: Annotated[
        float, Quantity("", "efficiency of the charger", 0.01, 1, words="charging, rendement chargeur")
    ],
) -> float:
    """Energy that it takes to charge a battery, the charger's losses included."""
    return capacity * voltage / efficiency


@formula(
    "t = H (Q / (I H))^k", "Peukert, Elektrotech. Z. 20 (1897) 287",
    {"time": Quantity("h", "run time", words="how long lasts discharge, autonomie durée de décharge")},
    words="Peukert lead-acid battery run time exponent, loi de Peukert batterie au plomb autonomie exposant",
)  # fmt: skip
def peukert(
    capacity: Capacity,
    current: DischargeCurrent,
    exponent: Annotated[
        float, Quantity("", "Peukert's exponent", 1, 2, words="k constant coefficient, exposant de Peukert")
    ],
    rated_time: Annotated[
        float,
        Quantity(
            "h", "time at which the capacity is rated", 1e-3, 1000, words="rated discharge hours C20, durée nominale"
        ),
    ] = 20.0,
) -> float:
    """How long a battery lasts at a current that is not the one of its rated capacity (Peukert)."""
    return float(rated_time * (capacity / (current * rated_time)) ** exponent)


@formula(
    "SOC = SOC0 - I t / Q", f"{LINDEN}, ch. 3",
    {"state_of_charge": Quantity("", "state of charge after it",
                                 words="SOC final remaining, état de charge final restant")},
    words="state of charge coulomb counting after a discharge, état de charge après une décharge comptage coulombique",
)  # fmt: skip
def state_of_charge(
    current: Annotated[
        float, Quantity("A", "current, positive in discharge", -1e7, 1e7, words="discharge charge, courant de décharge")
    ],
    time: Annotated[float, Quantity("h", "time", 0, 1e6, words="duration, durée")],
    capacity: Capacity,
    initial: Annotated[
        float, Quantity("", "state of charge before it", 0, 1, words="SOC initial, état de charge initial")
    ] = 1.0,
) -> float:
    """State of charge after a current has flowed for a time.

    Raises ScienceError where the battery would be emptier than empty, or fuller than full.
    """
    after = initial - current * time / capacity
    if not -1e-9 <= after <= 1 + 1e-9:
        raise ScienceError(
            f"the state of charge would be {100 * after:.4g} %; this current and time are more than the battery holds"
        )
    return after


@formula(
    "U = series U_cell, Q = parallel Q_cell, W = U Q", f"{LINDEN}, ch. 5",
    {
        "voltage": Quantity("V", "voltage of the pack", words="total nominal, tension du pack"),
        "capacity": Quantity("A*h", "capacity of the pack", words="total Ah, capacité du pack"),
        "energy": Quantity("W*h", "energy of the pack", words="total Wh kWh, énergie du pack"),
        "cells": Quantity("", "cells in the pack", words="total number of cells, nombre total de cellules"),
    },
    words="battery pack series parallel cells voltage capacity energy 10s4p, pack batterie série parallèle cellules",
)  # fmt: skip
def battery_pack(
    cell_voltage: Annotated[
        float, Quantity("V", "voltage of one cell", 0.01, 10, words="nominal cell, tension d'une cellule")
    ],
    cell_capacity: Annotated[
        float, Quantity("A*h", "capacity of one cell", 1e-9, 1e5, words="cell Ah, capacité d'une cellule")
    ],
    series: Annotated[
        float,
        Quantity(
            "",
            "cells in series",
            1,
            1e6,
            words="series, batteries, cellules en série, accus, accumulateurs, piles, éléments",
        ),
    ],
    parallel: Annotated[
        float, Quantity("", "strings in parallel", 1, 1e6, words="parallel, strings, cellules en parallèle, branches")
    ] = 1.0,
) -> dict[str, float]:
    """Voltage, capacity and energy of a pack of like cells in series and parallel."""
    voltage, capacity = series * cell_voltage, parallel * cell_capacity
    return {"voltage": voltage, "capacity": capacity, "energy": voltage * capacity, "cells": series * parallel}


@formula(
    "series = ceil(U / U_cell), parallel = ceil(W / (series U_cell Q_cell))", f"{LINDEN}, ch. 5",
    {
        "cells": Quantity("", "cells in all", words="how many number, nombre total de cellules combien"),
        "series": Quantity("", "cells in series", words="how many in series, combien en série"),
        "parallel": Quantity("", "strings in parallel", words="how many in parallel, combien en parallèle"),
    },
    words="how many cells for a battery pack of a voltage and energy, combien de cellules pour un pack tension énergie",
)  # fmt: skip
def cells_for_pack(
    voltage: Annotated[float, Quantity("V", "voltage of the pack", 0.01, 1e5, words="total required, tension du pack")],
    energy: Annotated[
        float, Quantity("W*h", "energy of the pack", 1e-6, 1e12, words="total required kWh, énergie du pack")
    ],
    cell_voltage: Annotated[
        float, Quantity("V", "voltage of one cell", 0.01, 10, words="nominal cell, tension d'une cellule")
    ],
    cell_capacity: Annotated[
        float, Quantity("A*h", "capacity of one cell", 1e-9, 1e5, words="cell Ah, capacité d'une cellule")
    ],
) -> dict[str, float]:
    """Whole cells that a pack of at least some voltage and energy needs."""
    series = float(ceil(voltage / cell_voltage - 1e-9))
    parallel = float(max(1, ceil(energy / (series * cell_voltage * cell_capacity) - 1e-9)))
    return {"cells": series * parallel, "series": series, "parallel": parallel}


@formula(
    "U = E - I R", f"{LINDEN}, ch. 2",
    {
        "voltage": Quantity("V", "voltage under load", words="terminal closed-circuit, tension en charge aux bornes"),
        "loss": Quantity("W", "power lost in the battery", words="heat Joule internal, puissance dissipée pertes"),
    },
    words="terminal voltage of a battery internal resistance load current, tension aux bornes résistance interne "
          "courant",
)  # fmt: skip
def loaded_voltage(
    open_voltage: Annotated[
        float,
        Quantity(
            "V", "voltage without load", 0, 1e6, words="open-circuit OCV emf, tension à vide force électromotrice"
        ),
    ],
    current: DischargeCurrent,
    resistance: Annotated[float, Quantity("ohm", "internal resistance", 0, 1e9, words="R r, résistance interne")],
) -> dict[str, float]:
    """Voltage of a battery under load, and what its resistance turns into heat."""
    return {"voltage": open_voltage - current * resistance, "loss": current**2 * resistance}
