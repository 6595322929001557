"""Electrode kinetics and corrosion: Tafel, Butler-Volmer, charge transfer, polarisation resistance, penetration."""

from __future__ import annotations

from math import asinh, exp, log, log10
from typing import Annotated

from galop.science.constants import ROOM, F, R
from galop.science.fields.electrolysis import Area, CurrentDensity, Electrons, MolarMass
from galop.science.fields.potentials import BF, Temperature
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

YEAR = 365.25 * 86_400  # s
STERN = "Stern & Geary, J. Electrochem. Soc. 104 (1957) 56; ASTM G102-89"
Alpha = Annotated[
    float,
    Quantity("", "transfer coefficient", 0.01, 5, words="charge-transfer symmetry alpha α, coefficient de transfert"),
]
AnodicAlpha = Annotated[
    float, Quantity("", "anodic transfer coefficient", 0.01, 0.99,
                    words="charge-transfer symmetry factor alpha α, coefficient de transfert anodique")
]  # fmt: skip
ExchangeCurrentDensity = Annotated[
    float, Quantity("A/m^2", "exchange current density", 1e-15, 1e8, words="i0 j0, densité de courant d'échange")
]
Slope = Annotated[
    float,
    Quantity("mV", "Tafel slope for each decade of current", 1, 1000,
             words="mV per decade mV/dec b beta, pente de Tafel par décade"),
]  # fmt: skip
OVERPOTENTIAL = "overvoltage polarisation eta η, surtension polarisation"
TAFEL = "Tafel, Z. Phys. Chem. 50 (1905) 641"


def slope_of(what: str, words: str) -> Quantity:
    """An input that is the Tafel slope of one branch."""
    return Quantity("mV", what, 1, 1000, words=f"mV per decade {words}, pente de Tafel")


@formula(
    "b = ln(10) R T / (alpha F)", f"{BF}, sec. 3.4.3",
    {"slope": Quantity("mV", "Tafel slope for each decade of current", words="mV per decade b, pente de Tafel")},
    words="Tafel slope from transfer coefficient, pente de Tafel, coefficient de transfert",
)  # fmt: skip
def tafel_slope(alpha: Alpha, temperature: Temperature = ROOM) -> float:
    """Tafel slope of a charge-transfer reaction."""
    return 1000 * log(10) * R * temperature / (alpha * F)


@formula(
    "alpha = ln(10) R T / (b F)", f"{BF}, sec. 3.4.3",
    {"alpha": Quantity("", "transfer coefficient", words="alpha α, coefficient de transfert")},
    words="transfer coefficient from Tafel slope, coefficient de transfert à partir de la pente de Tafel",
)  # fmt: skip
def transfer_coefficient(slope: Slope, temperature: Temperature = ROOM) -> float:
    """Transfer coefficient that a Tafel slope means."""
    return 1000 * log(10) * R * temperature / (slope * F)


@formula(
    "eta = b log10(i / i0)", f"{TAFEL}; {BF}, sec. 3.4.3",
    {"overpotential": Quantity("mV", "overpotential", words=OVERPOTENTIAL)},
    words="Tafel equation overpotential from current density and slope, loi de Tafel surtension densité de courant",
)  # fmt: skip
def tafel_overpotential(
    current_density: Annotated[
        float, Quantity("A/m^2", "current density", 1e-15, 1e9, words="i j, densité de courant")
    ],
    exchange_current_density: ExchangeCurrentDensity,
    slope: Slope,
) -> float:
    """Overpotential at a current density, from the Tafel slope; holds well above the exchange current.

    Raises ScienceError below the exchange current density, where the line does not hold.
    """
    if current_density < exchange_current_density:
        raise ScienceError(
            f"current_density ({current_density:g} A/m^2) is below the exchange current density, where "
            "Tafel's line does not hold; use butler_volmer_overpotential"
        )
    return slope * log10(current_density / exchange_current_density)


@formula(
    "i = i0 10^(eta / b)", f"{TAFEL}; {BF}, sec. 3.4.3",
    {"current_density": Quantity("A/m^2", "current density", words="i j, densité de courant")},
    words="Tafel equation current density from overpotential slope and exchange current density, loi de Tafel densité "
          "de courant surtension pente",
)  # fmt: skip
def tafel_current(
    overpotential: Annotated[float, Quantity("mV", "overpotential", 0, 5e3, words=OVERPOTENTIAL)],
    exchange_current_density: ExchangeCurrentDensity,
    slope: Slope,
) -> float:
    """Current density at an overpotential, from the Tafel slope."""
    return float(exchange_current_density * 10 ** (overpotential / slope))


