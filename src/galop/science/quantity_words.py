"""What the names of quantities measure, in English and French, each in its SI unit."""

from __future__ import annotations

import re
from functools import cache

MEASURES = {  # unit: folded names, a | between them; `s?` follows each word
    "N": "thrust|force|poussee|buoyancy|drag|trainee|portance|lift|tension force|effort|propulsive force",
    "kg": "mass|masse|weight|poids|propellant mass|payload|charge utile|masse seche|dry mass|wet mass",
    "Pa": "pressure|pression|stress|contrainte|pressure drop|perte de charge|pressure rise|head loss in pascal|vacuum level|depression|"
          "suppression|backpressure|contre-pression|hoop stress|contrainte circonferentielle",
    "K": "temperature|boiling point|melting point|freezing point|point d'ebullition|temperature d'ebullition|point de fusion",
    "s": "time|temps|duration|duree|isp|specific impulse|impulsion specifique|period|periode|burn time|temps de combustion|delai|"
         "lifetime|duree de vie|half-life|residence time|temps de sejour|temps de residence|autonomie|runtime|time constant|"
         "constante de temps|sand's time|transition time|temps de transition|orbital period|periode orbitale",
    "V": "voltage|tension|potential|potentiel|electromotive force|force electromotrice|emf|f.e.m.|fem|overpotential|surtension|"
         "overvoltage|ddp|difference de potentiel|potential difference|surtension anodique|surtension cathodique|polarisation|"
         "membrane potential|potentiel de membrane|junction potential|potentiel de jonction|ohmic drop|ir drop|chute ohmique|"
         "tafel slope|pente de tafel|cell potential|fcem|standard potential|potentiel standard",
    "A": "current|courant|intensite|amperage|peak current|courant de pic|limiting current|courant limite|corrosion current|courant de corrosion|"
         "discharge current|courant de decharge",
    "A/m^2": "current density|densite de courant|exchange current density|densite de courant d'echange|limiting current density|"
             "densite de courant limite|corrosion current density|densite de courant de corrosion|courant surfacique",
    "kg/s": "mass flow|mass flow rate|mass flowrate|debit massique|debit-masse|debit d'ergols|propellant flow|mass rate|propellant flow rate|"
            "massflow|debit de masse",
    "m^3/s": "volume flow|volumetric flow|volumetric flow rate|volume flow rate|debit volumique|debit-volume|volumetric flowrate",
    "m/s": "velocity|speed|vitesse|delta-v|delta v|Δv|dv|velocity change|exhaust velocity|vitesse d'ejection|characteristic velocity|"
           "vitesse caracteristique|variation de vitesse|increment de vitesse|c*|c star|cstar|exit velocity|vitesse de sortie|speed of sound|"
           "vitesse du son|celerite du son|vitesse orbitale|orbital velocity|orbital speed|escape velocity|vitesse de liberation|burn rate|"
           "burning rate|vitesse de combustion|corrosion rate|vitesse de corrosion|penetration rate|velocity increment|"
           "mass transfer coefficient|coefficient de transfert de matiere|effective exhaust velocity|vitesse d'ejection effective",
    "W": "power|puissance|heat flow|flux thermique|heat rate|debit de chaleur|shaft power|wattage|heat load|heat loss|perte de chaleur|"
         "deperdition|puissance thermique|pertes thermiques",
    "J": "energy|energie|work|travail|heat|chaleur|quantite de chaleur|kinetic energy|energie cinetique",
    "J/mol": "gibbs energy|free energy|enthalpy of reaction|enthalpie libre|energie de gibbs|activation energy|energie d'activation|"
             "enthalpie de reaction|enthalpie molaire|molar enthalpy|gibbs free energy|energie libre",
    "J/mol/K": "reaction entropy|entropy of reaction|entropie de reaction|entropy change",
    "J/kg": "specific energy|energie massique|energie specifique|heat of vaporisation|heat of vaporization|latent heat|chaleur latente|specific enthalpy|"
            "enthalpie massique|chaleur de vaporisation|enthalpie de vaporisation|gravimetric energy density|energy per kilogram|energie par kilogramme",
    "J/m^3": "energy density|densite d'energie|energie volumique|volumetric energy density",
    "J/kg/K": "specific heat|heat capacity|chaleur massique|capacite thermique massique|capacite calorifique|chaleur specifique",
    "W/m^2": "heat flux|flux de chaleur|densite de flux|heat flux density|flux surfacique|power density|densite de puissance",
    "W/m^2/K": "heat transfer coefficient|heat-transfer coefficient|coefficient d'echange|coefficient de transfert thermique|film coefficient|"
               "coefficient de convection|coefficient d'echange thermique|coefficient de transfert de chaleur",
    "W/m/K": "thermal conductivity|conductivite thermique",
    "kg/m^3": "density|masse volumique|densite",
    "m^3": "volume|capacity in litres|contenance",
    "m^2": "area|surface|aire|cross-section|cross section|throat area|section du col|section de passage|section de sortie|exit area|electrode area|"
           "surface d'electrode|flow area|superficie|aire du col",
    "m": "length|longueur|distance|height|hauteur|diameter|diametre|radius|rayon|thickness|epaisseur|width|largeur|depth|profondeur|"
         "altitude|debye length|longueur de debye|gap|throat diameter|head|hauteur manometrique|npsh|net positive suction head|charge hydraulique|"
         "hauteur de charge|wavelength|longueur d'onde|diffusion layer|couche de diffusion|stroke|roughness|rugosite|characteristic length|"
         "longueur caracteristique|l*|head loss|suction head|hauteur d'aspiration|rayon de courbure|demi-grand axe|semi-major axis|apogee|perigee|"
         "perigee|range|portee|spacing|ecartement",
    "mol/m^3": "concentration|molarity|molarite|ionic strength|force ionique|teneur en mol|solubility|solubilite|bulk concentration",
    "mol": "amount of substance|quantite de matiere|number of moles|nombre de moles|moles",
    "mol/s": "molar flow|debit molaire|production rate in moles",
    "kg/mol": "molar mass|masse molaire|molecular weight|masse moleculaire|poids moleculaire",
    "m^2/s": "diffusion coefficient|diffusivity|coefficient de diffusion|diffusivite|kinematic viscosity|viscosite cinematique",
    "Pa*s": "viscosity|dynamic viscosity|viscosite|viscosite dynamique",
    "ohm": "resistance|impedance|charge-transfer resistance|resistance de transfert de charge|polarization resistance|resistance de polarisation|"
           "polarisation resistance|internal resistance|resistance interne",
    "S/m": "conductivity|conductivite|ionic conductivity|conductivite ionique",
    "S": "conductance",
    "1/m": "cell constant|constante de cellule",
    "S*m^2/mol": "molar conductivity|conductivite molaire|conductivite molaire limite",
    "F": "capacitance|capacite electrique|double-layer capacitance|capacite de double couche",
    "C": "charge|quantite d'electricite|electric charge|charge electrique|battery capacity|capacite de la batterie|capacite",
    "C/kg": "specific capacity|capacite massique|capacite specifique|theoretical capacity|capacite theorique",
    "Hz": "frequency|frequence",
    "N*s": "impulse|total impulse|impulsion totale|impulsion|momentum|quantite de mouvement",
    "m/s^2": "acceleration|deceleration",
    "N*m": "torque|couple moteur|moment de torsion",
    "rad/s": "angular velocity|vitesse angulaire",
    "rpm": "rotational speed|rotation speed|vitesse de rotation|shaft speed|regime de rotation",
    "deg": "angle|plane change angle|inclination|inclinaison",
    "K/s": "heating rate|cooling rate|vitesse de chauffe|vitesse de refroidissement",
    "V/s": "scan rate|sweep rate|vitesse de balayage",
    "m/m": "",
    "": "mach number|nombre de mach|mach|ratio|rapport|efficiency|rendement|reynolds number|nombre de reynolds|reynolds|o/f|mixture ratio|"
        "rapport de melange|area ratio|rapport de section|expansion ratio|rapport de detente|rapport d'expansion|thrust coefficient|"
        "coefficient de poussee|ph|equilibrium constant|constante d'equilibre|activity coefficient|coefficient d'activite|mass ratio|"
        "rapport de masse|rapport de masses|pressure ratio|rapport de pression|rapport de pressions|friction factor|coefficient de frottement|"
        "facteur de frottement|percentage|pourcentage|number of electrons|nombre d'electrons|fraction|rapport massique|gamma|"
        "ratio of specific heats|rapport des chaleurs specifiques|prandtl number|nombre de prandtl|nusselt number|nombre de nusselt|"
        "transfer coefficient|coefficient de transfert|specific speed|vitesse specifique|reaction quotient|quotient de reaction|"
        "current efficiency|rendement faradique|rendement de courant|faradaic efficiency|coulombic efficiency|state of charge|"
        "solubility product|produit de solubilite|ksp|thrust-to-weight ratio|factor|facteur|quotient|number|nombre|isentropic exponent|"
        "exposant isentropique|degree of dissociation|taux de conversion|conversion|pka|yield|porosity|relative permittivity|permittivite relative|"
        "loss coefficient|emissivity|emissivite|safety factor|coefficient de securite|structural coefficient|indice de structure|propellant fraction",
}  # fmt: skip
PER = {"kg": "kg", "kilogram": "kg", "kilogramme": "kg", "mole": "mol", "second": "s", "seconde": "s", "hour": "s",
       "heure": "s", "unit area": "m^2", "unite de surface": "m^2", "square metre": "m^2", "metre carre": "m^2", "square meter": "m^2",
       "day": "s", "jour": "s", "year": "s", "an": "s", "metre": "m", "meter": "m"}  # fmt: skip
