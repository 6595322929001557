"""Resistors, capacitors and coils together: in series and in parallel, dividers, impedances, transformers."""

from __future__ import annotations

from math import atan2, degrees, exp, log, pi, sqrt
from typing import Annotated

from galop.science.fields.circuits import HOROWITZ, OHM, Capacitance, Frequency, Inductance, Resistance
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

KIRCHHOFF = "Kirchhoff, 1845"
Supply = Annotated[float, Quantity("V", "supply voltage", 0, 1e9, words="source battery input, tension d'alimentation")]


def one_of(ordinal: str, unit: str, what: str, words: str, none: bool = False) -> Quantity:
    """One of several like parts of a circuit; 0 for none where there may be none."""
    return Quantity(unit, f"{ordinal} {what}", 0 if none else 1e-18, 1e15, words=words)


@formula(
    "R = R1 + R2 + R3 + R4", KIRCHHOFF,
    {"resistance": Quantity("ohm", "total resistance in series", words="equivalent sum, totale équivalente")},
    words="resistors in series total equivalent resistance, résistances en série équivalente totale",
)  # fmt: skip
def series_resistance(
    first: Annotated[float, one_of("first", "ohm", "resistance", "R1 series resistor, série première")],
    second: Annotated[float, one_of("second", "ohm", "resistance", "R2 series resistor, série deuxième")],
    third: Annotated[float, one_of("third", "ohm", "resistance", "R3 series resistor, série troisième", True)] = 0.0,
    fourth: Annotated[float, one_of("fourth", "ohm", "resistance", "R4 series resistor, série quatrième", True)] = 0.0,
) -> float:
    """Resistance of two to four resistors in series (0 for what is not there)."""
    return first + second + third + fourth


@formula(
    "series: N R, parallel: R / N", KIRCHHOFF,
    {
        "series": Quantity("ohm", "resistance in series", words="all identical, résistance en série"),
        "parallel": Quantity("ohm", "resistance in parallel", words="all identical, résistance en parallèle"),
    },
    words="identical equal resistors in series or parallel, résistances identiques en série ou en parallèle",
)  # fmt: skip
def like_resistors(
    each: Annotated[float, Quantity("ohm", "resistance of each", 1e-12, 1e15, words="identical, chacune identique")],
    count: Annotated[float, Quantity("", "resistors", 1, 1e9, words="résistances, bulbs, lamps, lampes, ampoules")],
) -> dict[str, float]:
    """Resistance of several like resistors in series and in parallel."""
    return {"series": each * count, "parallel": each / count}


@formula(
    "series: C / N, parallel: N C", KIRCHHOFF,
    {
        "series": Quantity("F", "capacitance in series", words="total all identical, capacité en série"),
        "parallel": Quantity("F", "capacitance in parallel", words="total all identical, capacité en parallèle"),
    },
    words="identical equal capacitors in series or parallel, condensateurs identiques en série ou en parallèle",
)  # fmt: skip
def like_capacitors(
    each: Annotated[float, Quantity("F", "capacitance of each", 1e-18, 1e9, words="identical, chacun identique")],
    count: Annotated[float, Quantity("", "capacitors", 1, 1e9, words="condensateurs, supercapacitors")],
) -> dict[str, float]:
    """Capacitance of several like capacitors in series and in parallel."""
    return {"series": each / count, "parallel": each * count}


@formula(
    "U = N U_each", KIRCHHOFF,
    {"voltage": Quantity("V", "total voltage", words="series all pack supply, tension totale des piles en série")},
    words="cells batteries in series total voltage, piles accus en série tension totale",
)  # fmt: skip
def series_voltage(
    each: Annotated[float, Quantity("V", "voltage of one cell", 1e-3, 1e4, words="each battery, tension d'une pile")],
    cells: Annotated[
        float,
        Quantity(
            "", "cells in series", 1, 1e6, words="batteries, series, piles, accus, accumulateurs, éléments, panels"
        ),
    ],
) -> float:
    """Voltage of like cells in series."""
    return each * cells


