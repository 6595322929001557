"""Technical questions generated from a seed, with answers from the formulas, in English and French.

Three strata by what can help: one `tool` suffices, tools have to be `composed`, or `none` is the answer key (only the
calculator helps). Some questions cannot be answered, and saying so is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log10, pi, sqrt
from random import Random
from typing import Any, Literal

from galop.science import formulas

Language = Literal["en", "fr"]
F, R, G0 = 96485.33212, 8.314462618, 9.80665
FORM = {
    "en": "Give the last line as ANSWER: number unit, in {unit}. If it cannot be determined, write ANSWER: unknown",
    "fr": "Donnez la dernière ligne sous la forme ANSWER: nombre unité, en {unit}. "
    "Si cela ne peut être déterminé, écrivez ANSWER: unknown",
}


@dataclass(frozen=True)
class Question:
    id: str
    kind: str
    stratum: str
    text: str
    answer: float | None  # None where it cannot be determined
    unit: str
    tolerance: float  # relative
    source: str


@dataclass(frozen=True)
class Draft:
    """One set of numbers: both texts, and the answer."""

    en: str
    fr: str
    answer: float | None
    unit: str


@dataclass(frozen=True)
class Kind:
    name: str
    stratum: str
    tolerance: float
    source: str
    draw: Callable[[Random], Draft]


KINDS: dict[str, Kind] = {}


def kind(
    stratum: str, source: str, tolerance: float = 0.01
) -> Callable[[Callable[[Random], Draft]], Callable[[Random], Draft]]:
    def keep(draw: Callable[[Random], Draft]) -> Callable[[Random], Draft]:
        KINDS[draw.__name__] = Kind(draw.__name__, stratum, tolerance, source, draw)
        return draw

    return keep


def compute(name: str, result: str, /, **given: Any) -> float:
    value = formulas()[name](**given).results[result][0]
    assert isinstance(value, float)
    return value


def electrons(count: float, word: str = "electron") -> str:
    return f"{count:g} {word}{'' if count == 1 else 's'}"


def vowel(word: str) -> bool:
    return word[0] in "aeiouéèh"


def le(word: str) -> str:
    return f"L'{word}" if vowel(word) else f"Le {word}"


def de(word: str) -> str:
    return f"d'{word}" if vowel(word) else f"de {word}"


def du(word: str) -> str:
    return f"De l'{word}" if vowel(word) else f"Du {word}"


def questions(count: int, seed: int = 0, language: Language = "en") -> list[Question]:
    """`count` questions, each kind as often as the others; the same from the same seed."""
    random = Random(f"bank {seed}")
    return [one(k, random, language, i) for i, k in zip(range(count), turns(random), strict=False)]


def turns(random: Random) -> Iterator[Kind]:
    while True:
        yield from random.sample(list(KINDS.values()), len(KINDS))


def one(kind: Kind, random: Random, language: Language, number: int) -> Question:
    draft = kind.draw(random)
    text = draft.en if language == "en" else re.sub(r"(\d)\.(\d)", r"\1,\2", draft.fr)
    asked = f"{text}\n{FORM[language].format(unit=draft.unit.removeprefix('Δ') or ('a pure number' if language == 'en' else 'un nombre'))}"
    return Question(
        f"{kind.name}-{number}", kind.name, kind.stratum, asked, draft.answer, draft.unit, kind.tolerance, kind.source
    )


# One tool suffices.


@kind("tool", "Sutton & Biblarz, ch. 4")
def stage_velocity(r: Random) -> Draft:
    isp, full, empty = r.randrange(250, 460), r.randrange(100, 600), r.randrange(15, 80)
    return Draft(
        f"A rocket stage has a specific impulse of {isp} s. Its mass is {full} t before and {empty} t after the burn. "
        "What velocity change does it give?",
        f"Un étage de fusée a une impulsion spécifique de {isp} s. Sa masse est de {full} t avant et de {empty} t après la "
        "combustion. Quelle variation de vitesse fournit-il ?",
        compute("rocket_equation", "delta_v", isp=isp, initial_mass=full, final_mass=empty), "m/s",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 2-13")
def engine_thrust(r: Random) -> Draft:
    flow, velocity = r.randrange(20, 400), r.randrange(2200, 4400, 10)
    exit_kpa, ambient, area = r.randrange(20, 90), r.choice([0, 50, 101.325]), r.randrange(5, 30) / 10
    return Draft(
        f"A rocket engine burns {flow} kg/s and exhausts at {velocity} m/s. The exit pressure is {exit_kpa} kPa, the exit "
        f"area {area} m², the ambient pressure {ambient} kPa. What is its thrust?",
        f"Un moteur-fusée consomme {flow} kg/s et éjecte à {velocity} m/s. La pression de sortie est de {exit_kpa} kPa, la "
        f"section de sortie de {area} m², la pression ambiante de {ambient} kPa. Quelle est sa poussée ?",
        compute("thrust", "thrust", mass_flow=flow, exit_velocity=velocity, exit_pressure=exit_kpa * 1e3,
                ambient_pressure=ambient * 1e3, exit_area=area) / 1e3, "kN",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 3-32")
def ideal_c_star(r: Random) -> Draft:
    gamma, mass, temperature = r.randrange(115, 135) / 100, r.randrange(10, 30), r.randrange(2500, 3800, 10)
    return Draft(
        f"A combustion gas has a ratio of specific heats of {gamma}, a molar mass of {mass} g/mol and a chamber temperature "
        f"of {temperature} K. What is its ideal characteristic velocity c*?",
        f"Un gaz de combustion a un rapport des chaleurs spécifiques de {gamma}, une masse molaire de {mass} g/mol et une "
        f"température de chambre de {temperature} K. Quelle est sa vitesse caractéristique idéale c* ?",
        compute("characteristic_velocity", "c_star", gamma=gamma, molar_mass=mass, temperature=temperature), "m/s",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 3-14")
def nozzle_exit_mach(r: Random) -> Draft:
    gamma, ratio = r.randrange(115, 140) / 100, r.randrange(5, 120)
    return Draft(
        f"An ideal supersonic nozzle has an area ratio of {ratio}; the gas has a ratio of specific heats of {gamma}. What is "
        "the exit Mach number?",
        f"Une tuyère supersonique idéale a un rapport de section de {ratio} ; le gaz a un rapport des chaleurs spécifiques de "
        f"{gamma}. Quel est le nombre de Mach de sortie ?",
        compute("nozzle", "mach", gamma=gamma, area_ratio=ratio), "",
    )  # fmt: skip


PAIRS = [("LH2", "LOX", 4, 7), ("LCH4", "LOX", 2.8, 3.8), ("RP-1", "LOX", 2.2, 2.9), ("MMH", "N2O4", 1.8, 2.4)]


def propellants(r: Random) -> dict[str, Any]:
    fuel, oxidiser, low, high = r.choice(PAIRS)
    return {"fuel": fuel, "oxidiser": oxidiser, "of": round(r.uniform(low, high), 1), "pressure": r.randrange(20, 200, 5),
            "area_ratio": r.randrange(10, 150, 5)}  # fmt: skip


@kind("tool", "NASA RP-1311", 0.01)
def vacuum_isp(r: Random) -> Draft:
    p = propellants(r)
    return Draft(
        f"What is the theoretical vacuum specific impulse (shifting equilibrium) of {p['fuel']}/{p['oxidiser']} at O/F "
        f"{p['of']}, {p['pressure']} bar and a nozzle area ratio of {p['area_ratio']}?",
        f"Quelle est l'impulsion spécifique théorique dans le vide (équilibre glissant) de {p['fuel']}/{p['oxidiser']} à O/F "
        f"{p['of']}, {p['pressure']} bar et un rapport de section de {p['area_ratio']} ?",
        compute("isp", "isp_vacuum", **p), "s",
    )  # fmt: skip


@kind("tool", "NASA RP-1311", 0.01)
def chamber_temperature(r: Random) -> Draft:
    p = propellants(r)
    return Draft(
        f"What is the equilibrium combustion temperature of {p['fuel']}/{p['oxidiser']} at O/F {p['of']} and "
        f"{p['pressure']} bar (propellants as stored, any nozzle, for example of area ratio {p['area_ratio']})?",
        f"Quelle est la température de combustion à l'équilibre de {p['fuel']}/{p['oxidiser']} à O/F {p['of']} et "
        f"{p['pressure']} bar (ergols tels que stockés, tuyère quelconque, par exemple de rapport {p['area_ratio']}) ?",
        compute("isp", "chamber_temperature", **p), "K",
    )  # fmt: skip


@kind("tool", "NASA SP-125, ch. VI")
def turbopump_power(r: Random) -> Draft:
    flow, rise, density, efficiency = (
        r.randrange(20, 400),
        r.randrange(4, 30),
        r.choice([71, 422, 810, 1141]),
        r.randrange(60, 82),
    )
    return Draft(
        f"A pump moves {flow} kg/s of a liquid of {density} kg/m³ and raises its pressure by {rise} MPa at an efficiency of "
        f"{efficiency} %. What shaft power does it take?",
        f"Une pompe débite {flow} kg/s d'un liquide de {density} kg/m³ et élève sa pression de {rise} MPa avec un rendement de "
        f"{efficiency} %. Quelle puissance demande-t-elle à l'arbre ?",
        compute("pump_power", "power", mass_flow=flow, pressure_rise=rise * 1e6, density=density,
                efficiency=efficiency / 100) / 1e6, "MW",
    )  # fmt: skip


@kind("tool", "Faraday")
def plated_mass(r: Random) -> Draft:
    name, french, mass, z = r.choice([("copper", "cuivre", 63.546, 2), ("silver", "argent", 107.868, 1), ("nickel", "nickel", 58.693, 2),
                                      ("zinc", "zinc", 65.38, 2), ("gold (from Au3+)", "or (à partir de Au3+)", 196.967, 3)])  # fmt: skip
    current, minutes = r.randrange(1, 60), r.randrange(10, 240)
    return Draft(
        f"A current of {current} A deposits {name} (molar mass {mass} g/mol, {electrons(z)}) for {minutes} min. What mass?",
        f"Un courant de {current} A dépose pendant {minutes} min du métal : {french} (masse molaire {mass} g/mol, {electrons(z, 'électron')}). "
        "Quelle masse ?",
        compute("faraday_mass", "mass", current=current, time=minutes * 60, molar_mass=mass, electrons=z), "g",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 2.1.40", 0.005)
def nernst_voltage(r: Random) -> Draft:
    e0, z, q, celsius = (
        r.randrange(80, 200) / 100,
        r.choice([1, 2, 4]),
        r.choice([1e-4, 0.01, 100, 1e3, 1e5]),
        r.choice([25, 40, 60]),
    )
    return Draft(
        f"A cell has a standard voltage of {e0} V at {celsius} °C and exchanges {electrons(z)}. What is its voltage there when the "
        f"reaction quotient is {q:g}?",
        f"Une pile a une tension standard de {e0} V à {celsius} °C et échange {electrons(z, 'électron')}. Quelle est sa tension quand le "
        f"quotient réactionnel vaut {q:g} ?",
        compute("nernst", "voltage", standard_voltage=e0, electrons=z, quotient=q, temperature=celsius + 273.15), "V",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 2.1.26")
def reaction_gibbs(r: Random) -> Draft:
    e0, z = r.randrange(30, 250) / 100, r.choice([1, 2, 3, 4])
    return Draft(
        f"A cell reaction exchanges {electrons(z)} at a standard voltage of {e0} V. What is its standard Gibbs energy?",
        f"La réaction d'une pile échange {electrons(z, 'électron')} sous une tension standard de {e0} V. Quelle est son enthalpie libre "
        "standard ?",
        compute("gibbs_energy", "gibbs_energy", voltage=e0, electrons=z), "kJ/mol",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 3.4.11")
def electrode_current(r: Random) -> Draft:
    i0, eta, alpha = r.choice([0.01, 0.1, 0.5, 1, 2]), r.randrange(20, 200, 5), r.choice([0.3, 0.4, 0.5, 0.6])
    return Draft(
        f"An electrode has an exchange current density of {i0} mA/cm² and an anodic transfer coefficient of {alpha}. What current "
        f"density flows at an overpotential of {eta} mV and 25 °C (Butler-Volmer)?",
        f"Une électrode a une densité de courant d'échange de {i0} mA/cm² et un coefficient de transfert anodique de {alpha}. "
        f"Quelle densité de courant passe à une surtension de {eta} mV et 25 °C (Butler-Volmer) ?",
        compute("butler_volmer", "current_density", exchange_current_density=i0 * 10, overpotential=eta / 1000, alpha=alpha) / 10,
        "mA/cm^2",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 5.2.11")
def step_current(r: Random) -> Draft:
    n, area, c, d, t = (
        r.choice([1, 2]),
        r.randrange(2, 50) / 100,
        r.randrange(1, 20),
        r.randrange(5, 20) / 10,
        r.choice([0.5, 1, 5, 10]),
    )
    return Draft(
        f"After a potential step, {n}-electron reduction at a planar electrode of {area} cm² is limited by diffusion: bulk "
        f"concentration {c} mM, diffusion coefficient {d}e-9 m²/s. What current flows after {t} s (Cottrell)?",
        f"Après un saut de potentiel, une réduction à {electrons(n, 'électron')} sur une électrode plane de {area} cm² est limitée par la "
        f"diffusion : concentration {c} mM, coefficient de diffusion {d}e-9 m²/s. Quel courant passe après {t} s (Cottrell) ?",
        compute("cottrell", "current", electrons=n, area=area * 1e-4, concentration=c, diffusivity=d * 1e-9, time=t) * 1e6, "uA",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 6.2.18")
def voltammetry_peak(r: Random) -> Draft:
    n, area, c, d, v = 1, r.randrange(3, 30) / 100, r.randrange(1, 10), r.randrange(4, 12), r.choice([20, 50, 100, 200])
    return Draft(
        f"In cyclic voltammetry of a reversible {n}-electron couple the electrode has {area} cm², the concentration is {c} mM, the "
        f"diffusion coefficient {d}e-6 cm²/s and the scan rate {v} mV/s at 25 °C. What is the peak current?",
        f"En voltampérométrie cyclique d'un couple réversible à {electrons(n, 'électron')}, l'électrode a {area} cm², la concentration est de {c} mM, "
        f"le coefficient de diffusion de {d}e-6 cm²/s et la vitesse de balayage de {v} mV/s à 25 °C. Quel est le courant de pic ?",
        compute("randles_sevcik", "current", electrons=n, area=area * 1e-4, concentration=c, diffusivity=d * 1e-10,
                scan_rate=v / 1000) * 1e6, "uA",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 13.3.15")
def screening_length(r: Random) -> Draft:
    c = r.choice([0.1, 0.5, 1, 2, 5, 10, 20, 50, 100])
    return Draft(
        f"What is the Debye length in water at 25 °C (relative permittivity 78.4) with an ionic strength of {c} mM?",
        f"Quelle est la longueur de Debye dans l'eau à 25 °C (permittivité relative 78,4) pour une force ionique de {c} mM ?",
        compute("debye_length", "length", ionic_strength=c / 1000), "nm",
    )  # fmt: skip


METALS = [("iron", "fer", 55.845, 2, 7.87), ("zinc", "zinc", 65.38, 2, 7.14), ("copper", "cuivre", 63.546, 2, 8.96),
          ("aluminium", "aluminium", 26.982, 3, 2.70), ("nickel", "nickel", 58.693, 2, 8.90)]  # fmt: skip


@kind("tool", "ASTM G102")
def rate_of_corrosion(r: Random) -> Draft:
    name, french, mass, z, density = r.choice(METALS)
    i = r.randrange(2, 80)
    return Draft(
        f"{name.capitalize()} ({mass} g/mol, {electrons(z)}, {density} g/cm³) corrodes uniformly at {i} µA/cm². At what rate does it "
        "lose thickness?",
        f"{le(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) se corrode uniformément à {i} µA/cm². À quelle vitesse perd-il "
        "de l'épaisseur ?",
        compute("corrosion_rate", "rate", current_density=i / 100, molar_mass=mass, electrons=z, density=density), "mm/year",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 1.4.9")
def diffusion_limit(r: Random) -> Draft:
    n, d, c, delta = r.choice([1, 2]), r.randrange(5, 25) / 10, r.randrange(1, 100), r.randrange(10, 300, 10)
    return Draft(
        f"Diffusion through a layer of {delta} µm feeds a {n}-electron reaction; the bulk concentration is {c} mol/m³ and the diffusion "
        f"coefficient {d}e-9 m²/s. What is the limiting current density?",
        f"La diffusion à travers une couche de {delta} µm alimente une réaction à {electrons(n, 'électron')} ; la concentration est de {c} mol/m³ et "
        f"le coefficient de diffusion de {d}e-9 m²/s. Quelle est la densité de courant limite ?",
        compute("limiting_current", "current_density", electrons=n, diffusivity=d * 1e-9, concentration=c, thickness=delta * 1e-6),
        "A/m^2",
    )  # fmt: skip


# Tools have to be composed.


@kind("composed", "Sutton & Biblarz, ch. 3")
def flow_through_throat(r: Random) -> Draft:
    gamma, mass, temperature = r.randrange(115, 130) / 100, r.randrange(12, 28), r.randrange(2800, 3700, 10)
    bar, mm = r.randrange(20, 200, 5), r.randrange(50, 300, 5)
    c_star = compute("characteristic_velocity", "c_star", gamma=gamma, molar_mass=mass, temperature=temperature)
    return Draft(
        f"A rocket chamber holds gas at {bar} bar and {temperature} K with a ratio of specific heats of {gamma} and a molar mass of "
        f"{mass} g/mol. The throat's diameter is {mm} mm. What is the ideal mass flow?",
        f"Une chambre de fusée contient un gaz à {bar} bar et {temperature} K, de rapport des chaleurs spécifiques {gamma} et de masse "
        f"molaire {mass} g/mol. Le diamètre du col est de {mm} mm. Quel est le débit massique idéal ?",
        bar * 1e5 * pi / 4 * (mm / 1000) ** 2 / c_star, "kg/s",
    )  # fmt: skip


@kind("composed", "Sutton & Biblarz, eq. 3-30")
def thrust_from_nozzle(r: Random) -> Draft:
    gamma, ratio, bar, mm = (
        r.randrange(115, 130) / 100,
        r.randrange(10, 80),
        r.randrange(20, 200, 5),
        r.randrange(50, 300, 5),
    )
    cf = compute("nozzle", "thrust_coefficient", gamma=gamma, area_ratio=ratio, pressure=bar)
    return Draft(
        f"An ideal nozzle of area ratio {ratio} works in vacuum from a chamber at {bar} bar; the gas has a ratio of specific heats of "
        f"{gamma} and the throat a diameter of {mm} mm. What is the thrust?",
        f"Une tuyère idéale de rapport de section {ratio} fonctionne dans le vide depuis une chambre à {bar} bar ; le gaz a un rapport "
        f"des chaleurs spécifiques de {gamma} et le col un diamètre de {mm} mm. Quelle est la poussée ?",
        cf * bar * 1e5 * pi / 4 * (mm / 1000) ** 2 / 1000, "kN",
    )  # fmt: skip


@kind("composed", "NASA RP-1311; Tsiolkovsky", 0.015)
def velocity_from_propellants(r: Random) -> Draft:
    p, ratio = propellants(r), r.randrange(20, 80) / 10
    velocity = compute("isp", "isp_vacuum", **p)
    return Draft(
        f"A stage burns {p['fuel']}/{p['oxidiser']} at O/F {p['of']} and {p['pressure']} bar through a nozzle of area ratio "
        f"{p['area_ratio']}, with the theoretical vacuum specific impulse. Its mass before the burn is {ratio} times that after. What "
        "velocity change does it give in vacuum?",
        f"Un étage brûle {p['fuel']}/{p['oxidiser']} à O/F {p['of']} et {p['pressure']} bar avec une tuyère de rapport de section "
        f"{p['area_ratio']}, à l'impulsion spécifique théorique dans le vide. Sa masse avant la combustion est {ratio} fois celle "
        "d'après. Quelle variation de vitesse fournit-il dans le vide ?",
        compute("rocket_equation", "delta_v", isp=velocity, initial_mass=ratio, final_mass=1), "m/s",
    )  # fmt: skip


@kind("composed", "NASA SP-8107; CoolProp", 0.02)
def suction_head(r: Random) -> Draft:
    name, french, low, high = r.choice(
        [("oxygen", "oxygène", 88, 96), ("methane", "méthane", 108, 118), ("nitrogen", "azote", 74, 82)]
    )
    kelvin, kpa, loss, height = (
        r.randrange(low, high),
        r.randrange(300, 600, 10),
        r.randrange(5, 60),
        r.randrange(1, 15),
    )
    at = {"name": name, "temperature": kelvin}
    vapour, density = compute("saturation", "vapour_pressure", **at), compute("saturation", "liquid_density", **at)
    return Draft(
        f"Saturated-liquid {name} at {kelvin} K feeds a pump from a tank at {kpa} kPa (absolute), {height} m above the inlet; the line "
        f"loses {loss} kPa. Take density and vapour pressure of the saturated liquid. What net positive suction head is available?",
        f"{du(french)} liquide saturé à {kelvin} K alimente une pompe depuis un réservoir à {kpa} kPa (absolus), {height} m au-dessus de "
        f"l'entrée ; la conduite perd {loss} kPa. Prenez la masse volumique et la pression de vapeur du liquide saturé. Quelle hauteur "
        "nette d'aspiration est disponible ?",
        compute("npsh", "npsh", tank_pressure=kpa * 1e3, vapour_pressure=vapour, density=density, height=height, loss=loss * 1e3), "m",
    )  # fmt: skip


@kind("composed", "Bard, Parsons & Jordan; Nernst", 0.02)
def galvanic_cell(r: Random) -> Draft:
    cathode, anode = r.choice(
        [("Cu", "Zn"), ("Cu", "Fe"), ("Ni", "Zn"), ("Cu", "Cd"), ("Sn", "Zn"), ("Cu", "Ni"), ("Pb", "Zn")]
    )
    a, b = r.choice([0.001, 0.01, 0.1, 0.5]), r.choice([0.002, 0.02, 0.2, 1])
    e0 = compute("cell_voltage", "voltage", cathode=f"{cathode}2+/{cathode}", anode=f"{anode}2+/{anode}")
    return Draft(
        f"A cell at 25 °C has a {cathode} cathode in {a} mol/L {cathode}2+ and a {anode} anode in {b} mol/L {anode}2+. What is its "
        "voltage, activities taken as concentrations and standard potentials from Bard, Parsons & Jordan?",
        f"Une pile à 25 °C a une cathode de {cathode} dans {cathode}2+ à {a} mol/L et une anode de {anode} dans {anode}2+ à {b} mol/L. "
        "Quelle est sa tension, les activités étant prises égales aux concentrations et les potentiels standard tirés de Bard, Parsons & Jordan ?",
        compute("nernst", "voltage", standard_voltage=e0, electrons=2, quotient=b / a), "V",
    )  # fmt: skip


@kind("composed", "Faraday's law in mAh")
def cell_energy(r: Random) -> Draft:
    cathode, m_c, volts, anode, m_a = r.choice([
        ("LiFePO4", 157.757, 3.3, "C6", 72.066), ("LiCoO2", 97.87, 3.8, "C6", 72.066), ("LiMn2O4", 180.81, 3.9, "C6", 72.066),
        ("LiFePO4", 157.757, 1.9, "Li4Ti5O12", 153.05), ("NaFePO4", 173.81, 2.7, "C8", 96.088),
    ])  # fmt: skip
    share = r.choice([1.0, 0.9, 0.8, 0.5])
    q_c = share * compute("specific_capacity", "capacity", molar_mass=m_c, electrons=1)
    q_a = compute("specific_capacity", "capacity", molar_mass=m_a, electrons=1)
    return Draft(
        f"A cell made in the discharged state pairs {cathode} ({m_c} g/mol, of which {electrons(share)} per formula unit can be used) with "
        f"an anode of {anode} ({m_a} g per mole of electrons) at a mean of {volts} V. What is the specific energy of both electrodes' "
        "materials together?",
        f"Un accumulateur fabriqué à l'état déchargé associe {cathode} ({m_c} g/mol, dont {share:g} électron par motif est utilisable) à une "
        f"anode de {anode} ({m_a} g par mole d'électrons) sous {volts} V en moyenne. Quelle est l'énergie massique des matériaux des deux "
        "électrodes ensemble ?",
        compute("specific_energy", "energy", voltage=volts, cathode_capacity=q_c, anode_capacity=q_a), "W*h/kg",
    )  # fmt: skip


@kind("composed", "ASTM G102")
def time_to_perforation(r: Random) -> Draft:
    name, french, mass, z, density = r.choice(METALS)
    i, mm = r.randrange(5, 80), r.randrange(2, 15)
    rate = compute("corrosion_rate", "rate", current_density=i / 100, molar_mass=mass, electrons=z, density=density)
    return Draft(
        f"A wall of {mm} mm of {name} ({mass} g/mol, {electrons(z)}, {density} g/cm³) corrodes uniformly from one side at {i} µA/cm². After "
        "how many years is it through?",
        f"Une paroi de {mm} mm {de(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) se corrode uniformément d'un côté à {i} µA/cm². "
        "Après combien d'années est-elle percée ?",
        mm / rate, "year",
    )  # fmt: skip


@kind("composed", "Bard & Faulkner, sec. 3.4.3")
def tafel_overpotential(r: Random) -> Draft:
    alpha, i0, i = r.choice([0.3, 0.4, 0.5]), r.choice([1e-4, 1e-3, 1e-2]), r.choice([1, 5, 10, 50])
    return Draft(
        f"In the Tafel region (transfer coefficient {alpha}, 25 °C, exchange current density {i0:g} mA/cm²), what overpotential drives "
        f"{i} mA/cm²?",
        f"Dans le domaine de Tafel (coefficient de transfert {alpha}, 25 °C, densité de courant d'échange {i0:g} mA/cm²), quelle surtension "
        f"entraîne {i} mA/cm² ?",
        compute("tafel_slope", "slope", alpha=alpha) * log10(i / i0), "mV",
    )  # fmt: skip


@kind("composed", "NASA SP-125; CoolProp", 0.02)
def cryogenic_pump(r: Random) -> Draft:
    name, french, low, high = r.choice(
        [("oxygen", "oxygène", 86, 95), ("methane", "méthane", 106, 116), ("parahydrogen", "parahydrogène", 19, 23)]
    )
    kelvin, flow, rise, efficiency = (
        r.randrange(low, high),
        r.randrange(10, 300),
        r.randrange(4, 25),
        r.randrange(60, 82),
    )
    density = compute("saturation", "liquid_density", name=name, temperature=kelvin)
    return Draft(
        f"A pump raises the pressure of {flow} kg/s of saturated liquid {name} at {kelvin} K by {rise} MPa at an efficiency of "
        f"{efficiency} %; take the density of the saturated liquid. What shaft power does it take?",
        f"Une pompe élève de {rise} MPa la pression de {flow} kg/s {de(french)} liquide saturé à {kelvin} K avec un rendement de "
        f"{efficiency} % ; prenez la masse volumique du liquide saturé. Quelle puissance demande-t-elle à l'arbre ?",
        flow * rise / (density * efficiency / 100), "MW",
    )  # fmt: skip


# No tool is the answer key.


@kind("none", "Faraday's law, solved for time")
def plating_time(r: Random) -> Draft:
    name, french, mass, z, density = r.choice(METALS[1:3] + METALS[4:])
    micron, dm2, current, efficiency = (
        r.randrange(5, 60),
        r.randrange(1, 40),
        r.randrange(2, 60),
        r.choice([90, 95, 100]),
    )
    grams = micron * 1e-4 * dm2 * 100 * density
    return Draft(
        f"How long does it take to plate {micron} µm of {name} ({mass} g/mol, {electrons(z)}, {density} g/cm³) on {dm2} dm² with {current} A "
        f"at a current efficiency of {efficiency} %?",
        f"Combien de temps faut-il pour déposer {micron} µm {de(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) sur {dm2} dm² avec "
        f"{current} A et un rendement en courant de {efficiency} % ?",
        grams * z * F / (mass * current * efficiency / 100) / 60, "min",
    )  # fmt: skip


@kind("none", "Tsiolkovsky, solved for mass")
def propellant_needed(r: Random) -> Draft:
    dry, velocity, isp = r.randrange(1, 40), r.randrange(1500, 6000, 50), r.randrange(280, 460)
    return Draft(
        f"How much propellant does a stage of {dry} t dry mass (payload included) need for {velocity} m/s at a specific impulse of {isp} s?",
        f"De combien d'ergols un étage de {dry} t à sec (charge utile comprise) a-t-il besoin pour {velocity} m/s à une impulsion "
        f"spécifique de {isp} s ?",
        dry * (exp(velocity / (isp * G0)) - 1), "t",
    )  # fmt: skip


@kind("none", "square-root law of Randles-Sevcik")
def scan_rate_scaling(r: Random) -> Draft:
    current, a, b = r.randrange(5, 80), r.choice([20, 50, 100]), r.choice([200, 400, 500, 1000])
    return Draft(
        f"A reversible couple gives a peak current of {current} µA at {a} mV/s. What does it give at {b} mV/s, all else equal?",
        f"Un couple réversible donne un courant de pic de {current} µA à {a} mV/s. Que donne-t-il à {b} mV/s, toutes choses égales ?",
        current * sqrt(b / a), "uA",
    )  # fmt: skip


@kind("none", "heat conduction through resistances in series")
def wall_heat_flux(r: Random) -> Draft:
    gas, coolant, hg, hl = (
        r.randrange(2800, 3600, 20),
        r.randrange(100, 500, 10),
        r.randrange(4, 25) * 1000,
        r.randrange(30, 200) * 1000,
    )
    mm, k = r.randrange(5, 30) / 10, r.choice([20, 60, 200, 350])
    return Draft(
        f"Heat flows from gas (recovery temperature {gas} K, coefficient {hg} W/m²/K) through a wall of {mm} mm with {k} W/m/K to a "
        f"coolant at {coolant} K (coefficient {hl} W/m²/K). What is the heat flux?",
        f"La chaleur passe d'un gaz (température de récupération {gas} K, coefficient {hg} W/m²/K) à travers une paroi de {mm} mm à {k} "
        f"W/m/K vers un fluide à {coolant} K (coefficient {hl} W/m²/K). Quel est le flux de chaleur ?",
        (gas - coolant) / (1 / hg + mm / 1000 / k + 1 / hl) / 1e6, "MW/m^2",
    )  # fmt: skip


@kind("none", "energy balance")
def coolant_rise(r: Random) -> Draft:
    mw, flow, cp = r.randrange(1, 60), r.randrange(5, 120), r.choice([2000, 3500, 14_300])
    return Draft(
        f"A cooling jacket takes up {mw} MW with {flow} kg/s of a coolant of {cp} J/kg/K. By how much is the coolant heated?",
        f"Une chemise de refroidissement absorbe {mw} MW avec {flow} kg/s d'un fluide de {cp} J/kg/K. De combien le fluide est-il chauffé ?",
        mw * 1e6 / (flow * cp), "ΔK",
    )  # fmt: skip


@kind("none", "impedance of an RC element")
def semicircle_frequency(r: Random) -> Draft:
    ohm, micro = r.randrange(2, 500), r.randrange(5, 200)
    return Draft(
        f"An electrode has a charge-transfer resistance of {ohm} Ω in parallel with a double layer of {micro} µF. At what frequency is the "
        "top of its impedance semicircle?",
        f"Une électrode a une résistance de transfert de charge de {ohm} Ω en parallèle avec une double couche de {micro} µF. À quelle "
        "fréquence se trouve le sommet de son demi-cercle d'impédance ?",
        1 / (2 * pi * ohm * micro * 1e-6), "Hz",
    )  # fmt: skip


@kind("none", "Faraday's law for hydrogen")
def electrolyser_energy(r: Random) -> Draft:
    volts, efficiency = r.randrange(160, 240) / 100, r.choice([95, 98, 100])
    return Draft(
        f"An electrolyser works at {volts} V a cell with a current efficiency of {efficiency} %. How much electric energy does 1 kg of "
        "hydrogen (2.016 g/mol) take?",
        f"Un électrolyseur fonctionne à {volts} V par cellule avec un rendement en courant de {efficiency} %. Combien d'énergie électrique "
        "demande 1 kg d'hydrogène (2,016 g/mol) ?",
        2 * F * volts / (2.016e-3 * efficiency / 100) / 3.6e6, "kW*h",
    )  # fmt: skip


@kind("none", "definition of specific impulse")
def burn_time(r: Random) -> Draft:
    tonnes, kn, isp = r.randrange(5, 300), r.randrange(50, 3000, 10), r.randrange(260, 460)
    return Draft(
        f"A stage holds {tonnes} t of propellant; its engine gives {kn} kN at a specific impulse of {isp} s. How long does it burn?",
        f"Un étage contient {tonnes} t d'ergols ; son moteur donne {kn} kN à une impulsion spécifique de {isp} s. Combien de temps brûle-t-il ?",
        tonnes * 1000 * isp * G0 / (kn * 1000), "s",
    )  # fmt: skip


@kind("none", "thermodynamics of water splitting")
def fuel_cell_heat(r: Random) -> Draft:
    volts, amperes, cells = r.randrange(50, 85) / 100, r.randrange(20, 400), r.randrange(10, 200)
    return Draft(
        f"A hydrogen fuel-cell stack of {cells} cells gives {amperes} A at {volts} V a cell; the thermoneutral voltage is 1.481 V. How much "
        "heat does it give off (water leaving as liquid)?",
        f"Un empilement de {cells} piles à hydrogène donne {amperes} A à {volts} V par cellule ; la tension thermoneutre est de 1,481 V. "
        "Combien de chaleur dégage-t-il (l'eau sortant liquide) ?",
        cells * amperes * (1.481 - volts) / 1000, "kW",
    )  # fmt: skip


# What cannot be answered.


@kind("unanswerable", "the final mass is missing")
def missing_mass(r: Random) -> Draft:
    isp, full = r.randrange(250, 460), r.randrange(100, 600)
    return Draft(
        f"A rocket stage of {full} t has a specific impulse of {isp} s. What velocity change does it give when it burns all its propellant?",
        f"Un étage de fusée de {full} t a une impulsion spécifique de {isp} s. Quelle variation de vitesse fournit-il en brûlant tous ses "
        "ergols ?",
        None, "m/s",
    )  # fmt: skip


@kind("unanswerable", "the density is missing")
def missing_alloy(r: Random) -> Draft:
    i = r.randrange(5, 80)
    return Draft(
        f"An unknown alloy corrodes uniformly at {i} µA/cm². At what rate does it lose thickness?",
        f"Un alliage inconnu se corrode uniformément à {i} µA/cm². À quelle vitesse perd-il de l'épaisseur ?",
        None, "mm/year",
    )  # fmt: skip


@kind("unanswerable", "the concentrations are missing")
def missing_concentrations(r: Random) -> Draft:
    z = r.choice([1, 2])
    e0 = r.randrange(80, 200) / 100
    return Draft(
        f"A cell exchanges {electrons(z)} and has a standard voltage of {e0} V at 25 °C. Its solutions are not at unit activity. What is "
        "its voltage?",
        f"Une pile échange {electrons(z, 'électron')} et a une tension standard de {e0} V à 25 °C. Ses solutions ne sont pas d'activité unité. Quelle "
        "est sa tension ?",
        None, "V",
    )  # fmt: skip