@formula(
    "i0 = i 10^(-eta / b)", f"{TAFEL}; {BF}, sec. 3.4.3",
    {"exchange_current_density": Quantity("A/m^2", "exchange current density", words="i0 j0, densité de courant "
                                                                                   "d'échange")},
    words="exchange current density from a point of the Tafel line overpotential slope, densité de courant d'échange "
          "d'après un point de la droite de Tafel surtension pente",
)  # fmt: skip
def tafel_exchange_current(
    current_density: Annotated[
        float, Quantity("A/m^2", "current density", 1e-15, 1e9, words="i j, densité de courant")
    ],
    overpotential: Annotated[float, Quantity("mV", "overpotential", 0, 5e3, words=OVERPOTENTIAL)],
    slope: Slope,
) -> float:
    """Exchange current density from a point on a Tafel line and its slope."""
    return float(current_density * 10 ** (-overpotential / slope))


@formula(
    "eta = R T / (alpha F) ln(i / i0)", f"{BF}, eq. 3.4.15",
    {"overpotential": Quantity("mV", "overpotential", words=OVERPOTENTIAL)},
    words="Tafel activation overpotential from transfer coefficient, surtension d'activation coefficient de transfert",
)  # fmt: skip
def activation_overpotential(
    current_density: Annotated[
        float, Quantity("A/m^2", "current density", 1e-15, 1e9, words="i j, densité de courant")
    ],
    exchange_current_density: ExchangeCurrentDensity,
    alpha: Alpha = 0.5,
    temperature: Temperature = ROOM,
) -> float:
    """Overpotential in the Tafel region from the transfer coefficient; holds well above the exchange current.

    Raises ScienceError below the exchange current density, where the line does not hold.
    """
    slope = tafel_slope.function(alpha, temperature)
    return float(tafel_overpotential.function(current_density, exchange_current_density, slope))


@formula(
    "log10(i0 / i_unit) = -a / b", f"{TAFEL}; {BF}, sec. 3.4.3",
    {"exchange_current_density": Quantity("A/m^2", "exchange current density",
                                          words="i0 j0, densité de courant d'échange")},
    words="exchange current from Tafel intercept and slope eta = a + b log i, courant d'échange ordonnée à l'origine "
          "pente de Tafel",
)  # fmt: skip
def tafel_intercept(
    intercept: Annotated[
        float,
        Quantity(
            "mV",
            "overpotential at the unit of current density",
            -5000,
            5000,
            words="constant a Tafel intercept, ordonnée à l'origine",
        ),
    ],
    slope: Slope,
    unit_current: Annotated[
        float, Quantity("A/m^2", "unit of current density in the logarithm", 1e-6, 1e6, words="A/cm2 by default, unité")
    ] = 1e4,
) -> float:
    """Exchange current density from a Tafel line eta = a + b log10(i), i in A/cm^2 unless said otherwise."""
    return float(unit_current * 10 ** (-intercept / slope))


@formula(
    "b = (eta2 - eta1) / log10(i2 / i1), i0 = i1 10^(-eta1 / b)", f"{TAFEL}; {BF}, sec. 3.4.3",
    {
        "slope": Quantity("mV", "Tafel slope for each decade of current", words="b, pente de Tafel"),
        "exchange_current_density": Quantity("A/m^2", "exchange current density", words="i0 j0, courant d'échange"),
    },
    words="Tafel slope and exchange current from two points of a plot, pente de Tafel courant d'échange deux points",
)  # fmt: skip
def tafel_line(
    first_current: Annotated[
        float, Quantity("A/m^2", "first current density", 1e-15, 1e9, words="i1 j1, première densité de courant")
    ],
    first_overpotential: Annotated[
        float, Quantity("mV", "overpotential at the first", -5000, 5000, words="eta1 η1, première surtension")
    ],
    second_current: Annotated[
        float, Quantity("A/m^2", "second current density", 1e-15, 1e9, words="i2 j2, deuxième densité de courant")
    ],
    second_overpotential: Annotated[
        float, Quantity("mV", "overpotential at the second", -5000, 5000, words="eta2 η2, deuxième surtension")
    ],
) -> dict[str, float]:
    """Tafel slope and exchange current density from two points on a Tafel line.

    Raises ScienceError where both points are one, or lie so that no line of Tafel's goes through them.
    """
    decades = log10(second_current / first_current)
    if abs(decades) < 1e-9 or second_overpotential == first_overpotential:
        raise ScienceError("two points of a Tafel line have two current densities and two overpotentials")
    slope = (second_overpotential - first_overpotential) / decades
    return {"slope": slope, "exchange_current_density": first_current * 10 ** (-first_overpotential / slope)}