@formula(
    "1 / C = 1 / C1 + 1 / C2", KIRCHHOFF,
    {"capacitance": Quantity("F", "capacitance in series", words="total equivalent, capacité équivalente en série")},
    words="capacitors in series total equivalent capacitance, condensateurs en série capacité équivalente",
)  # fmt: skip
def series_capacitance(
    first: Annotated[float, one_of("first", "F", "capacitance", "C1 series capacitor, série condensateur")],
    second: Annotated[float, one_of("second", "F", "capacitance", "C2 series capacitor, série condensateur")],
) -> float:
    """Capacitance of two capacitors in series."""
    return 1 / (1 / first + 1 / second)


@formula(
    "C = C1 + C2 + C3", KIRCHHOFF,
    {"capacitance": Quantity("F", "capacitance in parallel", words="total equivalent, équivalente en parallèle")},
    words="capacitors in parallel total equivalent capacitance, condensateurs en parallèle capacité équivalente",
)  # fmt: skip
def parallel_capacitance(
    first: Annotated[float, one_of("first", "F", "capacitance", "C1 parallel capacitor, parallèle condensateur")],
    second: Annotated[float, one_of("second", "F", "capacitance", "C2 parallel capacitor, parallèle condensateur")],
    third: Annotated[float, one_of("third", "F", "capacitance", "C3 parallel, parallèle", True)] = 0.0,
) -> float:
    """Capacitance of two or three capacitors in parallel (0 for what is not there)."""
    return first + second + third


@formula(
    "U = U_supply R_lower / (R_upper + R_lower)", HOROWITZ,
    {"output": Quantity("V", "output voltage of the divider", words="across the lower Vout, tension de sortie")},
    words="voltage divider two resistors in series output voltage, pont diviseur de tension deux résistances sortie",
)  # fmt: skip
def voltage_divider(
    supply: Supply,
    upper: Annotated[float, Quantity("ohm", "upper resistance", 0, 1e15, words="R1 top first, résistance du haut")],
    lower: Annotated[
        float, Quantity("ohm", "lower resistance", 1e-12, 1e15, words="R2 bottom second across, résistance du bas")
    ],
) -> float:
    """Voltage over the second of two resistors in series at a supply, nothing being drawn there."""
    return supply * lower / (upper + lower)


@formula(
    "R = (U_supply - U_forward) / I", HOROWITZ,
    {"resistance": Quantity("ohm", "series resistance", words="ballast resistor, résistance en série")},
    words="LED series resistor forward voltage drop supply current, résistance de protection d'une LED diode "
          "électroluminescente tension directe alimentation",
)  # fmt: skip
def led_resistor(
    supply: Supply,
    forward_voltage: Annotated[
        float,
        Quantity("V", "forward voltage of the LED", 0, 100, words="drop diode Vf, tension directe seuil de la LED"),
    ],
    current: Annotated[float, Quantity("A", "current", 1e-9, 1e4, words="LED I, courant")],
) -> float:
    """Resistor that a diode needs in series at a supply for a current.

    Raises ScienceError where the supply is not above the forward voltage.
    """
    if supply <= forward_voltage:
        raise ScienceError("supply has to be above the forward voltage of the diode")
    return (supply - forward_voltage) / current


@formula(
    "Z = sqrt(R^2 + (2 pi f L - 1 / (2 pi f C))^2)", HOROWITZ,
    {
        "impedance": Quantity("ohm", "impedance", words="Z RLC series, impédance"),
        "phase": Quantity("deg", "phase of the impedance", words="φ angle, déphasage phase"),
    },
    words="impedance of a series RLC circuit at a frequency, impédance d'un circuit RLC série fréquence",
)  # fmt: skip
def rlc_impedance(
    resistance: Resistance, inductance: Inductance, capacitance: Capacitance, frequency: Frequency
) -> dict[str, float]:
    """Impedance of a resistor, a coil and a capacitor in series, and its phase."""
    reactance = 2 * pi * frequency * inductance - 1 / (2 * pi * frequency * capacitance)
    return {"impedance": sqrt(resistance**2 + reactance**2), "phase": degrees(atan2(reactance, resistance))}


@formula(
    "Z = sqrt(R^2 + 1 / (2 pi f C)^2)", HOROWITZ,
    {"impedance": Quantity("ohm", "impedance", words="Z RC series, impédance")},
    words="impedance of a resistor and capacitor in series RC at a frequency, impédance RC série fréquence",
)  # fmt: skip
def rc_impedance(resistance: Resistance, capacitance: Capacitance, frequency: Frequency) -> float:
    """Impedance of a resistor and a capacitor in series."""
    return sqrt(resistance**2 + 1 / (2 * pi * frequency * capacitance) ** 2)


