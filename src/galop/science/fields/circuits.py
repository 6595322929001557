"""Electric circuits: Ohm, power, cables, capacitors and coils, alternating and three-phase current."""

from __future__ import annotations

from math import pi, sqrt
from typing import Annotated

from galop.science.formula import Quantity, formula

OHM = "Ohm, 1827"
JOULE = "Joule, 1841"
HOROWITZ = "Horowitz & Hill, The Art of Electronics, 3rd ed., ch. 1"
Voltage = Annotated[float, Quantity("V", "voltage", 0, 1e9, words="U potential difference across, tension")]
ElectricCurrent = Annotated[float, Quantity("A", "current", 0, 1e9, words="I amperage, courant intensité")]
Resistance = Annotated[float, Quantity("ohm", "resistance", 1e-12, 1e15, words="R, résistance")]
Power = Annotated[float, Quantity("W", "power", 0, 1e18, words="P, puissance")]
Duration = Annotated[float, Quantity("s", "time", 0, 1e15, words="duration for t, durée temps pendant")]
Section = Annotated[float, Quantity("m^2", "cross-section", 1e-18, 1e12, words="area A S, section aire")]
Frequency = Annotated[float, Quantity("Hz", "frequency", 1e-9, 1e15, words="f, fréquence")]
Capacitance = Annotated[float, Quantity("F", "capacitance", 1e-18, 1e9, words="C capacitor, capacité du condensateur")]
Inductance = Annotated[float, Quantity("H", "inductance", 1e-15, 1e6, words="L coil, inductance bobine")]
VOLTAGE = Quantity("V", "voltage", words="U drop across lost in the wire cable, tension perdue chute")
POWER = Quantity("W", "power", words="P electric dissipated, puissance électrique dissipée")


@formula(
    "U = R I", OHM, {"voltage": VOLTAGE},
    words="Ohm's law voltage current resistance, loi d'Ohm tension courant résistance",
)  # fmt: skip
def ohm(current: ElectricCurrent, resistance: Resistance) -> float:
    """Voltage across a resistance; solved for it, current or resistance (Ohm)."""
    return current * resistance


@formula(
    "P = U I", JOULE, {"power": POWER}, words="electric power voltage current, puissance électrique tension courant",
)  # fmt: skip
def electric_power(voltage: Voltage, current: ElectricCurrent) -> float:
    """Electric power of a current at a voltage."""
    return voltage * current


@formula(
    "P = R I^2", JOULE, {"power": POWER},
    words="Joule heating power dissipated in a resistance current, effet Joule puissance dissipée résistance courant",
)  # fmt: skip
def joule_heating(current: ElectricCurrent, resistance: Resistance) -> float:
    """Power that a current turns into heat in a resistance (Joule)."""
    return resistance * current**2


@formula(
    "Q = R I^2 t", JOULE,
    {"heat": Quantity("J", "heat", words="energy dissipated as heat, chaleur énergie dissipée")},
    words="Joule heat of a resistance resistor resistive heater in a time, chaleur dégagée par effet Joule résistance",
)  # fmt: skip
def joule_heat(current: ElectricCurrent, resistance: Resistance, time: Duration) -> float:
    """Heat that a current gives off in a resistance in a time (Joule)."""
    return resistance * current**2 * time


@formula(
    "P = U^2 / R", JOULE, {"power": POWER},
    words="power of a resistor at a voltage, puissance d'une résistance sous une tension",
)  # fmt: skip
def power_at_voltage(voltage: Voltage, resistance: Resistance) -> float:
    """Power of a resistance at a voltage."""
    return voltage**2 / resistance


@formula(
    "W = P t", "definition", {"energy": Quantity("kW*h", "energy",
                                                 words="consumption kWh W used, énergie consommation consommée")},
    words="energy from power and time consumption, énergie puissance durée consommation électrique",
)  # fmt: skip
def energy_of_power(power: Power, time: Duration) -> float:
    """Energy of a power over a time."""
    return power * time / 3.6e6


@formula(
    "W = P days hours", "definition", {"energy": Quantity("kW*h", "energy",
                                                          words="consumption kWh W used, énergie consommation")},
    words="energy consumption of a lamp appliance used some hours a day for days, consommation d'un appareil quelques "
          "heures par jour pendant un mois",
)  # fmt: skip
def energy_of_daily_use(
    power: Power,
    time: Annotated[float, Quantity("s", "days of use", 0, 1e15, words="for over month days, pendant jours mois")],
    share: Annotated[
        float, Quantity("", "share of the day in use", 1e-6, 1, words="hours a day per day daily h, heures par jour")
    ],
) -> float:
    """Energy of what is switched on for a share of each day."""
    return power * time * share / 3.6e6


@formula(
    "R = rho L / A", f"{OHM}; Pouillet, 1837",
    {"resistance": Quantity("ohm", "resistance", words="R wire cable conductor, résistance du fil câble")},
    words="resistance of a wire cable from resistivity length section, résistance d'un fil résistivité longueur "
          "section",
)  # fmt: skip
def wire_resistance(
    resistivity: Annotated[float, Quantity("ohm*m", "resistivity", 1e-12, 1e18, words="rho ρ copper, résistivité")],
    length: Annotated[float, Quantity("m", "length", 0, 1e9, words="L cable, longueur")],
    area: Section,
) -> float:
    """Resistance of a wire."""
    return resistivity * length / area


