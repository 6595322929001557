"""Charges, coils and amplifiers: forces, fields, capacitors of plates, gains, divided currents."""

from __future__ import annotations

from math import pi
from typing import Annotated

from galop.science.constants import EPSILON0
from galop.science.formula import Quantity, formula

HALLIDAY = "Halliday, Resnick & Walker, Fundamentals of Physics, 10th ed."
HOROWITZ = "Horowitz & Hill, The Art of Electronics, 3rd ed."
MU0 = 1.25663706212e-6  # N/A^2, CODATA 2018
Current = Annotated[float, Quantity("A", "current", -1e9, 1e9, "I, courant intensité")]


@formula(
    "C = eps0 eps_r A / d",
    f"{HALLIDAY}, ch. 25",
    {"capacitance": Quantity("F", "capacitance", words="parallel plate C, capacité")},
    words="parallel-plate capacitor area gap dielectric, condensateur plan armatures écartement diélectrique",
)
def plate_capacitor(
    area: Annotated[float, Quantity("m^2", "area of the plates", 0, 1e6, "A plate, surface des armatures")],
    gap: Annotated[
        float,
        Quantity(
            "m", "distance of the plates", 1e-12, 1e3, "gap separation d thickness dielectric, écartement épaisseur"
        ),
    ],
    permittivity: Annotated[
        float, Quantity("", "relative permittivity", 1, 1e6, "dielectric constant eps_r, permittivité relative")
    ] = 1.0,
) -> float:
    """Capacitance of two plates that are wide against their distance."""
    return EPSILON0 * permittivity * area / gap


@formula(
    "F = q1 q2 / (4 pi eps0 r^2)",
    f"{HALLIDAY}, ch. 21",
    {"force": Quantity("N", "electrostatic force", words="Coulomb repulsion attraction, force électrostatique")},
    words="Coulomb's law force between two point charges, loi de Coulomb force entre deux charges",
)
def coulomb_force(
    first_charge: Annotated[float, Quantity("C", "first charge", -1e9, 1e9, "q1, première charge")],
    second_charge: Annotated[float, Quantity("C", "second charge", -1e9, 1e9, "q2, deuxième charge")],
    distance: Annotated[float, Quantity("m", "distance of the charges", 1e-15, 1e12, "apart r, distance séparées de")],
) -> float:
    """Force between two point charges in vacuum."""
    return first_charge * second_charge / (4 * pi * EPSILON0 * distance**2)


@formula(
    "B = mu0 mu_r N I / L",
    f"{HALLIDAY}, ch. 29",
    {"field": Quantity("T", "magnetic field", words="flux density B inside, champ magnétique")},
    words="magnetic field inside a long solenoid coil turns, champ magnétique dans un solénoïde bobine spires",
)
def solenoid_field(
    turns: Annotated[float, Quantity("", "turns", 1, 1e9, "windings N, spires")],
    current: Current,
    length: Annotated[float, Quantity("m", "length of the coil", 1e-6, 1e4, "solenoid L long, longueur du solénoïde")],
    permeability: Annotated[float, Quantity("", "relative permeability", 1, 1e6, "core mu_r, perméabilité")] = 1.0,
) -> float:
    """Magnetic field in the middle of a long solenoid."""
    return MU0 * permeability * turns * current / length


@formula(
    "F = B I L",
    f"{HALLIDAY}, ch. 28",
    {"force": Quantity("N", "magnetic force", words="on a wire Laplace, force de Laplace")},
    words="force on a current-carrying wire in a magnetic field, force de Laplace sur un conducteur dans un champ "
    "magnétique",
)
def wire_force(
    field: Annotated[float, Quantity("T", "magnetic field", 0, 1e4, "B flux density, champ magnétique")],
    current: Current,
    length: Annotated[float, Quantity("m", "length of the wire", 0, 1e6, "conductor L, longueur du fil conducteur")],
) -> float:
    """Force on a wire across a magnetic field."""
    return field * current * length


@formula(
    "I1 = I R2 / (R1 + R2)",
    f"{HOROWITZ}, ch. 1",
    {
        "branch_current": Quantity(
            "A", "current in the first branch", words="through the first resistor, courant dans la première branche"
        )
    },
    words="current divider two parallel resistors branch current, diviseur de courant branche",
)
def current_divider(
    total: Annotated[float, Quantity("A", "total current", -1e9, 1e9, "I supply, courant total")],
    first: Annotated[
        float, Quantity("ohm", "resistance of the branch", 1e-12, 1e12, "R1 through, première résistance")
    ],
    second: Annotated[float, Quantity("ohm", "resistance beside it", 0, 1e12, "R2 other, autre résistance")],
) -> float:
    """Current through the first of two resistors in parallel."""
    return total * second / (first + second)


@formula(
    "gain = -R_f / R_in (inverting), 1 + R_f / R_in (non-inverting)",
    f"{HOROWITZ}, ch. 4",
    {
        "inverting": Quantity("", "gain of the inverting amplifier", words="amplification, gain inverseur"),
        "non_inverting": Quantity("", "gain of the non-inverting amplifier", words="noninverting, gain non inverseur"),
    },
    words="op-amp gain feedback resistor input resistor amplifier, gain d'un amplificateur opérationnel résistance "
    "de contre-réaction AOP",
)
def amplifier_gain(
    feedback: Annotated[float, Quantity("ohm", "feedback resistance", 0, 1e12, "Rf, contre-réaction")],
    entry: Annotated[float, Quantity("ohm", "input resistance", 1e-3, 1e12, "Rin R1 ground, résistance d'entrée")],
) -> dict[str, float]:
    """Voltage gains of an operational amplifier with two resistors."""
    return {"inverting": -feedback / entry, "non_inverting": 1 + feedback / entry}
