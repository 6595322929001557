"""Questions for which one formula suffices."""

from __future__ import annotations

from random import Random

from galop.science.bank.kind import METALS, QuestionDraft, compute, draw_propellants, electrons, kind, le


@kind("tool", "Sutton & Biblarz, ch. 4")
def stage_velocity(r: Random) -> QuestionDraft:
    """Velocity change of a stage, by the rocket equation."""
    isp, full, empty = r.randrange(250, 460), r.randrange(100, 600), r.randrange(15, 80)
    return QuestionDraft(
        f"A rocket stage has a specific impulse of {isp} s. Its mass is {full} t before and {empty} t after the burn. "
        "What velocity change does it give?",
        f"Un étage de fusée a une impulsion spécifique de {isp} s. Sa masse est de {full} t avant et de {empty} t après la "
        "combustion. Quelle variation de vitesse fournit-il ?",
        compute("rocket_equation", "delta_v", isp=isp, initial_mass=full, final_mass=empty), "m/s",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 2-13")
def engine_thrust(r: Random) -> QuestionDraft:
    """Thrust from momentum and pressure."""
    flow, velocity = r.randrange(20, 400), r.randrange(2200, 4400, 10)
    exit_kpa, ambient, area = r.randrange(20, 90), r.choice([0, 50, 101.325]), r.randrange(5, 30) / 10
    return QuestionDraft(
        f"A rocket engine burns {flow} kg/s and exhausts at {velocity} m/s. The exit pressure is {exit_kpa} kPa, the exit "
        f"area {area} m², the ambient pressure {ambient} kPa. What is its thrust?",
        f"Un moteur-fusée consomme {flow} kg/s et éjecte à {velocity} m/s. La pression de sortie est de {exit_kpa} kPa, la "
        f"section de sortie de {area} m², la pression ambiante de {ambient} kPa. Quelle est sa poussée ?",
        compute("thrust", "thrust", mass_flow=flow, exit_velocity=velocity, exit_pressure=exit_kpa * 1e3,
                ambient_pressure=ambient * 1e3, exit_area=area) / 1e3, "kN",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 3-32")
def ideal_c_star(r: Random) -> QuestionDraft:
    """Characteristic velocity of an ideal gas."""
    gamma, mass, temperature = r.randrange(115, 135) / 100, r.randrange(10, 30), r.randrange(2500, 3800, 10)
    return QuestionDraft(
        f"A combustion gas has a ratio of specific heats of {gamma}, a molar mass of {mass} g/mol and a chamber temperature "
        f"of {temperature} K. What is its ideal characteristic velocity c*?",
        f"Un gaz de combustion a un rapport des chaleurs spécifiques de {gamma}, une masse molaire de {mass} g/mol et une "
        f"température de chambre de {temperature} K. Quelle est sa vitesse caractéristique idéale c* ?",
        compute("characteristic_velocity", "c_star", gamma=gamma, molar_mass=mass, temperature=temperature), "m/s",
    )  # fmt: skip


@kind("tool", "Sutton & Biblarz, eq. 3-14")
def nozzle_exit_mach(r: Random) -> QuestionDraft:
    """Exit Mach number of an ideal nozzle."""
    gamma, ratio = r.randrange(115, 140) / 100, r.randrange(5, 120)
    return QuestionDraft(
        f"An ideal supersonic nozzle has an area ratio of {ratio}; the gas has a ratio of specific heats of {gamma}. What is "
        "the exit Mach number?",
        f"Une tuyère supersonique idéale a un rapport de section de {ratio} ; le gaz a un rapport des chaleurs spécifiques de "
        f"{gamma}. Quel est le nombre de Mach de sortie ?",
        compute("nozzle", "mach", gamma=gamma, area_ratio=ratio), "",
    )  # fmt: skip


@kind("tool", "NASA RP-1311", 0.01)
def vacuum_isp(r: Random) -> QuestionDraft:
    """Specific impulse of a propellant pair at equilibrium."""
    p = draw_propellants(r)
    return QuestionDraft(
        f"What is the theoretical vacuum specific impulse (shifting equilibrium) of {p['fuel']}/{p['oxidiser']} at O/F "
        f"{p['of']}, {p['pressure']} bar and a nozzle area ratio of {p['area_ratio']}?",
        f"Quelle est l'impulsion spécifique théorique dans le vide (équilibre glissant) de {p['fuel']}/{p['oxidiser']} à O/F "
        f"{p['of']}, {p['pressure']} bar et un rapport de section de {p['area_ratio']} ?",
        compute("isp", "isp_vacuum", **p), "s",
    )  # fmt: skip


@kind("tool", "NASA RP-1311", 0.01)
def chamber_temperature(r: Random) -> QuestionDraft:
    """Combustion temperature of a propellant pair."""
    p = draw_propellants(r)
    return QuestionDraft(
        f"What is the equilibrium combustion temperature of {p['fuel']}/{p['oxidiser']} at O/F {p['of']} and "
        f"{p['pressure']} bar (propellants as stored, any nozzle, for example of area ratio {p['area_ratio']})?",
        f"Quelle est la température de combustion à l'équilibre de {p['fuel']}/{p['oxidiser']} à O/F {p['of']} et "
        f"{p['pressure']} bar (ergols tels que stockés, tuyère quelconque, par exemple de rapport {p['area_ratio']}) ?",
        compute("isp", "chamber_temperature", **p), "K",
    )  # fmt: skip


@kind("tool", "NASA SP-125, ch. VI")
def turbopump_power(r: Random) -> QuestionDraft:
    """Shaft power of a pump."""
    flow, rise, density, efficiency = (
        r.randrange(20, 400),
        r.randrange(4, 30),
        r.choice([71, 422, 810, 1141]),
        r.randrange(60, 82),
    )
    return QuestionDraft(
        f"A pump moves {flow} kg/s of a liquid of {density} kg/m³ and raises its pressure by {rise} MPa at an efficiency of "
        f"{efficiency} %. What shaft power does it take?",
        f"Une pompe débite {flow} kg/s d'un liquide de {density} kg/m³ et élève sa pression de {rise} MPa avec un rendement de "
        f"{efficiency} %. Quelle puissance demande-t-elle à l'arbre ?",
        compute("pump_power", "power", mass_flow=flow, pressure_rise=rise * 1e6, density=density,
                efficiency=efficiency / 100) / 1e6, "MW",
    )  # fmt: skip


@kind("tool", "Faraday")
def plated_mass(r: Random) -> QuestionDraft:
    """Mass that a current deposits."""
    name, french, mass, z = r.choice([("copper", "cuivre", 63.546, 2), ("silver", "argent", 107.868, 1), ("nickel", "nickel", 58.693, 2),
                                      ("zinc", "zinc", 65.38, 2), ("gold (from Au3+)", "or (à partir de Au3+)", 196.967, 3)])  # fmt: skip
    current, minutes = r.randrange(1, 60), r.randrange(10, 240)
    return QuestionDraft(
        f"A current of {current} A deposits {name} (molar mass {mass} g/mol, {electrons(z)}) for {minutes} min. What mass?",
        f"Un courant de {current} A dépose pendant {minutes} min du métal : {french} (masse molaire {mass} g/mol, {electrons(z, 'électron')}). "
        "Quelle masse ?",
        compute("faraday_mass", "mass", current=current, time=minutes * 60, molar_mass=mass, electrons=z), "g",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 2.1.40", 0.005)
def nernst_voltage(r: Random) -> QuestionDraft:
    """Voltage of a cell away from standard conditions."""
    e0, z, q, celsius = (
        r.randrange(80, 200) / 100,
        r.choice([1, 2, 4]),
        r.choice([1e-4, 0.01, 100, 1e3, 1e5]),
        r.choice([25, 40, 60]),
    )
    return QuestionDraft(
        f"A cell has a standard voltage of {e0} V at {celsius} °C and exchanges {electrons(z)}. What is its voltage there when the "
        f"reaction quotient is {q:g}?",
        f"Une pile a une tension standard de {e0} V à {celsius} °C et échange {electrons(z, 'électron')}. Quelle est sa tension quand le "
        f"quotient réactionnel vaut {q:g} ?",
        compute("nernst", "voltage", standard_voltage=e0, electrons=z, quotient=q, temperature=celsius + 273.15), "V",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 2.1.26")
def reaction_gibbs(r: Random) -> QuestionDraft:
    """Gibbs energy of a cell reaction."""
    e0, z = r.randrange(30, 250) / 100, r.choice([1, 2, 3, 4])
    return QuestionDraft(
        f"A cell reaction exchanges {electrons(z)} at a standard voltage of {e0} V. What is its standard Gibbs energy?",
        f"La réaction d'une pile échange {electrons(z, 'électron')} sous une tension standard de {e0} V. Quelle est son enthalpie libre "
        "standard ?",
        compute("gibbs_energy", "gibbs_energy", voltage=e0, electrons=z), "kJ/mol",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 3.4.11")
def electrode_current(r: Random) -> QuestionDraft:
    """Current density at an overpotential (Butler-Volmer)."""
    i0, eta, alpha = r.choice([0.01, 0.1, 0.5, 1, 2]), r.randrange(20, 200, 5), r.choice([0.3, 0.4, 0.5, 0.6])
    return QuestionDraft(
        f"An electrode has an exchange current density of {i0} mA/cm² and an anodic transfer coefficient of {alpha}. What current "
        f"density flows at an overpotential of {eta} mV and 25 °C (Butler-Volmer)?",
        f"Une électrode a une densité de courant d'échange de {i0} mA/cm² et un coefficient de transfert anodique de {alpha}. "
        f"Quelle densité de courant passe à une surtension de {eta} mV et 25 °C (Butler-Volmer) ?",
        compute("butler_volmer", "current_density", exchange_current_density=i0 * 10, overpotential=eta / 1000, alpha=alpha) / 10,
        "mA/cm^2",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 5.2.11")
def step_current(r: Random) -> QuestionDraft:
    """Current after a potential step (Cottrell)."""
    n, area, c, d, t = (
        r.choice([1, 2]),
        r.randrange(2, 50) / 100,
        r.randrange(1, 20),
        r.randrange(5, 20) / 10,
        r.choice([0.5, 1, 5, 10]),
    )
    return QuestionDraft(
        f"After a potential step, {n}-electron reduction at a planar electrode of {area} cm² is limited by diffusion: bulk "
        f"concentration {c} mM, diffusion coefficient {d}e-9 m²/s. What current flows after {t} s (Cottrell)?",
        f"Après un saut de potentiel, une réduction à {electrons(n, 'électron')} sur une électrode plane de {area} cm² est limitée par la "
        f"diffusion : concentration {c} mM, coefficient de diffusion {d}e-9 m²/s. Quel courant passe après {t} s (Cottrell) ?",
        compute("cottrell", "current", electrons=n, area=area * 1e-4, concentration=c, diffusivity=d * 1e-9, time=t) * 1e6, "uA",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 6.2.18")
def voltammetry_peak(r: Random) -> QuestionDraft:
    """Peak current in cyclic voltammetry (Randles-Sevcik)."""
    n, area, c, d, v = 1, r.randrange(3, 30) / 100, r.randrange(1, 10), r.randrange(4, 12), r.choice([20, 50, 100, 200])
    return QuestionDraft(
        f"In cyclic voltammetry of a reversible {n}-electron couple the electrode has {area} cm², the concentration is {c} mM, the "
        f"diffusion coefficient {d}e-6 cm²/s and the scan rate {v} mV/s at 25 °C. What is the peak current?",
        f"En voltampérométrie cyclique d'un couple réversible à {electrons(n, 'électron')}, l'électrode a {area} cm², la concentration est de {c} mM, "
        f"le coefficient de diffusion de {d}e-6 cm²/s et la vitesse de balayage de {v} mV/s à 25 °C. Quel est le courant de pic ?",
        compute("randles_sevcik", "current", electrons=n, area=area * 1e-4, concentration=c, diffusivity=d * 1e-10,
                scan_rate=v / 1000) * 1e6, "uA",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 13.3.15")
def screening_length(r: Random) -> QuestionDraft:
    """Debye length in water."""
    c = r.choice([0.1, 0.5, 1, 2, 5, 10, 20, 50, 100])
    return QuestionDraft(
        f"What is the Debye length in water at 25 °C (relative permittivity 78.4) with an ionic strength of {c} mM?",
        f"Quelle est la longueur de Debye dans l'eau à 25 °C (permittivité relative 78,4) pour une force ionique de {c} mM ?",
        compute("debye_length", "length", ionic_strength=c / 1000), "nm",
    )  # fmt: skip


@kind("tool", "ASTM G102")
def rate_of_corrosion(r: Random) -> QuestionDraft:
    """Thickness lost in a year by uniform corrosion."""
    name, french, mass, z, density = r.choice(METALS)
    i = r.randrange(2, 80)
    return QuestionDraft(
        f"{name.capitalize()} ({mass} g/mol, {electrons(z)}, {density} g/cm³) corrodes uniformly at {i} µA/cm². At what rate does it "
        "lose thickness?",
        f"{le(french)} ({mass} g/mol, {electrons(z, 'électron')}, {density} g/cm³) se corrode uniformément à {i} µA/cm². À quelle vitesse perd-il "
        "de l'épaisseur ?",
        compute("corrosion_rate", "rate", current_density=i / 100, molar_mass=mass, electrons=z, density=density), "mm/year",
    )  # fmt: skip


@kind("tool", "Bard & Faulkner, eq. 1.4.9")
def diffusion_limit(r: Random) -> QuestionDraft:
    """Limiting current density of diffusion."""
    n, d, c, delta = r.choice([1, 2]), r.randrange(5, 25) / 10, r.randrange(1, 100), r.randrange(10, 300, 10)
    return QuestionDraft(
        f"Diffusion through a layer of {delta} µm feeds a {n}-electron reaction; the bulk concentration is {c} mol/m³ and the diffusion "
        f"coefficient {d}e-9 m²/s. What is the limiting current density?",
        f"La diffusion à travers une couche de {delta} µm alimente une réaction à {electrons(n, 'électron')} ; la concentration est de {c} mol/m³ et "
        f"le coefficient de diffusion de {d}e-9 m²/s. Quelle est la densité de courant limite ?",
        compute("limiting_current", "current_density", electrons=n, diffusivity=d * 1e-9, concentration=c, thickness=delta * 1e-6),
        "A/m^2",
    )  # fmt: skip
