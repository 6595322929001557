"""The double layer and activities in electrolytes, and what capacitors hold."""

from __future__ import annotations

from math import cosh, sqrt
from typing import Annotated

from galop.science.constants import EPSILON0, KB, NA, ROOM, E, F, R
from galop.science.fields.electrolysis import Area
from galop.science.fields.potentials import BF, Temperature
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

MALMBERG = "Malmberg & Maryott, J. Res. NBS 56 (1956) 1"
ROBINSON = "Robinson & Stokes, Electrolyte Solutions, 2nd ed."
CONWAY = "Conway, Electrochemical Supercapacitors, 1999"
WaterTemperature = Annotated[float, Quantity("K", "temperature", 273.15, 373.15, words="T, température")]
Charge = Annotated[float, Quantity("", "charge number of the ion", -6, 6, words="z valence, charge de l'ion")]
Capacitance = Annotated[float, Quantity("F", "capacitance", 1e-15, 1e9, words="farad C, capacité du condensateur")]


def permittivity_of_water(temperature: float) -> float:
    """Relative permittivity of water at 1 atm, 273.15 to 373.15 K (Malmberg & Maryott)."""
    t = temperature - 273.15
    return 87.740 - 0.40008 * t + 9.398e-4 * t * t - 1.410e-6 * t**3


@formula(
    "eps_r = 87.740 - 0.40008 t + 9.398e-4 t^2 - 1.410e-6 t^3, t in degC", MALMBERG,
    {"permittivity": Quantity("", "relative permittivity",
                              words="dielectric constant εr, permittivité constante diélectrique")},
    words="relative permittivity dielectric constant of water at a temperature, permittivité relative constante "
          "diélectrique de l'eau",
)  # fmt: skip
def water_permittivity(temperature: WaterTemperature = ROOM) -> float:
    """Relative permittivity of water at a temperature."""
    return permittivity_of_water(temperature)


def solvent_permittivity(permittivity: float | None, temperature: float) -> float:
    """What is given, else water's. Raises ScienceError where water is no liquid at 1 atm."""
    if permittivity is not None:
        return permittivity
    if not 273.15 <= temperature <= 373.15:
        raise ScienceError(
            f"temperature is {temperature:g} K; water's permittivity is known from 273.15 to 373.15 K, "
            "give the solvent's permittivity"
        )
    return permittivity_of_water(temperature)


def screening_length(ionic_strength: float, permittivity: float, temperature: float) -> float:
    """Debye length [m]; ionic strength in mol/L."""
    return sqrt(permittivity * EPSILON0 * KB * temperature / (2 * NA * E * E * ionic_strength * 1000))


Permittivity = Annotated[
    float | None,
    Quantity("", "relative permittivity of the solvent, else water's at that temperature", 1, 200,
             words="dielectric constant εr, permittivité relative constante diélectrique"),
]  # fmt: skip


