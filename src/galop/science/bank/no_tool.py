"""Questions that no formula answers; only the calculator helps."""

from __future__ import annotations

from math import exp, pi, sqrt
from random import Random

from galop.science.bank.kind import METALS, QuestionDraft, de, electrons, kind

F, G0 = 96485.33212, 9.80665


@kind("none", "Faraday's law, solved for time")
def plating_time(r: Random) -> QuestionDraft:
    """Time to plate a layer: Faraday's law solved for time."""
    name, french, mass, z, density = r.choice(METALS[1:3] + METALS[4:])
    micron, dm2, current, efficiency = (
        r.randrange(5, 60),
        r.randrange(1, 40),
        r.randrange(2, 60),
        r.choice([90, 95, 100]),
    )
    grams = micron * 1e-4 * dm2 * 100 * density
    return QuestionDraft(
        f"How long does it take to plate {micron} µm of {name} ({mass} g/mol, {electrons(z)}, {density} g/cm³) on {dm2} dm² with {current} A "
        f"at a current efficiency of {efficiency} %?",
        f"Combien de temps faut-il pour déposer {micron} µm {de(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) sur {dm2} dm² avec "
        f"{current} A et un rendement en courant de {efficiency} % ?",
        grams * z * F / (mass * current * efficiency / 100) / 60, "min",
    )  # fmt: skip


@kind("none", "Tsiolkovsky, solved for mass")
def propellant_needed(r: Random) -> QuestionDraft:
    """Propellant for a velocity change: the rocket equation solved for mass."""
    dry, velocity, isp = r.randrange(1, 40), r.randrange(1500, 6000, 50), r.randrange(280, 460)
    return QuestionDraft(
        f"How much propellant does a stage of {dry} t dry mass (payload included) need for {velocity} m/s at a specific impulse of {isp} s?",
        f"De combien d'ergols un étage de {dry} t à sec (charge utile comprise) a-t-il besoin pour {velocity} m/s à une impulsion "
        f"spécifique de {isp} s ?",
        dry * (exp(velocity / (isp * G0)) - 1), "t",
    )  # fmt: skip


@kind("none", "square-root law of Randles-Sevcik")
def scan_rate_scaling(r: Random) -> QuestionDraft:
    """Peak current at another scan rate, by the square-root law."""
    current, a, b = r.randrange(5, 80), r.choice([20, 50, 100]), r.choice([200, 400, 500, 1000])
    return QuestionDraft(
        f"A reversible couple gives a peak current of {current} µA at {a} mV/s. What does it give at {b} mV/s, all else equal?",
        f"Un couple réversible donne un courant de pic de {current} µA à {a} mV/s. Que donne-t-il à {b} mV/s, toutes choses égales ?",
        current * sqrt(b / a), "uA",
    )  # fmt: skip


@kind("none", "heat conduction through resistances in series")
def wall_heat_flux(r: Random) -> QuestionDraft:
    """Heat flux through resistances in series."""
    gas, coolant, hg, hl = (
        r.randrange(2800, 3600, 20),
        r.randrange(100, 500, 10),
        r.randrange(4, 25) * 1000,
        r.randrange(30, 200) * 1000,
    )
    mm, k = r.randrange(5, 30) / 10, r.choice([20, 60, 200, 350])
    return QuestionDraft(
        f"Heat flows from gas (recovery temperature {gas} K, coefficient {hg} W/m²/K) through a wall of {mm} mm with {k} W/m/K to a "
        f"coolant at {coolant} K (coefficient {hl} W/m²/K). What is the heat flux?",
        f"La chaleur passe d'un gaz (température de récupération {gas} K, coefficient {hg} W/m²/K) à travers une paroi de {mm} mm à {k} "
        f"W/m/K vers un fluide à {coolant} K (coefficient {hl} W/m²/K). Quel est le flux de chaleur ?",
        (gas - coolant) / (1 / hg + mm / 1000 / k + 1 / hl) / 1e6, "MW/m^2",
    )  # fmt: skip