@formula(
    "Z = sqrt(R^2 + (2 pi f L)^2), tau = L / R", HOROWITZ,
    {"impedance": Quantity("ohm", "impedance", words="Z RL series, impédance")},
    words="impedance of a resistor and coil in series RL at a frequency, impédance RL série bobine fréquence",
)  # fmt: skip
def rl_impedance(resistance: Resistance, inductance: Inductance, frequency: Frequency) -> float:
    """Impedance of a resistor and a coil in series."""
    return sqrt(resistance**2 + (2 * pi * frequency * inductance) ** 2)


@formula(
    "tau = L / R", HOROWITZ,
    {"time_constant": Quantity("s", "time constant", words="τ RL, constante de temps")},
    words="RL circuit time constant coil inductor, circuit RL constante de temps bobine",
)  # fmt: skip
def rl_time_constant(resistance: Resistance, inductance: Inductance) -> float:
    """Time constant of a coil and a resistor."""
    return inductance / resistance


@formula(
    "W = L I^2 / 2", HOROWITZ,
    {"energy": Quantity("J", "energy stored in the coil", words="inductor magnetic, énergie emmagasinée magnétique")},
    words="energy stored in an inductor coil current, énergie magnétique d'une bobine courant",
)  # fmt: skip
def inductor_energy(
    inductance: Inductance, current: Annotated[float, Quantity("A", "current", 0, 1e7, words="I, courant")]
) -> float:
    """Energy of a coil that carries a current."""
    return inductance * current**2 / 2


@formula(
    "I1 = U2 I2 / U1", HOROWITZ,
    {"primary_current": Quantity("A", "primary current", words="input side, courant primaire")},
    words="ideal transformer primary secondary current voltage, transformateur idéal courant primaire secondaire",
)  # fmt: skip
def transformer_current(
    primary_voltage: Annotated[float, Quantity("V", "primary voltage", 1e-6, 1e7, words="input U1, tension primaire")],
    secondary_voltage: Annotated[
        float, Quantity("V", "secondary voltage", 1e-6, 1e7, words="output U2, tension secondaire")
    ],
    secondary_current: Annotated[
        float, Quantity("A", "secondary current", 0, 1e7, words="output load I2, courant secondaire")
    ],
) -> float:
    """Current on the first side of an ideal transformer."""
    return secondary_voltage * secondary_current / primary_voltage


@formula(
    "U2 = U1 N2 / N1", HOROWITZ,
    {"secondary_voltage": Quantity("V", "secondary voltage", words="output U2, tension secondaire")},
    words="ideal transformer turns ratio voltage, transformateur idéal rapport de spires tension",
)  # fmt: skip
def transformer_voltage(
    primary_voltage: Annotated[float, Quantity("V", "primary voltage", 1e-6, 1e7, words="input U1, tension primaire")],
    primary_turns: Annotated[
        float, Quantity("", "turns of the primary", 1, 1e9, words="N1 windings, spires au primaire")
    ],
    secondary_turns: Annotated[
        float, Quantity("", "turns of the secondary", 1, 1e9, words="N2 windings, spires au secondaire")
    ],
) -> float:
    """Voltage on the second side of an ideal transformer."""
    return primary_voltage * secondary_turns / primary_turns


@formula(
    "R = R0 (1 + alpha (T - T0))", OHM,
    {"hot_resistance": Quantity("ohm", "resistance of the hot metal", words="when hot R other, résistance à chaud")},
    words="resistance of copper at a temperature coefficient alpha, résistance en température coefficient alpha cuivre",
)  # fmt: skip
def resistance_at_temperature(
    resistance: Annotated[
        float, Quantity("ohm", "resistance of the cold metal", 1e-12, 1e15, words="R0 cold, résistance à froid")
    ],
    first_temperature: Annotated[
        float, Quantity("K", "first temperature", 1, 3000, words="cold reference initial, température initiale froide")
    ],
    temperature: Annotated[
        float, Quantity("K", "temperature", 1, 3000, words="hot second final when, température chaude finale")
    ],
    coefficient: Annotated[
        float, Quantity("1/K", "temperature coefficient", -0.1, 0.1, words="alpha α, coefficient de température")
    ] = 0.00393,
) -> float:
    """Resistance of a metal, copper unless a coefficient is given, at another temperature."""
    return resistance * (1 + coefficient * (temperature - first_temperature))