@formula(
    "lambda = sqrt(eps_r eps_0 k T / (2 N_A e^2 I)), eps_r of water from its temperature",
    f"{BF}, eq. 13.3.15; {MALMBERG}",
    {
        "length": Quantity("nm", "Debye length", words="screening double layer κ-1, longueur de Debye écrantage"),
        "permittivity_used": Quantity("", "relative permittivity used", words="permittivité utilisée"),
    },
    words="Debye length screening length double layer thickness electrolyte, longueur de Debye, force ionique, double "
          "couche",
)  # fmt: skip
def debye_length(
    ionic_strength: Annotated[
        float,
        Quantity(
            "mol/L", "ionic strength", 1e-8, 0.2, words="I salt concentration, force ionique concentration en sel"
        ),
    ],
    permittivity: Permittivity = None,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Thickness of the double layer in an electrolyte (Debye); in water unless a permittivity is given."""
    relative = solvent_permittivity(permittivity, temperature)
    return {"length": 1e9 * screening_length(ionic_strength, relative, temperature), "permittivity_used": relative}


@formula(
    "log10(gamma) = -0.509 z^2 (sqrt(I) / (1 + sqrt(I)) - 0.3 I)", "Davies, Ion Association, 1962",
    {"activity_coefficient": Quantity("", "activity coefficient", words="γ gamma, coefficient d'activité")},
    words="Davies activity coefficient of an ion ionic strength, coefficient d'activité d'un ion, force ionique, "
          "Davies",
)  # fmt: skip
def activity_coefficient(
    charge: Charge,
    ionic_strength: Annotated[float, Quantity("mol/L", "ionic strength", 0, 0.5, words="I, force ionique")],
) -> float:
    """Activity coefficient of an ion in water at 25 degC, to an ionic strength of 0.5 mol/L (Davies)."""
    root = sqrt(ionic_strength)
    return float(10 ** (-0.509 * charge * charge * (root / (1 + root) - 0.3 * ionic_strength)))


@formula(
    "log10(gamma) = -A |z+ z-| sqrt(I) / (1 + B a sqrt(I)); A = 1.8248e6 / (eps T)^1.5, B = 50.29 / (eps T)^0.5 per "
    "angstrom",
    f"Debye & Hückel, Phys. Z. 24 (1923) 185; {ROBINSON}, ch. 9; {MALMBERG}",
    {"activity_coefficient": Quantity("", "mean activity coefficient", words="γ± gamma, coefficient d'activité moyen")},
    words="Debye-Hückel limiting law mean activity coefficient ionic strength, loi limite de Debye-Hückel coefficient "
          "d'activité moyen",
)  # fmt: skip
def debye_hueckel(
    ionic_strength: Annotated[float, Quantity("mol/L", "ionic strength", 0, 0.1, words="I, force ionique")],
    cation_charge: Annotated[
        float, Quantity("", "charge number of the cation", 1, 6, words="z+, charge du cation")
    ] = 1.0,
    anion_charge: Annotated[
        float, Quantity("", "charge number of the anion, without its sign", 1, 6, words="z-, charge de l'anion")
    ] = 1.0,
    ion_size: Annotated[
        float,
        Quantity(
            "angstrom",
            "ion size, 0 for the limiting law",
            0,
            20,
            words="distance of closest approach a å, taille de l'ion",
        ),
    ] = 0.0,
    temperature: WaterTemperature = ROOM,
) -> float:
    """Mean activity coefficient of a salt in water (Debye-Hückel, the limiting law or with an ion size).

    Raises ScienceError for the limiting law above 0.01 mol/L.
    """
    if ion_size == 0 and ionic_strength > 0.01:
        raise ScienceError(
            "the limiting law holds up to an ionic strength of 0.01 mol/L; give an ion_size such as 3 angstrom"
        )
    thermal = permittivity_of_water(temperature) * temperature
    root = sqrt(ionic_strength)
    slope, size = 1.8248e6 / thermal**1.5, 50.29 / sqrt(thermal)
    return float(10 ** (-slope * cation_charge * anion_charge * root / (1 + size * ion_size * root)))


@formula(
    "C = eps_r eps_0 / d", "Helmholtz, Ann. Phys. 243 (1879) 337; Bard & Faulkner, sec. 13.3.1",
    {"capacitance": Quantity("uF/cm^2", "capacitance of the area",
                             words="double layer Helmholtz, capacité de double couche")},
    words="Helmholtz double-layer capacitance permittivity thickness, capacité de la double couche Helmholtz",
)  # fmt: skip
def helmholtz_capacitance(
    permittivity: Annotated[
        float, Quantity("", "relative permittivity of the layer", 1, 200, words="εr, permittivité relative")
    ],
    thickness: Annotated[
        float, Quantity("nm", "thickness of the layer", 0.01, 1e5, words="d distance, épaisseur de la couche")
    ],
) -> float:
    """Capacitance of a double layer taken as a plate capacitor (Helmholtz)."""
    return permittivity * EPSILON0 / (thickness * 1e-9) * 100


@formula(
    "C = eps_r eps_0 / lambda cosh(z F phi / (2 R T)), lambda for ions of charge z", f"{BF}, eq. 13.3.21; {MALMBERG}",
    {"capacitance": Quantity("uF/cm^2", "capacitance of the diffuse layer",
                             words="Gouy-Chapman, capacité de la couche diffuse")},
    words="Gouy-Chapman diffuse layer differential capacitance, capacité différentielle de la couche diffuse",
)  # fmt: skip
def diffuse_capacitance(
    concentration: Annotated[
        float, Quantity("mol/L", "concentration of the symmetric salt", 1e-8, 0.2, words="c, concentration du sel")
    ],
    potential: Annotated[
        float, Quantity("V", "potential across the diffuse layer", -0.5, 0.5, words="φ2, potentiel")
    ] = 0.0,
    charge: Annotated[float, Quantity("", "charge number of the ions", 1, 4, words="z, charge des ions")] = 1.0,
    temperature: WaterTemperature = ROOM,
) -> float:
    """Differential capacitance of the diffuse layer of a symmetric salt in water (Gouy-Chapman)."""
    relative = permittivity_of_water(temperature)
    length = screening_length(concentration * charge**2, relative, temperature)
    return relative * EPSILON0 / length * cosh(charge * F * potential / (2 * R * temperature)) * 100


@formula(
    "C = c A", CONWAY, {"capacitance": Quantity("F", "capacitance", words="C double layer, capacité totale")},
    words="double-layer capacitance of an area, capacité de double couche surface",
)  # fmt: skip
def double_layer_capacitance(
    specific: Annotated[
        float,
        Quantity("uF/cm^2", "capacitance for each area", 1e-3, 1e6, words="specific capacitance, capacité surfacique"),
    ],
    area: Area,
) -> float:
    """Capacitance of an electrode from that of each area; solved for it, the electrochemically active area."""
    return specific * 0.01 * area


@formula(
    "C = i / v", f"{BF}, sec. 6.2.4",
    {"capacitance": Quantity("F", "capacitance", words="double layer capacitance C, capacité de double couche")},
    words="capacitance from the charging current in cyclic voltammetry scan rate, capacité courant capacitif vitesse "
          "de balayage",
)  # fmt: skip
def capacitance_from_sweep(
    current: Annotated[
        float, Quantity("A", "charging current", 0, words="capacitive non-faradaic, courant capacitif de charge")
    ],
    scan_rate: Annotated[float, Quantity("V/s", "scan rate", 1e-6, 1e6, words="sweep rate v, vitesse de balayage")],
) -> float:
    """Capacitance of an electrode from its charging current at a scan rate."""
    return current / scan_rate


@formula(
    "C = I t / (U1 - U2)", CONWAY, {"capacitance": Quantity("F", "capacitance", words="C, capacité")},
    words="supercapacitor capacitance from galvanostatic discharge, capacité d'un supercondensateur décharge "
          "galvanostatique",
)  # fmt: skip
def capacitance_from_discharge(
    current: Annotated[float, Quantity("A", "discharge current", 1e-12, words="courant de décharge")],
    time: Annotated[float, Quantity("s", "time of discharge", 1e-9, words="duration, durée de décharge")],
    start_voltage: Annotated[
        float, Quantity("V", "voltage at the start", 0, 1e6, words="from initial, tension initiale")
    ],
    end_voltage: Annotated[float, Quantity("V", "voltage at the end", 0, 1e6, words="to final, tension finale")] = 0.0,
) -> float:
    """Capacitance from a discharge at constant current.

    Raises ScienceError where the voltage does not fall.
    """
    if end_voltage >= start_voltage:
        raise ScienceError("end_voltage has to be below start_voltage in a discharge")
    return current * time / (start_voltage - end_voltage)


@formula(
    "W = C (U1^2 - U2^2) / 2, Q = C (U1 - U2)", CONWAY,
    {
        "energy": Quantity("J", "energy given between the voltages", words="stored energy, énergie stockée"),
        "charge": Quantity("C", "charge given between the voltages", words="charge Q, charge"),
    },
    words="energy in a capacitor supercapacitor between two voltages, énergie d'un condensateur supercondensateur "
          "tension",
)  # fmt: skip
def capacitor_energy(
    capacitance: Capacitance,
    voltage: Annotated[
        float, Quantity("V", "voltage", 0, 1e9, words="charged initial rated, tension de charge initiale")
    ],
    end_voltage: Annotated[
        float, Quantity("V", "voltage at the end", 0, 1e9, words="final minimum discharged, tension finale minimale")
    ] = 0.0,
) -> dict[str, float]:
    """Energy and charge of a capacitor, whole or between two voltages.

    Raises ScienceError where the voltage at the end is the higher one.
    """
    if end_voltage > voltage:
        raise ScienceError("end_voltage has to be at most voltage")
    return {
        "energy": capacitance * (voltage**2 - end_voltage**2) / 2,
        "charge": capacitance * (voltage - end_voltage),
    }


@formula(
    "P = U^2 / (4 R)", CONWAY, {"power": Quantity("W", "largest power",
                                                  words="maximum matched load, puissance maximale")},
    words="maximum power of a cell or supercapacitor with internal resistance ESR, puissance maximale résistance "
          "interne série",
)  # fmt: skip
def largest_power(
    voltage: Annotated[
        float, Quantity("V", "voltage without load", 0, 1e6, words="open circuit rated, tension à vide")
    ],
    resistance: Annotated[
        float, Quantity("ohm", "internal resistance", 1e-9, 1e9, words="ESR series, résistance interne série")
    ],
) -> float:
    """Largest power that a source with an internal resistance can give."""
    return voltage**2 / (4 * resistance)