@kind("none", "energy balance")
def coolant_rise(r: Random) -> QuestionDraft:
    """Temperature rise of a coolant, by an energy balance."""
    mw, flow, cp = r.randrange(1, 60), r.randrange(5, 120), r.choice([2000, 3500, 14_300])
    return QuestionDraft(
        f"A cooling jacket takes up {mw} MW with {flow} kg/s of a coolant of {cp} J/kg/K. By how much is the coolant heated?",
        f"Une chemise de refroidissement absorbe {mw} MW avec {flow} kg/s d'un fluide de {cp} J/kg/K. De combien le fluide est-il chauffé ?",
        mw * 1e6 / (flow * cp), "ΔK",
    )  # fmt: skip


@kind("none", "impedance of an RC element")
def semicircle_frequency(r: Random) -> QuestionDraft:
    """Frequency at the top of the semicircle of an RC element."""
    ohm, micro = r.randrange(2, 500), r.randrange(5, 200)
    return QuestionDraft(
        f"An electrode has a charge-transfer resistance of {ohm} Ω in parallel with a double layer of {micro} µF. At what frequency is the "
        "top of its impedance semicircle?",
        f"Une électrode a une résistance de transfert de charge de {ohm} Ω en parallèle avec une double couche de {micro} µF. À quelle "
        "fréquence se trouve le sommet de son demi-cercle d'impédance ?",
        1 / (2 * pi * ohm * micro * 1e-6), "Hz",
    )  # fmt: skip


@kind("none", "Faraday's law for hydrogen")
def electrolyser_energy(r: Random) -> QuestionDraft:
    """Electric energy for a kilogram of hydrogen."""
    volts, efficiency = r.randrange(160, 240) / 100, r.choice([95, 98, 100])
    return QuestionDraft(
        f"An electrolyser works at {volts} V a cell with a current efficiency of {efficiency} %. How much electric energy does 1 kg of "
        "hydrogen (2.016 g/mol) take?",
        f"Un électrolyseur fonctionne à {volts} V par cellule avec un rendement en courant de {efficiency} %. Combien d'énergie électrique "
        "demande 1 kg d'hydrogène (2,016 g/mol) ?",
        2 * F * volts / (2.016e-3 * efficiency / 100) / 3.6e6, "kW*h",
    )  # fmt: skip


@kind("none", "definition of specific impulse")
def burn_time(r: Random) -> QuestionDraft:
    """Burn time from propellant, thrust and specific impulse."""
    tonnes, kn, isp = r.randrange(5, 300), r.randrange(50, 3000, 10), r.randrange(260, 460)
    return QuestionDraft(
        f"A stage holds {tonnes} t of propellant; its engine gives {kn} kN at a specific impulse of {isp} s. How long does it burn?",
        f"Un étage contient {tonnes} t d'ergols ; son moteur donne {kn} kN à une impulsion spécifique de {isp} s. Combien de temps brûle-t-il ?",
        tonnes * 1000 * isp * G0 / (kn * 1000), "s",
    )  # fmt: skip


@kind("none", "thermodynamics of water splitting")
def fuel_cell_heat(r: Random) -> QuestionDraft:
    """Heat that a fuel-cell stack gives off."""
    volts, amperes, cells = r.randrange(50, 85) / 100, r.randrange(20, 400), r.randrange(10, 200)
    return QuestionDraft(
        f"A hydrogen fuel-cell stack of {cells} cells gives {amperes} A at {volts} V a cell; the thermoneutral voltage is 1.481 V. How much "
        "heat does it give off (water leaving as liquid)?",
        f"Un empilement de {cells} piles à hydrogène donne {amperes} A à {volts} V par cellule ; la tension thermoneutre est de 1,481 V. "
        "Combien de chaleur dégage-t-il (l'eau sortant liquide) ?",
        cells * amperes * (1.481 - volts) / 1000, "kW",
    )  # fmt: skip