@formula(
    "u = U (1 - exp(-t / (R C)))", HOROWITZ,
    {"voltage": Quantity("V", "voltage of the capacitor that charges", words="after uC, tension du condensateur")},
    words="RC charging capacitor voltage after a time, charge d'un condensateur tension au bout d'un temps",
)  # fmt: skip
def charging_capacitor(
    supply: Supply,
    resistance: Resistance,
    capacitance: Capacitance,
    time: Annotated[float, Quantity("s", "time", 0, 1e12, words="after t, temps au bout de durée")],
) -> float:
    """Voltage of a capacitor that is charged through a resistor, empty at first."""
    return supply * (1 - exp(-time / (resistance * capacitance)))


@formula(
    "t = -R C ln(1 - share)", HOROWITZ,
    {"time": Quantity("s", "time to charge", words="how long until reaches, durée de charge")},
    words="how long a capacitor takes to charge through a resistor to a percentage of the supply, durée de charge d'un "
          "condensateur à travers une résistance jusqu'à un pourcentage",
)  # fmt: skip
def capacitor_charging_time(
    resistance: Resistance,
    capacitance: Capacitance,
    share: Annotated[
        float,
        Quantity(
            "", "share of the supply voltage", 1e-9, 0.999999, words="percent charged charges, part chargé charge"
        ),
    ],
) -> float:
    """Time until a capacitor that is charged through a resistor has a share of the supply's voltage."""
    return -resistance * capacitance * log(1 - share)


@formula(
    "u = U0 exp(-t / (R C))", HOROWITZ,
    {"voltage": Quantity("V", "voltage of the capacitor that discharges", words="after, tension après")},
    words="RC discharging capacitor voltage after a time, décharge d'un condensateur tension au bout d'un temps",
)  # fmt: skip
def discharging_capacitor(
    first_voltage: Annotated[float, Quantity("V", "voltage at first", 0, 1e9, words="initial charged to U0, initiale")],
    resistance: Resistance,
    capacitance: Capacitance,
    time: Annotated[float, Quantity("s", "time", 0, 1e12, words="after t, temps au bout de durée")],
) -> float:
    """Voltage of a capacitor that is emptied through a resistor; solved for it, the time."""
    return first_voltage * exp(-time / (resistance * capacitance))


@formula(
    "U_rms = U_peak / sqrt(2), U_pp = 2 U_peak", HOROWITZ,
    {
        "rms": Quantity("V", "RMS voltage", words="root mean square effective sine, tension efficace"),
        "peak_to_peak": Quantity("V", "peak-to-peak voltage", words="swing Vpp, tension crête à crête"),
    },
    words="RMS effective voltage of a sine from its peak amplitude, tension efficace d'une sinusoïde crête amplitude",
)  # fmt: skip
def sine_voltage(
    peak: Annotated[float, Quantity("V", "peak voltage", 0, 1e9, words="amplitude maximum, tension crête maximale")],
) -> dict[str, float]:
    """Effective voltage of a sine and what is between its peaks."""
    return {"rms": peak / sqrt(2), "peak_to_peak": 2 * peak}


@formula(
    "I = P / (sqrt(3) U cos(phi) efficiency)", "IEC 60050-131",
    {"current": Quantity("A", "line current of the motor", words="I draws, courant de ligne absorbé")},
    words="three-phase motor line current shaft power efficiency power factor, moteur triphasé courant de ligne "
          "puissance utile rendement facteur de puissance",
)  # fmt: skip
def motor_current(
    voltage: Annotated[
        float,
        Quantity("V", "voltage between lines", 1, 1e7, words="line-to-line phase U, tension composée entre phases"),
    ],
    power: Annotated[
        float, Quantity("W", "shaft power", 0, 1e12, words="motor rated output P, puissance utile moteur")
    ],
    power_factor: Annotated[float, Quantity("", "power factor", 0.01, 1, words="cos phi φ, facteur de puissance")],
    efficiency: Annotated[float, Quantity("", "efficiency", 0.01, 1, words="η motor, rendement")],
) -> float:
    """Line current of a three-phase motor from the power at its shaft."""
    return power / (sqrt(3) * voltage * power_factor * efficiency)
