"""Transport to electrodes: steps, sweeps, rotating discs, diffusion layers."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Annotated

from galop.science.constants import KB, ROOM, F, R
from galop.science.fields.electrolysis import Area, Electrons
from galop.science.fields.potentials import BF, Temperature
from galop.science.formula import Quantity, formula
from galop.science.units import ScienceError

BulkConcentration = Annotated[
    float,
    Quantity("mol/m^3", "bulk concentration", 1e-12, 100_000, words="concentration c C*, concentration en solution"),
]
Diffusivity = Annotated[
    float,
    Quantity(
        "m^2/s", "diffusion coefficient", 1e-16, 1e-3, words="diffusivity D, coefficient de diffusion diffusivité"
    ),
]
Viscosity = Annotated[
    float, Quantity("m^2/s", "kinematic viscosity", 1e-9, 1, words="nu ν of the solution, viscosité cinématique")
]
Rotation = Annotated[
    float,
    Quantity(
        "rpm",
        "rotation rate",
        1e-3,
        1e6,
        words="rotation speed omega ω rpm tr/min, vitesse de rotation tours par minute",
    ),
]


@formula(
    "i = n F A c sqrt(D / (pi t))", f"{BF}, eq. 5.2.11",
    {"current": Quantity("A", "current", words="diffusion-limited i, courant de diffusion")},
    words="Cottrell chronoamperometry potential step diffusion current, courant de diffusion après un saut de "
          "potentiel, Cottrell chronoampérométrie",
)  # fmt: skip
def cottrell(
    electrons: Electrons,
    area: Area,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    time: Annotated[float, Quantity("s", "time after the step", 1e-9, words="t, temps après le saut")],
) -> float:
    """Diffusion-limited current after a potential step (Cottrell)."""
    return electrons * F * area * concentration * sqrt(diffusivity / (pi * time))


@formula(
    "Q = 2 n F A c sqrt(D t / pi)", f"{BF}, eq. 5.8.1",
    {"charge": Quantity("C", "charge", words="Q coulombs, charge")},
    words="Anson chronocoulometry charge after a potential step, chronocoulométrie charge après un saut de potentiel",
)  # fmt: skip
def anson_charge(
    electrons: Electrons,
    area: Area,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    time: Annotated[float, Quantity("s", "time after the step", 1e-9, words="t, temps après le saut")],
) -> float:
    """Charge that diffusion has brought some time after a potential step (Anson)."""
    return 2 * electrons * F * area * concentration * sqrt(diffusivity * time / pi)


@formula(
    "i = 0.4463 n F A c sqrt(n F v D / (R T))", f"{BF}, eq. 6.2.18",
    {"current": Quantity("A", "peak current", words="ip cyclic voltammetry, courant de pic")},
    words="Randles-Sevcik cyclic voltammetry peak current scan rate, courant de pic en voltampérométrie cyclique, "
          "vitesse de balayage",
)  # fmt: skip
def randles_sevcik(
    electrons: Electrons,
    area: Area,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    scan_rate: Annotated[float, Quantity("V/s", "scan rate", 1e-6, 1e6, words="sweep rate v, vitesse de balayage")],
    temperature: Temperature = ROOM,
) -> float:
    """Peak current of a reversible couple in cyclic voltammetry (Randles-Sevcik)."""
    root = sqrt(electrons * F * scan_rate * diffusivity / (R * temperature))
    return 0.4463 * electrons * F * area * concentration * root


@formula(
    "dE = 2.218 R T / (n F)", "Nicholson & Shain, Anal. Chem. 36 (1964) 706; Bard & Faulkner, sec. 6.5",
    {"separation": Quantity("mV", "separation of the peaks", words="peak-to-peak, séparation des pics écart")},
    words="peak separation of a reversible couple cyclic voltammetry, séparation des pics couple réversible",
)  # fmt: skip
def peak_separation(electrons: Electrons, temperature: Temperature = ROOM) -> float:
    """Separation of the peaks of a reversible couple in cyclic voltammetry."""
    return 2.218 * 1000 * R * temperature / (electrons * F)


@formula(
    "i = n F D c / delta", f"{BF}, eq. 1.4.9",
    {"current_density": Quantity("A/m^2", "limiting current density", words="jL iL diffusion limit, courant limite")},
    words="limiting current diffusion layer thickness, courant limite de diffusion, couche de diffusion",
)  # fmt: skip
def limiting_current(
    electrons: Electrons,
    diffusivity: Diffusivity,
    concentration: BulkConcentration,
    thickness: Annotated[
        float,
        Quantity(
            "m",
            "thickness of the diffusion layer",
            1e-9,
            1,
            words="Nernst layer delta δ, épaisseur de la couche de diffusion",
        ),
    ],
) -> float:
    """Largest current density that diffusion through a layer can feed."""
    return electrons * F * diffusivity * concentration / thickness


@formula(
    "eta = R T / (n F) ln(1 - i / i_limiting)", f"{BF}, sec. 1.4.2",
    {"overpotential": Quantity("mV", "concentration overpotential",
                               words="mass transfer, surtension de concentration")},
    words="concentration overpotential near the limiting current, surtension de concentration courant limite",
)  # fmt: skip
def concentration_overpotential(
    fraction: Annotated[
        float,
        Quantity(
            "",
            "current over limiting current",
            0,
            0.9999,
            words="i/iL share of the limiting current, fraction du courant limite",
        ),
    ],
    electrons: Electrons,
    temperature: Temperature = ROOM,
) -> float:
    """Concentration overpotential near the limiting current."""
    return 1000 * R * temperature / (electrons * F) * log(1 - fraction)


LEVICH = "i = 0.620 n F A c D^(2/3) nu^(-1/6) omega^(1/2), omega in rad/s"
LEVICH_SOURCE = "Levich, Physicochemical Hydrodynamics, 1962; Bard & Faulkner, eq. 9.3.22"


def levich_density(
    electrons: float, concentration: float, diffusivity: float, viscosity: float, rotation: float
) -> float:
    """Limiting current density [A/m^2] at a rotating disc, rotation in rpm."""
    omega = rotation * 2 * pi / 60
    rate = 0.620 * diffusivity ** (2 / 3) * viscosity ** (-1 / 6) * sqrt(omega)
    return float(electrons * F * concentration * rate)


@formula(
    LEVICH, LEVICH_SOURCE,
    {
        "current": Quantity("A", "limiting current", words="iL Levich, courant limite"),
        "current_density": Quantity("A/m^2", "limiting current density", words="jL Levich, densité de courant limite"),
    },
    words="Levich rotating disc electrode RDE limiting current, électrode tournante à disque courant limite Levich",
)  # fmt: skip
def levich(
    electrons: Electrons,
    area: Area,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    rotation: Rotation,
    viscosity: Viscosity = 1e-6,
) -> dict[str, float]:
    """Limiting current at a rotating disc electrode (Levich)."""
    density = levich_density(electrons, concentration, diffusivity, viscosity, rotation)
    return {"current": density * area, "current_density": density}


@formula(
    "j = 0.620 n F c D^(2/3) nu^(-1/6) omega^(1/2), omega in rad/s", LEVICH_SOURCE,
    {"current_density": Quantity("A/m^2", "limiting current density", words="jL Levich, densité de courant limite")},
    words="Levich rotating disc electrode RDE limiting current density, électrode tournante densité de courant limite "
          "Levich",
)  # fmt: skip
def levich_current_density(
    electrons: Electrons,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    rotation: Rotation,
    viscosity: Viscosity = 1e-6,
) -> float:
    """Limiting current density at a rotating disc electrode (Levich)."""
    return levich_density(electrons, concentration, diffusivity, viscosity, rotation)


@formula(
    "1 / j = 1 / j_kinetic + 1 / j_limiting", f"{BF}, eq. 9.3.38",
    {"current_density": Quantity("A/m^2", "current density",
                                 words="measured total mixed j, densité de courant mesurée")},
    words="Koutecky-Levich mixed control kinetic current limiting current, Koutecký-Levich courant cinétique courant "
          "limite",
)  # fmt: skip
def koutecky_levich(
    kinetic: Annotated[
        float, Quantity("A/m^2", "kinetic current density", 1e-12, 1e12, words="jk ik, densité de courant cinétique")
    ],
    limiting: Annotated[
        float,
        Quantity("A/m^2", "limiting current density", 1e-12, 1e12, words="jL iL Levich, densité de courant limite"),
    ],
) -> float:
    """Current density under mixed control of kinetics and transport (Koutecky-Levich)."""
    return 1 / (1 / kinetic + 1 / limiting)


@formula(
    "1 / i = 1 / i_kinetic + 1 / i_limiting", f"{BF}, eq. 9.3.38",
    {"current": Quantity("A", "current", words="measured total mixed i, courant mesuré")},
    words="Koutecky-Levich kinetic current Levich current RDE, Koutecký-Levich courant cinétique courant de Levich",
)  # fmt: skip
def koutecky_levich_current(
    kinetic: Annotated[float, Quantity("A", "kinetic current", 1e-15, 1e9, words="ik, courant cinétique")],
    limiting: Annotated[
        float, Quantity("A", "limiting current", 1e-15, 1e9, words="iL Levich diffusion, courant limite")
    ],
) -> float:
    """Current under mixed control of kinetics and transport; solved for it, the kinetic current (Koutecky-Levich)."""
    return 1 / (1 / kinetic + 1 / limiting)


@formula(
    "n = 1 / (slope 0.620 F c D^(2/3) nu^(-1/6)), slope of 1/j over omega^(-1/2), omega in rad/s", LEVICH_SOURCE,
    {"electrons": Quantity("", "electrons exchanged", words="number of electrons n transferred, nombre d'électrons")},
    words="Koutecky-Levich slope number of electrons diffusion coefficient, pente de Koutecký-Levich nombre "
          "d'électrons",
)  # fmt: skip
def koutecky_levich_slope(
    slope: Annotated[
        float,
        Quantity("m^2/A/s^0.5", "slope of 1/j over omega^(-1/2)", 1e-9, 1e6, words="Koutecky-Levich plot slope, pente"),
    ],
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    viscosity: Viscosity = 1e-6,
) -> float:
    """Electrons exchanged, from the slope of a Koutecky-Levich plot; solved for it, the diffusion coefficient."""
    return 1 / (slope * levich_density(1, concentration, diffusivity, viscosity, 60 / (2 * pi)))


@formula(
    "1 / j = 1 / j_k + 1 / (B sqrt(omega)) through two points; n from B", LEVICH_SOURCE,
    {
        "electrons": Quantity("", "electrons exchanged", words="number of electrons n transferred, nombre d'électrons"),
        "kinetic": Quantity("A/m^2", "kinetic current density", words="jk ik, densité de courant cinétique"),
    },
    words="Koutecky-Levich two rotation rates number of electrons kinetic current, deux vitesses de rotation nombre "
          "d'électrons courant cinétique",
)  # fmt: skip
def koutecky_levich_line(
    first_rotation: Annotated[
        float, Quantity("rpm", "first rotation rate", 1e-3, 1e6, words="ω1 rpm, première vitesse de rotation")
    ],
    first_current: Annotated[
        float, Quantity("A/m^2", "current density at the first", 1e-12, 1e12, words="j1, première densité de courant")
    ],
    second_rotation: Annotated[
        float, Quantity("rpm", "second rotation rate", 1e-3, 1e6, words="ω2 rpm, deuxième vitesse de rotation")
    ],
    second_current: Annotated[
        float, Quantity("A/m^2", "current density at the second", 1e-12, 1e12, words="j2, deuxième densité de courant")
    ],
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    viscosity: Viscosity = 1e-6,
) -> dict[str, float]:
    """Electrons exchanged and kinetic current density, from current densities at two rotation rates.

    Raises ScienceError where the rotation rates are one, or the current does not grow with them as it has to.
    """
    if first_rotation == second_rotation:
        raise ScienceError("a Koutecky-Levich line needs two rotation rates that differ")
    first, second = ((rotation * 2 * pi / 60) ** -0.5 for rotation in (first_rotation, second_rotation))
    slope = (1 / second_current - 1 / first_current) / (second - first)
    rest = 1 / first_current - slope * first
    if slope <= 0 or rest <= 0:
        raise ScienceError(
            "these current densities lie on no Koutecky-Levich line: slope and intercept have to be above 0"
        )
    return {
        "electrons": 1 / (slope * levich_density(1, concentration, diffusivity, viscosity, 60 / (2 * pi))),
        "kinetic": 1 / rest,
    }


@formula(
    "delta = 1.61 D^(1/3) nu^(1/6) omega^(-1/2), omega in rad/s", LEVICH_SOURCE,
    {"thickness": Quantity("um", "thickness of the diffusion layer",
                           words="Nernst layer δ, épaisseur de la couche de diffusion")},
    words="diffusion layer thickness at a rotating disc, couche de diffusion électrode tournante",
)  # fmt: skip
def rotating_diffusion_layer(diffusivity: Diffusivity, rotation: Rotation, viscosity: Viscosity = 1e-6) -> float:
    """Thickness of the diffusion layer at a rotating disc."""
    omega = rotation * 2 * pi / 60
    return float(1e6 * 1.61 * diffusivity ** (1 / 3) * viscosity ** (1 / 6) / sqrt(omega))


@formula(
    "delta = sqrt(pi D t)", f"{BF}, sec. 5.2.1",
    {"thickness": Quantity("um", "thickness of the diffusion layer",
                           words="depletion layer δ, épaisseur de la couche de diffusion")},
    words="diffusion layer growth with time unstirred, croissance de la couche de diffusion temps",
)  # fmt: skip
def diffusion_layer(
    diffusivity: Diffusivity, time: Annotated[float, Quantity("s", "time", 1e-9, words="t duration, temps durée")]
) -> float:
    """Thickness of the diffusion layer some time after a step, without stirring."""
    return 1e6 * sqrt(pi * diffusivity * time)


@formula(
    "L = sqrt(2 D t)", "Einstein, Ann. Phys. 322 (1905) 549",
    {"length": Quantity("um", "root-mean-square distance along one axis",
                        words="diffusion length, distance de diffusion")},
    words="diffusion length distance time random walk, longueur de diffusion distance temps",
)  # fmt: skip
def diffusion_length(
    diffusivity: Diffusivity, time: Annotated[float, Quantity("s", "time", 1e-12, words="t duration, temps durée")]
) -> float:
    """Distance that diffusion covers in a time, along one axis."""
    return 1e6 * sqrt(2 * diffusivity * time)


@formula(
    "tau = pi D (n F c / (2 j))^2", f"{BF}, eq. 8.2.14",
    {"time": Quantity("s", "transition time", words="Sand's time τ, temps de transition de Sand")},
    words="Sand's equation transition time chronopotentiometry, temps de Sand temps de transition chronopotentiométrie",
)  # fmt: skip
def sand_time(
    electrons: Electrons,
    concentration: BulkConcentration,
    diffusivity: Diffusivity,
    current_density: Annotated[
        float, Quantity("A/m^2", "current density", 1e-9, 1e9, words="constant j, densité de courant")
    ],
) -> float:
    """Time after which a constant current has used up what is at the electrode (Sand)."""
    return pi * diffusivity * (electrons * F * concentration / (2 * current_density)) ** 2


@formula(
    "i = 4 n F D c r", f"{BF}, eq. 5.3.11",
    {"current": Quantity("A", "steady current", words="steady-state limiting, courant stationnaire limite")},
    words="microelectrode ultramicroelectrode disc steady-state current, microélectrode disque courant stationnaire",
)  # fmt: skip
def microdisc_current(
    electrons: Electrons,
    diffusivity: Diffusivity,
    concentration: BulkConcentration,
    radius: Annotated[float, Quantity("m", "radius of the disc", 1e-10, 1e-2, words="r, rayon du disque")],
) -> float:
    """Steady current at a disc microelectrode."""
    return 4 * electrons * F * diffusivity * concentration * radius


@formula(
    "Gamma = Q / (n F A)", f"{BF}, sec. 14.3",
    {"coverage": Quantity("mol/m^2", "surface coverage",
                          words="surface concentration Γ, recouvrement concentration de surface")},
    words="surface coverage of adsorbed species from charge, concentration de surface espèces adsorbées charge",
)  # fmt: skip
def surface_coverage(
    charge: Annotated[float, Quantity("C", "charge of the wave", 0, words="Q area under the peak, charge du pic")],
    electrons: Electrons,
    area: Area,
) -> float:
    """Amount adsorbed on an area of electrode, from the charge of its wave."""
    return charge / (electrons * F * area)


@formula(
    "D = k T / (6 pi eta r)", "Einstein, Ann. Phys. 322 (1905) 549",
    {"diffusivity": Quantity("m^2/s", "diffusion coefficient", words="D, coefficient de diffusion")},
    words="Stokes-Einstein diffusion coefficient particle radius, coefficient de diffusion rayon d'une particule",
)  # fmt: skip
def stokes_einstein(
    radius: Annotated[
        float, Quantity("m", "hydrodynamic radius", 1e-11, 1e-3, words="particle Stokes, rayon hydrodynamique")
    ],
    viscosity: Annotated[float, Quantity("Pa*s", "viscosity", 1e-7, 1e6, words="dynamic eta μ, viscosité dynamique")],
    temperature: Annotated[float, Quantity("K", "temperature", 1, 2000, words="température")] = ROOM,
) -> float:
    """Diffusion coefficient of a sphere in a liquid (Stokes-Einstein)."""
    return KB * temperature / (6 * pi * viscosity * radius)


@formula(
    "D = R T lambda / (z^2 F^2)", "Nernst, Z. Phys. Chem. 2 (1888) 613; Bard & Faulkner, sec. 4.2",
    {"diffusivity": Quantity("m^2/s", "diffusion coefficient", words="D, coefficient de diffusion")},
    words="Nernst-Einstein diffusion coefficient of an ion from molar conductivity, coefficient de diffusion d'un ion "
          "conductivité molaire ionique",
)  # fmt: skip
def nernst_einstein(
    molar_conductivity: Annotated[
        float,
        Quantity(
            "S*cm^2/mol",
            "molar conductivity of the ion",
            1e-6,
            1000,
            words="λ ionic conductivity, conductivité molaire ionique",
        ),
    ],
    charge: Annotated[float, Quantity("", "charge number of the ion", 1, 4, words="z valence, charge de l'ion")],
    temperature: Temperature = ROOM,
) -> float:
    """Diffusion coefficient of an ion from its molar conductivity (Nernst-Einstein)."""
    return R * temperature * molar_conductivity * 1e-4 / (charge * charge * F * F)