HOW = {  # interrogatives that imply what is asked
    r"how (?:long|much longer|soon)(?= (?:does|do|will|can|would|could|must|should|to|did|until|before|after|it|may|the|a|an|is it|has|\?)| ?[?,]|$)": "s",
    r"how long (?:is|are|was|were) (?:the|a|an|its|this) (?:burn|test|process|charge|discharge|run|flight|transfer|orbit|manoeuvre|maneuver|"
    r"electrolysis|deposition|period|time|coast|boost|cycle)": "s",
    r"how long": "m", r"how (?:heavy|massive)": "kg", r"how much (?:does|do|will|would|did) [^?]{0,60}?weigh": "kg",
    r"how fast|how quickly|how rapidly": "m/s", r"how (?:far|tall|high|deep|thick|wide|broad)": "m", r"how (?:hot|cold|warm)": "K",
    r"how much time|how many (?:seconds|minutes|hours|days|years)": "s", r"how (?:strong|big) a (?:force|thrust)": "N",
    r"how (?:strong|large|big|high) a current": "A", r"how (?:efficient)": "", r"how (?:dense)": "kg/m^3", r"how many times": "",
    r"how often": "Hz", r"how powerful": "W", r"when (?:is|will|does|are|do)": "s", r"at what time": "s", r"how (?:viscous)": "Pa*s",
    r"(?:pendant |en |dans |au bout de |apres )?combien de temps|combien dure|quand (?:est|sera|la|le|l')": "s",
    r"combien (?:\w+ ){0,3}(?:pese|pesent)(?!\w)|combien pes": "kg", r"combien mesure": "m", r"combien de fois": "",
    r"a quelle (?:vitesse|allure)": "m/s", r"a quelle (?:distance|hauteur|profondeur|altitude)": "m", r"a quel rythme": "",
    r"(?:de|a) combien (?:se |s')?(?:chauffe|refroidit|eleve)": "K",
}  # fmt: skip
STUFF = re.compile(  # how much of it is a mass
    r"(?:how much (?:\w+ ){0,2}?|combien (?:de |d'))(?:propellants?|fuel|oxidi[sz]er|copper|zinc|silver|nickel|gold|iron|lead|tin|"
    r"aluminium|aluminum|chromium|metal|mass|water|ergols?|carburant|comburant|cuivre|argent|fer|or|plomb|etain|metal|eau|masse|"
    r"lox|rp-1|lh2|hydrogen|oxygen|hydrogene|oxygene|kerosene|steel|acier|lithium|material|matiere|payload|charge utile|salt|sel)(?!\w)"
)


@cache
def word_pattern() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all names, the longest first, and what each measures."""
    known = {name: unit for unit, names in MEASURES.items() for name in names.split("|") if name}
    listed = sorted(known, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, listed))})(?:s|x)?(?![\w*])"), known


def find_measures(folded: str) -> list[tuple[int, int, str]]:
    """The quantities that a folded text names: where each stands, and its SI unit; "" for a pure number."""
    pattern, known = word_pattern()
    return [(m.start(), m.end(), known[m[1]]) for m in pattern.finditer(folded)]


def find_implied(folded: str) -> str | None:
    """The SI unit of what an interrogative implies, such as how long; None where it implies nothing."""
    if STUFF.search(folded):
        return "kg"
    return next((unit for pattern, unit in HOW.items() if re.search(rf"(?<!\w)(?:{pattern})", folded)), None)
