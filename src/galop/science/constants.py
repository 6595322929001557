"""Constants that formulas share: CODATA 2018, and what is exact by definition."""

G0 = 9.80665  # standard gravity [m/s^2], exact
R = 8.314462618  # molar gas constant [J/mol/K]
F = 96485.33212  # Faraday constant [C/mol]
NA = 6.02214076e23  # Avogadro constant [1/mol], exact
E = 1.602176634e-19  # elementary charge [C], exact
KB = 1.380649e-23  # Boltzmann constant [J/K], exact
C0 = 299_792_458.0  # speed of light [m/s], exact
SIGMA = 5.670374419e-8  # Stefan-Boltzmann constant [W/m^2/K^4]
EPSILON0 = 8.8541878128e-12  # permittivity of vacuum [F/m]
ROOM = 298.15  # K
ATMOSPHERE = 101_325.0  # Pa, exact