@formula(
    "i = i0 (exp(alpha F eta / (R T)) - exp(-(1 - alpha) F eta / (R T)))", f"{BF}, eq. 3.4.11",
    {
        "current_density": Quantity("A/m^2", "current density", words="net current i j, densité de courant"),
        "resistance": Quantity("ohm*m^2", "charge-transfer resistance", words="Rct, résistance de transfert de charge"),
    },
    words="Butler-Volmer current density at an overpotential, densité de courant, surtension, courant d'échange, "
          "Butler-Volmer",
)  # fmt: skip
def butler_volmer(
    exchange_current_density: ExchangeCurrentDensity,
    overpotential: Annotated[float, Quantity("V", "overpotential", -3, 3, words=OVERPOTENTIAL)],
    alpha: AnodicAlpha = 0.5,
    temperature: Temperature = ROOM,
) -> dict[str, float]:
    """Current density of a charge-transfer reaction at an overpotential (Butler-Volmer)."""
    f = F / (R * temperature)
    return {
        "current_density": exchange_current_density * net_rate(f * overpotential, alpha),
        "resistance": 1 / (f * exchange_current_density),
    }


def net_rate(eta: float, alpha: float) -> float:
    """Current over exchange current at an overpotential in units of R T / F."""
    return exp(alpha * eta) - exp(-(1 - alpha) * eta)


@formula(
    "i = i0 (exp(alpha F eta / (R T)) - exp(-(1 - alpha) F eta / (R T))) solved for eta; 2 R T / F asinh(i / (2 i0)) "
    "where alpha is 1/2", f"{BF}, eq. 3.4.11",
    {"overpotential": Quantity("mV", "overpotential", words=OVERPOTENTIAL)},
    words="Butler-Volmer overpotential from a current density, surtension à une densité de courant Butler-Volmer",
)  # fmt: skip
def butler_volmer_overpotential(
    current_density: Annotated[
        float,
        Quantity("A/m^2", "current density", -1e9, 1e9, words="net current anodic positive i j, densité de courant"),
    ],
    exchange_current_density: ExchangeCurrentDensity,
    alpha: AnodicAlpha = 0.5,
    temperature: Temperature = ROOM,
) -> float:
    """Overpotential that drives a current density through a charge-transfer reaction (Butler-Volmer inverted)."""
    ratio = current_density / exchange_current_density
    if alpha == 0.5:
        eta = 2 * asinh(ratio / 2)
    else:  # where only one branch counts, its overpotential is beyond the root; both are 0 at 0
        low, high = sorted((0.0, log(1 + ratio) / alpha if ratio > 0 else -log(1 - ratio) / (1 - alpha)))
        for _ in range(200):
            eta = (low + high) / 2
            low, high = (eta, high) if net_rate(eta, alpha) < ratio else (low, eta)
        eta = (low + high) / 2
    return 1000 * R * temperature / F * eta


@formula(
    "U = E - b log10(j / j0) - r j", "Larminie & Dicks, Fuel Cell Systems Explained, 2nd ed., sec. 3.9",
    {"voltage": Quantity("V", "voltage of the cell",
                         words="operating polarisation curve, tension de la cellule en fonctionnement")},
    words="fuel cell polarisation curve activation ohmic losses, courbe de polarisation pile à combustible pertes "
          "d'activation ohmiques",
)  # fmt: skip
def polarisation_curve(
    open_voltage: Annotated[
        float, Quantity("V", "reversible voltage", 0, 10, words="open circuit E, tension réversible à vide")
    ],
    current_density: Annotated[
        float, Quantity("A/m^2", "current density", 1e-9, 1e7, words="j i operating, densité de courant")
    ],
    exchange_current_density: ExchangeCurrentDensity,
    slope: Slope,
    area_resistance: Annotated[
        float,
        Quantity(
            "ohm*m^2", "resistance for the area", 0, 1e3, words="area specific ASR r ohm cm2, résistance surfacique"
        ),
    ] = 0.0,
) -> float:
    """Voltage of a fuel cell under load, less its activation and ohmic losses."""
    activation = slope / 1000 * log10(current_density / exchange_current_density)
    return open_voltage - activation - area_resistance * current_density


@formula(
    "R_ct = R T / (n F i0 A)", f"{BF}, eq. 3.4.13",
    {"resistance": Quantity("ohm", "charge-transfer resistance", words="Rct, résistance de transfert de charge")},
    words="charge-transfer resistance from exchange current, résistance de transfert de charge courant d'échange",
)  # fmt: skip
def charge_transfer_resistance(
    exchange_current_density: ExchangeCurrentDensity,
    area: Area,
    electrons: Electrons = 1.0,
    temperature: Temperature = ROOM,
) -> float:
    """Resistance of a charge-transfer reaction near equilibrium."""
    return R * temperature / (electrons * F * exchange_current_density * area)


