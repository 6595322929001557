"""Questions for which formulas have to be composed."""

from __future__ import annotations

from math import log10, pi
from random import Random
from typing import Any

from galop.science.bank.kind import METALS, QuestionDraft, compute, de, draw_propellants, du, electrons, kind


@kind("composed", "Sutton & Biblarz, ch. 3")
def flow_through_throat(r: Random) -> QuestionDraft:
    """Mass flow of a nozzle: characteristic velocity, then choked flow."""
    gamma, mass, temperature = r.randrange(115, 130) / 100, r.randrange(12, 28), r.randrange(2800, 3700, 10)
    bar, mm = r.randrange(20, 200, 5), r.randrange(50, 300, 5)
    c_star = compute("characteristic_velocity", "c_star", gamma=gamma, molar_mass=mass, temperature=temperature)
    return QuestionDraft(
        f"A rocket chamber holds gas at {bar} bar and {temperature} K with a ratio of specific heats of {gamma} and a molar mass of "
        f"{mass} g/mol. The throat's diameter is {mm} mm. What is the ideal mass flow?",
        f"Une chambre de fusée contient un gaz à {bar} bar et {temperature} K, de rapport des chaleurs spécifiques {gamma} et de masse "
        f"molaire {mass} g/mol. Le diamètre du col est de {mm} mm. Quel est le débit massique idéal ?",
        bar * 1e5 * pi / 4 * (mm / 1000) ** 2 / c_star, "kg/s",
    )  # fmt: skip


@kind("composed", "Sutton & Biblarz, eq. 3-30")
def thrust_from_nozzle(r: Random) -> QuestionDraft:
    """Thrust of a nozzle: thrust coefficient, then chamber pressure and throat."""
    gamma, ratio, bar, mm = (
        r.randrange(115, 130) / 100,
        r.randrange(10, 80),
        r.randrange(20, 200, 5),
        r.randrange(50, 300, 5),
    )
    cf = compute("nozzle", "thrust_coefficient", gamma=gamma, area_ratio=ratio, pressure=bar)
    return QuestionDraft(
        f"An ideal nozzle of area ratio {ratio} works in vacuum from a chamber at {bar} bar; the gas has a ratio of specific heats of "
        f"{gamma} and the throat a diameter of {mm} mm. What is the thrust?",
        f"Une tuyère idéale de rapport de section {ratio} fonctionne dans le vide depuis une chambre à {bar} bar ; le gaz a un rapport "
        f"des chaleurs spécifiques de {gamma} et le col un diamètre de {mm} mm. Quelle est la poussée ?",
        cf * bar * 1e5 * pi / 4 * (mm / 1000) ** 2 / 1000, "kN",
    )  # fmt: skip


@kind("composed", "NASA RP-1311; Tsiolkovsky", 0.015)
def velocity_from_propellants(r: Random) -> QuestionDraft:
    """Velocity change of a stage: specific impulse at equilibrium, then the rocket equation."""
    p, ratio = draw_propellants(r), r.randrange(20, 80) / 10
    velocity = compute("isp", "isp_vacuum", **p)
    return QuestionDraft(
        f"A stage burns {p['fuel']}/{p['oxidiser']} at O/F {p['of']} and {p['pressure']} bar through a nozzle of area ratio "
        f"{p['area_ratio']}, with the theoretical vacuum specific impulse. Its mass before the burn is {ratio} times that after. What "
        "velocity change does it give in vacuum?",
        f"Un étage brûle {p['fuel']}/{p['oxidiser']} à O/F {p['of']} et {p['pressure']} bar avec une tuyère de rapport de section "
        f"{p['area_ratio']}, à l'impulsion spécifique théorique dans le vide. Sa masse avant la combustion est {ratio} fois celle "
        "d'après. Quelle variation de vitesse fournit-il dans le vide ?",
        compute("rocket_equation", "delta_v", isp=velocity, initial_mass=ratio, final_mass=1), "m/s",
    )  # fmt: skip


@kind("composed", "NASA SP-8107; CoolProp", 0.02)
def suction_head(r: Random) -> QuestionDraft:
    """Suction head of a pump: vapour pressure and density, then the head."""
    name, french, low, high = r.choice(
        [("oxygen", "oxygène", 88, 96), ("methane", "méthane", 108, 118), ("nitrogen", "azote", 74, 82)]
    )
    kelvin, kpa, loss, height = (
        r.randrange(low, high),
        r.randrange(300, 600, 10),
        r.randrange(5, 60),
        r.randrange(1, 15),
    )
    at: dict[str, Any] = {"name": name, "temperature": kelvin}
    vapour, density = compute("saturation", "vapour_pressure", **at), compute("saturation", "liquid_density", **at)
    return QuestionDraft(
        f"Saturated-liquid {name} at {kelvin} K feeds a pump from a tank at {kpa} kPa (absolute), {height} m above the inlet; the line "
        f"loses {loss} kPa. Take density and vapour pressure of the saturated liquid. What net positive suction head is available?",
        f"{du(french)} liquide saturé à {kelvin} K alimente une pompe depuis un réservoir à {kpa} kPa (absolus), {height} m au-dessus de "
        f"l'entrée ; la conduite perd {loss} kPa. Prenez la masse volumique et la pression de vapeur du liquide saturé. Quelle hauteur "
        "nette d'aspiration est disponible ?",
        compute("npsh", "npsh", tank_pressure=kpa * 1e3, vapour_pressure=vapour, density=density, height=height, loss=loss * 1e3), "m",
    )  # fmt: skip