@formula(
    "U = rho L I / A", f"{OHM}; Pouillet, 1837",
    {"drop": Quantity("V", "voltage lost in the cable", words="drop lost across the wire, chute de tension perdue")},
    words="voltage drop lost in a wire cable from resistivity length section and current load, chute de tension dans "
          "un câble fil résistivité longueur section courant",
)  # fmt: skip
def cable_voltage_drop(
    current: ElectricCurrent,
    resistivity: Annotated[float, Quantity("ohm*m", "resistivity", 1e-12, 1e18, words="rho ρ copper, résistivité")],
    length: Annotated[float, Quantity("m", "length", 0, 1e9, words="L cable there and back, longueur")],
    area: Section,
) -> float:
    """Voltage that a wire takes from a load."""
    return resistivity * length / area * current


@formula(
    "1 / R = 1 / R1 + 1 / R2 + 1 / R3", OHM,
    {"resistance": Quantity("ohm", "total resistance in parallel", words="equivalent, équivalente en parallèle")},
    words="resistors in parallel equivalent resistance, résistances en parallèle équivalente",
)  # fmt: skip
def parallel_resistance(
    first: Annotated[float, Quantity("ohm", "first resistance", 1e-12, 1e15, words="R1, première résistance")],
    second: Annotated[float, Quantity("ohm", "second resistance", 1e-12, 1e15, words="R2, deuxième résistance")],
    third: Annotated[
        float, Quantity("ohm", "third resistance", 0, 1e15, words="R3 parallel, troisième résistance parallèle")
    ] = 0.0,
) -> float:
    """Resistance of two or three resistors in parallel (0 for a third that is not there)."""
    return 1 / (1 / first + 1 / second + (1 / third if third else 0.0))


@formula(
    "tau = R C, f = 1 / (2 pi R C)", "Horowitz & Hill, The Art of Electronics, 3rd ed., sec. 1.4 and 1.7",
    {
        "time_constant": Quantity("s", "time constant", words="τ RC, constante de temps"),
        "frequency": Quantity("Hz", "cutoff frequency", words="corner -3 dB, fréquence de coupure"),
    },
    words="RC circuit time constant cutoff frequency, circuit RC constante de temps fréquence de coupure",
)  # fmt: skip
def rc_circuit(
    resistance: Resistance,
    capacitance: Annotated[
        float, Quantity("F", "capacitance", 1e-18, 1e9, words="C capacitor, capacité du condensateur")
    ],
) -> dict[str, float]:
    """Time constant and cutoff frequency of a resistor and a capacitor."""
    tau = resistance * capacitance
    return {"time_constant": tau, "frequency": 1 / (2 * pi * tau)}


@formula(
    "f = 1 / (2 pi sqrt(L C))", "Thomson, 1853",
    {"frequency": Quantity("Hz", "resonance frequency", words="f0 LC, fréquence de résonance")},
    words="LC circuit resonance frequency, circuit LC fréquence de résonance",
)  # fmt: skip
def lc_resonance(inductance: Inductance, capacitance: Capacitance) -> float:
    """Frequency at which a coil and a capacitor resonate."""
    return 1 / (2 * pi * sqrt(inductance * capacitance))


@formula(
    "X = 1 / (2 pi f C)", HOROWITZ,
    {"reactance": Quantity("ohm", "reactance", words="X impedance of the capacitor, réactance impédance")},
    words="reactance impedance of a capacitor at a frequency, réactance impédance d'un condensateur fréquence",
)  # fmt: skip
def capacitor_reactance(frequency: Frequency, capacitance: Capacitance) -> float:
    """Reactance of a capacitor at a frequency; solved for it, the capacitance."""
    return 1 / (2 * pi * frequency * capacitance)


@formula(
    "X = 2 pi f L", HOROWITZ,
    {"reactance": Quantity("ohm", "reactance", words="X impedance of the coil, réactance impédance")},
    words="reactance impedance of an inductor coil at a frequency, réactance impédance d'une bobine fréquence",
)  # fmt: skip
def coil_reactance(frequency: Frequency, inductance: Inductance) -> float:
    """Reactance of a coil at a frequency."""
    return 2 * pi * frequency * inductance


@formula(
    "P = sqrt(3) U I cos(phi)", "IEC 60050-131",
    {"power": Quantity("kW", "three-phase power", words="active P, puissance active triphasée")},
    words="three-phase power line voltage current power factor, puissance triphasée tension entre phases courant "
          "facteur de puissance",
)  # fmt: skip
def three_phase_power(
    voltage: Annotated[
        float,
        Quantity("V", "voltage between lines", 0, 1e7, words="line-to-line phase U, tension entre phases composée"),
    ],
    current: Annotated[float, Quantity("A", "line current", 0, 1e7, words="I, courant de ligne")],
    power_factor: Annotated[
        float, Quantity("", "power factor", 0.01, 1, words="cos phi φ, facteur de puissance")
    ] = 1.0,
) -> float:
    """Active power of a three-phase load."""
    return sqrt(3) * voltage * current * power_factor / 1000


@formula(
    "P = U I cos(phi)", "IEC 60050-131",
    {"power": Quantity("W", "active power", words="AC single-phase P, puissance active monophasée")},
    words="alternating current power factor single-phase active power, puissance active monophasé facteur de puissance",
)  # fmt: skip
def ac_power(
    voltage: Voltage,
    current: ElectricCurrent,
    power_factor: Annotated[float, Quantity("", "power factor", 0.01, 1, words="cos phi φ, facteur de puissance")],
) -> float:
    """Active power of an alternating current with a power factor."""
    return voltage * current * power_factor
