"""The names of units in texts, symbols and English and French words, and what each is called in answers.

The name in answers (`kg`, `°C`, `µA`, `lbf`) is one that `units.unit_registry` understands; a product such as `N*m` too.
"""

from __future__ import annotations

SYMBOL_PREFIXES = {
    "p": "p", "n": "n", "µ": "µ", "u": "µ", "m": "m", "c": "c", "d": "d", "h": "h", "k": "k", "M": "M", "G": "G",
    "T": "T", "f": "f", "da": "da",
}  # fmt: skip
WORD_PREFIXES = {
    "pico": "p", "nano": "n", "micro": "µ", "milli": "m", "centi": "c", "deci": "d", "deca": "da", "hecto": "h",
    "kilo": "k", "mega": "M", "giga": "G", "tera": "T", "femto": "f",
}  # fmt: skip
PREFIXABLE = {  # symbols
    "m": "m", "g": "g", "s": "s", "A": "A", "K": "K", "mol": "mol", "Hz": "Hz", "N": "N", "Pa": "Pa", "J": "J",
    "W": "W", "C": "C", "V": "V", "F": "F", "Ω": "Ω", "ohm": "Ω", "Ohm": "Ω", "S": "S", "H": "H", "T": "T", "Wb": "Wb",
    "L": "L", "l": "L", "ℓ": "L", "bar": "bar", "eV": "eV", "cal": "cal", "Wh": "W*h", "Ah": "A*h", "M": "M", "P": "P",
    "St": "St", "Torr": "torr", "torr": "torr", "VA": "V*A", "Bq": "Bq", "Gy": "Gy", "Da": "Da", "psi": "psi",
    "gf": "gf", "rad": "rad", "lm": "lm", "t": "t", "Wp": "W",
}  # fmt: skip
UNLIKELY = frozenset("pa ha cd das".split())  # years, hectares, candela, an article
SYMBOLS = {  # as they stand
    "min": "min", "mn": "min", "h": "h", "hr": "h", "hrs": "h", "d": "day", "j": "day", "yr": "year", "yrs": "year",
    "sec": "s", "secs": "s", "msec": "ms", "mo": "month", "wk": "week", "°C": "°C", "ºC": "°C", "℃": "°C", "degC": "°C",
    "°F": "°F", "ºF": "°F", "℉": "°F", "degF": "°F", "°R": "degR", "degR": "degR", "°K": "K", "degK": "K", "°": "deg",
    "º": "deg", "deg": "deg", "Kg": "kg", "KG": "kg", "kgs": "kg", "kilo": "kg", "kilos": "kg", "gr": "g", "gm": "g",
    "gms": "g", "amp": "A", "amps": "A", "Amp": "A", "Amps": "A", "atm": "atm", "ATM": "atm", "mmHg": "mmHg",
    "cmHg": "cmHg", "inHg": "inHg", "mH2O": "mH2O", "mCE": "mH2O", "cmH2O": "cmH2O", "mmH2O": "mmH2O", "mmCE": "mmH2O",
    "inH2O": "inH2O", "inwc": "inH2O", "psia": "psi", "PSI": "psi", "PSIA": "psi", "psig": "psig", "PSIG": "psig",
    "bara": "bar", "barg": "barg", "kPaa": "kPa", "kPag": "kPag", "MPaa": "MPa", "MPag": "MPag", "mbara": "mbar",
    "mbarg": "mbarg", "in": "inch", "inch": "inch", "inches": "inch", "″": "inch", '"': "inch", "ft": "ft",
    "feet": "ft", "′": "ft", "yd": "yd", "yds": "yd", "mi": "mile", "nmi": "nmi", "lb": "lb", "lbs": "lb", "lbm": "lb",
    "lbf": "lbf", "lbsf": "lbf", "klbf": "klbf", "oz": "oz", "ozf": "force_ounce", "slug": "slug", "slugs": "slug",
    "ton": "ton", "tons": "ton", "gal": "gallon", "gals": "gallon", "qt": "quart", "pt": "pint", "bbl": "oil_barrel",
    "hp": "hp", "HP": "hp", "bhp": "hp", "ch": "metric_horsepower", "cv": "metric_horsepower",
    "CV": "metric_horsepower", "PS": "metric_horsepower", "Btu": "Btu", "BTU": "Btu", "btu": "Btu", "therm": "therm",
    "therms": "therm", "rpm": "rpm", "RPM": "rpm", "tpm": "rpm", "tr": "turn", "rev": "turn", "revs": "turn",
    "gpm": "gallon/min", "GPM": "gallon/min", "lpm": "L/min", "LPM": "L/min", "cfm": "ft^3/min", "CFM": "ft^3/min",
    "mph": "mile/h", "kph": "km/h", "kmh": "km/h", "fps": "ft/s", "kts": "knot",
    "ha": "hectare", "Å": "angstrom", "µ": "µm", "AU": "au", "UA": "au", "ua": "au", "ly": "light_year",
    "kgf": "kgf", "kp": "kgf", "tf": "tf", "cc": "cm^3", "ccm": "cm^3", "dB": "dB", "dec": "decade", "decade": "decade",
    "decades": "decade", "kip": "kip", "kips": "kip", "ksi": "ksi", "mho": "S", "mhos": "S", "dyn": "dyn",
    "erg": "erg", "ergs": "erg", "kat": "kat", "cd": "cd", "Ci": "Ci", "Oe": "Oe", "Gs": "gauss", "Da": "Da",
    "amu": "amu", "dm3": "dm^3", "lx": "lx", "sr": "sr", "mil": "thou", "mils": "thou", "thou": "thou", "mpy": "thou/year", "arcsec": "arcsec", "arcmin": "arcmin", "slpm": "slpm",
}  # fmt: skip
FUSED = {  # products that are written in one
    "Nm": "N*m", "Nmm": "N*mm", "Ncm": "N*cm", "Ns": "N*s", "Pas": "Pa*s", "Vs": "V*s", "Ws": "W*s", "Js": "J*s",
    "As": "A*s", "Ωm": "Ω*m", "Ωcm": "Ω*cm", "ohmm": "Ω*m", "ohmcm": "Ω*cm", "ftlb": "ft*lbf", "ftlbf": "ft*lbf",
    "lbft": "lbf*ft", "inlb": "inch*lbf", "gmol": "mol", "gmole": "mol", "kgmol": "kmol", "lbmol": "lbmol",
    "kgm": "kg*m", "Vm": "V*m",
}  # fmt: skip
WORDS = {  # folded, in the singular; a prefix may be written before those of PREFIXED
    "meter": "m", "metre": "m", "gram": "g", "gramme": "g", "second": "s", "seconde": "s", "ampere": "A", "amper": "A",
    "kelvin": "K", "mole": "mol", "hertz": "Hz", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W",
    "coulomb": "C", "volt": "V", "farad": "F", "ohm": "Ω", "siemens": "S", "siemen": "S", "henry": "H", "henrie": "H",
    "tesla": "T", "weber": "Wb", "liter": "L", "litre": "L", "bar": "bar", "electronvolt": "eV", "calorie": "cal",
    "wattheure": "W*h", "watthour": "W*h", "ampereheure": "A*h", "amperehour": "A*h", "molar": "M", "molaire": "M",
    "tonne": "t", "radian": "rad", "poise": "P", "stoke": "St", "torr": "torr", "lumen": "lm", "candela": "cd",
    "becquerel": "Bq", "gray": "Gy", "sievert": "Sv", "dalton": "Da", "dyne": "dyn", "gauss": "gauss",
    "tonneforce": "tf", "gramforce": "gf", "grammeforce": "gf", "tesl": "T", "octet": "byte", "byte": "byte",
}  # fmt: skip
PLAIN_WORDS = {
    "minute": "min", "hour": "h", "heure": "h", "day": "day", "jour": "day", "journee": "day", "week": "week",
    "semaine": "week", "month": "month", "year": "year", "annee": "year", "an": "year", "celsius": "°C",
    "centigrade": "°C", "fahrenheit": "°F", "rankine": "degR", "degree": "deg", "degre": "deg", "kilo": "kg",
    "atmosphere": "atm", "inch": "inch", "inche": "inch", "pouce": "inch", "foot": "ft", "feet": "ft", "pied": "ft",
    "yard": "yd", "mile": "mile", "pound": "lb", "livre": "lb", "ounce": "oz", "stone": "stone",
    "gallon": "gallon", "pint": "pint", "barrel": "oil_barrel", "baril": "oil_barrel", "horsepower": "hp",
    "knot": "knot", "noeud": "knot", "nœud": "knot", "hectare": "hectare", "acre": "acre", "angstrom": "angstrom",
    "micron": "µm", "parsec": "parsec", "kilopond": "kgf", "revolution": "turn", "faraday": "faraday", "century": "century",
    "centurie": "century", "siecle": "century", "fortnight": "fortnight", "arcsecond": "arcsec", "arcminute": "arcmin",
    "molal": "mol/kg", "furlong": "furlong", "fathom": "fathom", "bushel": "bushel", "poundal": "poundal", "mois": "month",
    "poundforce": "lbf", "kilogramforce": "kgf", "kilogrammeforce": "kgf", "tonforce": "ton_force", "carat": "carat",
}  # fmt: skip
PHRASES = {  # several words, folded, in the singular or not
    "degree celsius": "°C", "degrees celsius": "°C", "degre celsius": "°C", "degres celsius": "°C",
    "degrees centigrade": "°C", "degres centigrades": "°C", "degree fahrenheit": "°F", "degrees fahrenheit": "°F",
    "degre fahrenheit": "°F", "degres fahrenheit": "°F", "degrees kelvin": "K", "degres kelvin": "K",
    "degre kelvin": "K", "degree kelvin": "K", "degrees rankine": "degR", "deg c": "°C", "deg f": "°F", "deg k": "K",
    "degrees c": "°C", "degrees f": "°F", "degres c": "°C", "degres f": "°F", "degree c": "°C", "degree f": "°F",
    "degre c": "°C", "degrees k": "K", "° c": "°C", "° f": "°F",
    "pound force": "lbf", "pounds force": "lbf", "pound-force": "lbf", "pounds-force": "lbf", "pound mass": "lb",
    "pounds mass": "lb", "pound-mass": "lb", "pounds of force": "lbf", "pounds of thrust": "lbf",
    "pounds thrust": "lbf", "lb of thrust": "lbf", "lbs of thrust": "lbf", "lb thrust": "lbf", "lbs thrust": "lbf",
    "livres de poussee": "lbf", "livres force": "lbf", "livre-force": "lbf", "livres-force": "lbf", "lb force": "lbf",
    "kilogram force": "kgf", "kilograms force": "kgf", "kilogram-force": "kgf", "kilograms-force": "kgf",
    "kilogramme-force": "kgf", "kilogrammes-force": "kgf", "kg force": "kgf", "kg-force": "kgf", "kgs of thrust": "kgf",
    "kilogrammes force": "kgf", "kilogrammes de poussee": "kgf", "kilograms of thrust": "kgf", "kg of thrust": "kgf",
    "kg de poussee": "kgf", "tonnes-force": "tf", "tonne-force": "tf", "tonnes force": "tf", "tonnes de poussee": "tf",
    "tonnes of thrust": "tf", "t de poussee": "tf", "tons of thrust": "ton_force",
    "pounds per square inch": "psi", "pound per square inch": "psi", "pounds per square inch absolute": "psi",
    "pounds per square inch gauge": "psig", "psi absolute": "psi", "psi gauge": "psig", "psi(a)": "psi",
    "psi(g)": "psig", "psi (a)": "psi", "psi (g)": "psig", "psi abs": "psi", "bar absolute": "bar", "bar gauge": "barg",
    "bar(a)": "bar", "bar(g)": "barg", "bar (a)": "bar", "bar (g)": "barg", "bar abs": "bar", "bars absolus": "bar",
    "bar absolus": "bar", "bar absolu": "bar", "bars relatifs": "barg", "bar relatifs": "barg", "bar relatif": "barg",
    "bar effectifs": "barg", "bar manometriques": "barg", "kpa gauge": "kPag", "kpa(g)": "kPag", "kpa absolute": "kPa",
    "kpa(a)": "kPa", "mpa gauge": "MPag", "mpa(g)": "MPag", "mpa(a)": "MPa", "mpa absolute": "MPa",
    "mm hg": "mmHg", "mm of mercury": "mmHg", "mm de mercure": "mmHg", "cm of mercury": "cmHg", "cm de mercure": "cmHg",
    "millimetres of mercury": "mmHg", "millimeters of mercury": "mmHg", "millimetres de mercure": "mmHg",
    "cm hg": "cmHg", "in hg": "inHg", "inches of mercury": "inHg", "inches of water": "inH2O", "m of water": "mH2O",
    "m h2o": "mH2O", "cm h2o": "cmH2O", "mm h2o": "mmH2O", "metres of water": "mH2O", "meters of water": "mH2O",
    "m d'eau": "mH2O", "metres d'eau": "mH2O", "metres de colonne d'eau": "mH2O", "cm d'eau": "cmH2O", "m ce": "mH2O",
    "fl oz": "floz", "fluid ounce": "floz", "fluid ounces": "floz", "us gallon": "gallon", "us gallons": "gallon",
    "us gal": "gallon", "imperial gallon": "imperial_gallon", "imperial gallons": "imperial_gallon",
    "gallons us": "gallon", "short ton": "ton", "short tons": "ton", "long ton": "long_ton", "long tons": "long_ton",
    "metric ton": "t", "metric tons": "t", "metric tonnes": "t", "nautical mile": "nmi", "nautical miles": "nmi",
    "mille marin": "nmi", "milles marins": "nmi", "milles nautiques": "nmi", "light year": "light_year",
    "light years": "light_year", "light-years": "light_year", "annees-lumiere": "light_year",
    "annee-lumiere": "light_year", "astronomical units": "au", "astronomical unit": "au",
    "unites astronomiques": "au", "revolutions per minute": "rpm", "tours par minute": "rpm", "tours par seconde": "rps",
    "tours minute": "rpm", "tours/minute": "rpm", "tours/min": "rpm", "tr/mn": "rpm", "tr/min": "rpm", "rev/min": "rpm",
    "revolutions per second": "rps", "tr/s": "rps", "rev/s": "rps", "turns per minute": "rpm",
    "cubic feet per minute": "ft^3/min", "miles per hour": "mile/h", "horse power": "hp", "chevaux-vapeur": "metric_horsepower",
    "chevaux vapeur": "metric_horsepower", "cheval-vapeur": "metric_horsepower", "metric horsepower": "metric_horsepower",
    "chevaux": "metric_horsepower", "atomic mass units": "amu", "gram mole": "mol", "electron volts": "eV",
    "electron volt": "eV", "electron-volts": "eV", "electrons-volts": "eV", "electronvolts": "eV", 
    "foot-pounds": "ft*lbf", "foot pounds": "ft*lbf", "foot-pound": "ft*lbf", "ft-lb": "ft*lbf", "ft lb": "ft*lbf",
    "ft-lbs": "ft*lbf", "ft·lb": "ft*lbf", "inch-pounds": "inch*lbf", "in-lb": "inch*lbf", "pound-feet": "lbf*ft",
    "pied-livres": "ft*lbf", "mils per year": "thou/year", "mil per year": "thou/year",
}  # fmt: skip
NOT_UNITS = frozenset(  # words that pint takes for units, or for constants
    "hand hands link links rod rods pole poles perch chain chains count counts turn turns cycle cycles circle circles "
    "particle particles molecule molecules strain gamma lambda section sections league peck shake point points grade "
    "grades stere barn grain grains baud cord nail nails span minim drop drops scruple quarter quarters bale skein hank "
    "tex thou dot dots pixel pixels quad quads mil mils mas are ares dirac avogadro number speed light charge square "
    "cubic circular board section sections tower refrigeration boiler hydraulic electrical fermi bohr planck rydberg "
    "hartree buckingham eulers wien impedance vacuum standard atomic electron electrons proton neutron muon gravity "
    "thermochemical pond enzyme clausius degrees reyn rhe unit units conventional townsend langley nit lambert rads rem "
    "biot gilbert stilb survey teaspoon tablespoon cup cups shot jig gill jigger firkin kilderkin tun butt hogshead "
    "parts ppb octave neper bell note dash water mercury section semi demi".split()
)