@kind("composed", "Bard, Parsons & Jordan; Nernst", 0.02)
def galvanic_cell(r: Random) -> QuestionDraft:
    """Voltage of a galvanic cell: potentials of its couples, then Nernst."""
    cathode, anode = r.choice(
        [("Cu", "Zn"), ("Cu", "Fe"), ("Ni", "Zn"), ("Cu", "Cd"), ("Sn", "Zn"), ("Cu", "Ni"), ("Pb", "Zn")]
    )
    a, b = r.choice([0.001, 0.01, 0.1, 0.5]), r.choice([0.002, 0.02, 0.2, 1])
    e0 = compute("cell_voltage", "voltage", cathode=f"{cathode}2+/{cathode}", anode=f"{anode}2+/{anode}")
    return QuestionDraft(
        f"A cell at 25 °C has a {cathode} cathode in {a} mol/L {cathode}2+ and a {anode} anode in {b} mol/L {anode}2+. What is its "
        "voltage, activities taken as concentrations and standard potentials from Bard, Parsons & Jordan?",
        f"Une pile à 25 °C a une cathode de {cathode} dans {cathode}2+ à {a} mol/L et une anode de {anode} dans {anode}2+ à {b} mol/L. "
        "Quelle est sa tension, les activités étant prises égales aux concentrations et les potentiels standard tirés de Bard, Parsons & Jordan ?",
        compute("nernst", "voltage", standard_voltage=e0, electrons=2, quotient=b / a), "V",
    )  # fmt: skip


@kind("composed", "Faraday's law in mAh")
def cell_energy(r: Random) -> QuestionDraft:
    """Specific energy of a cell: capacities of both electrodes, then their energy."""
    cathode, m_c, volts, anode, m_a = r.choice([
        ("LiFePO4", 157.757, 3.3, "C6", 72.066), ("LiCoO2", 97.87, 3.8, "C6", 72.066), ("LiMn2O4", 180.81, 3.9, "C6", 72.066),
        ("LiFePO4", 157.757, 1.9, "Li4Ti5O12", 153.05), ("NaFePO4", 173.81, 2.7, "C8", 96.088),
    ])  # fmt: skip
    share = r.choice([1.0, 0.9, 0.8, 0.5])
    q_c = share * compute("specific_capacity", "capacity", molar_mass=m_c, electrons=1)
    q_a = compute("specific_capacity", "capacity", molar_mass=m_a, electrons=1)
    return QuestionDraft(
        f"A cell made in the discharged state pairs {cathode} ({m_c} g/mol, of which {electrons(share)} per formula unit can be used) with "
        f"an anode of {anode} ({m_a} g per mole of electrons) at a mean of {volts} V. What is the specific energy of both electrodes' "
        "materials together?",
        f"Un accumulateur fabriqué à l'état déchargé associe {cathode} ({m_c} g/mol, dont {share:g} électron par motif est utilisable) à une "
        f"anode de {anode} ({m_a} g par mole d'électrons) sous {volts} V en moyenne. Quelle est l'énergie massique des matériaux des deux "
        "électrodes ensemble ?",
        compute("specific_energy", "energy", voltage=volts, cathode_capacity=q_c, anode_capacity=q_a), "W*h/kg",
    )  # fmt: skip


@kind("composed", "ASTM G102")
def time_to_perforation(r: Random) -> QuestionDraft:
    """Years until a wall is through: corrosion rate, then a quotient."""
    name, french, mass, z, density = r.choice(METALS)
    i, mm = r.randrange(5, 80), r.randrange(2, 15)
    rate = compute("corrosion_rate", "rate", current_density=i / 100, molar_mass=mass, electrons=z, density=density)
    return QuestionDraft(
        f"A wall of {mm} mm of {name} ({mass} g/mol, {electrons(z)}, {density} g/cm³) corrodes uniformly from one side at {i} µA/cm². After "
        "how many years is it through?",
        f"Une paroi de {mm} mm {de(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) se corrode uniformément d'un côté à {i} µA/cm². "
        "Après combien d'années est-elle percée ?",
        mm / rate, "year",
    )  # fmt: skip


@kind("composed", "Bard & Faulkner, sec. 3.4.3")
def tafel_overpotential(r: Random) -> QuestionDraft:
    """Overpotential at a current: Tafel slope, then decades."""
    alpha, i0, i = r.choice([0.3, 0.4, 0.5]), r.choice([1e-4, 1e-3, 1e-2]), r.choice([1, 5, 10, 50])
    return QuestionDraft(
        f"In the Tafel region (transfer coefficient {alpha}, 25 °C, exchange current density {i0:g} mA/cm²), what overpotential drives "
        f"{i} mA/cm²?",
        f"Dans le domaine de Tafel (coefficient de transfert {alpha}, 25 °C, densité de courant d'échange {i0:g} mA/cm²), quelle surtension "
        f"entraîne {i} mA/cm² ?",
        compute("tafel_slope", "slope", alpha=alpha) * log10(i / i0), "mV",
    )  # fmt: skip


@kind("composed", "NASA SP-125; CoolProp", 0.02)
def cryogenic_pump(r: Random) -> QuestionDraft:
    """Shaft power of a pump for a saturated liquid: density, then power."""
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
    return QuestionDraft(
        f"A pump raises the pressure of {flow} kg/s of saturated liquid {name} at {kelvin} K by {rise} MPa at an efficiency of "
        f"{efficiency} %; take the density of the saturated liquid. What shaft power does it take?",
        f"Une pompe élève de {rise} MPa la pression de {flow} kg/s {de(french)} liquide saturé à {kelvin} K avec un rendement de "
        f"{efficiency} % ; prenez la masse volumique du liquide saturé. Quelle puissance demande-t-elle à l'arbre ?",
        flow * rise / (density * efficiency / 100), "MW",
    )  # fmt: skip