@formula(
    "i_corr = b_a b_c / (ln(10) (b_a + b_c) R_p)", STERN,
    {"current_density": Quantity("A/m^2", "corrosion current density",
                                 words="icorr jcorr, densité de courant de corrosion")},
    words="Stern-Geary corrosion current from polarisation resistance, courant de corrosion résistance de polarisation",
)  # fmt: skip
def stern_geary(
    anodic_slope: Annotated[float, slope_of("anodic Tafel slope", "beta a ba βa anodic, anodique")],
    cathodic_slope: Annotated[
        float, slope_of("cathodic Tafel slope, as a positive number", "beta c bc βc cathodic, cathodique")
    ],
    polarisation_resistance: Annotated[
        float,
        Quantity(
            "ohm*m^2",
            "polarisation resistance for the area",
            1e-9,
            1e9,
            words="Rp linear polarization LPR ohm cm2, résistance de polarisation",
        ),
    ],
) -> float:
    """Corrosion current density from the polarisation resistance and both Tafel slopes (Stern-Geary)."""
    constant = anodic_slope * cathodic_slope / (log(10) * (anodic_slope + cathodic_slope)) / 1000
    return constant / polarisation_resistance


@formula(
    "rate = i M / (z F density)", "ASTM G102-89",
    {"rate": Quantity("mm/year", "corrosion rate",
                      words="penetration thickness loss, vitesse de corrosion pénétration")},
    words="corrosion rate penetration from current density icorr, vitesse de corrosion, densité de courant de "
          "corrosion",
)  # fmt: skip
def corrosion_rate(
    current_density: Annotated[
        float,
        Quantity("A/m^2", "corrosion current density", 0, 1e6, words="icorr jcorr, densité de courant de corrosion"),
    ],
    molar_mass: MolarMass,
    electrons: Electrons,
    density: Annotated[
        float, Quantity("g/cm^3", "density of the metal", 0.5, 23, words="rho, masse volumique du métal")
    ],
) -> float:
    """Penetration rate of uniform corrosion from its current density."""
    return current_density * molar_mass / (electrons * F * density * 1e6) * 1000 * YEAR


@formula(
    "rate = m / (density A t)", "ASTM G1-03, sec. 8",
    {"rate": Quantity("mm/year", "corrosion rate",
                      words="penetration thickness loss, vitesse de corrosion pénétration")},
    words="corrosion rate from mass loss of a coupon weight loss, vitesse de corrosion perte de masse éprouvette",
)  # fmt: skip
def corrosion_from_mass_loss(
    mass: Annotated[float, Quantity("g", "mass lost", 0, words="weight loss, perte de masse")],
    area: Annotated[float, Quantity("m^2", "exposed area", 1e-12, words="surface coupon, surface exposée")],
    time: Annotated[float, Quantity("s", "time of exposure", 1e-3, words="duration, durée d'exposition")],
    density: Annotated[
        float, Quantity("g/cm^3", "density of the metal", 0.5, 23, words="rho, masse volumique du métal")
    ],
) -> float:
    """Penetration rate of uniform corrosion from the mass that a coupon lost."""
    return mass / (density * 1e6) / area / time * 1000 * YEAR


@formula(
    "i = m z F / (M A t)", "ASTM G102-89",
    {"current_density": Quantity("A/m^2", "corrosion current density",
                                 words="icorr jcorr mean, densité de courant de corrosion")},
    words="corrosion current density from mass loss of a coupon, densité de courant de corrosion perte de masse "
          "éprouvette",
)  # fmt: skip
def corrosion_current(
    mass: Annotated[float, Quantity("g", "mass lost", 0, words="weight loss, perte de masse")],
    area: Annotated[float, Quantity("m^2", "exposed area", 1e-12, words="surface coupon, surface exposée")],
    time: Annotated[float, Quantity("s", "time of exposure", 1e-3, words="duration, durée d'exposition")],
    molar_mass: MolarMass,
    electrons: Electrons,
) -> float:
    """Mean corrosion current density from the mass that a coupon lost."""
    return mass * electrons * F / (molar_mass * area * time)


@formula(
    "rate = i M / (z F)", "ASTM G102-89",
    {"rate": Quantity("g/m^2/day", "mass lost for each area and time",
                      words="mass loss rate, perte de masse par surface")},
    words="corrosion mass loss rate from current density, perte de masse par corrosion densité de courant",
)  # fmt: skip
def corrosion_mass_loss(current_density: CurrentDensity, molar_mass: MolarMass, electrons: Electrons) -> float:
    """Mass that uniform corrosion takes from an area in a time, from its current density."""
    return current_density * molar_mass / (electrons * F) * 86_400
