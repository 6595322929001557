"""Worked examples of electrochemistry, fluids and the calculator: formula, inputs, results, relative tolerance."""

from __future__ import annotations

from typing import Any

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    # Electrochemistry: Bard & Faulkner, Atkins, ASTM G102.
    ("faraday_mass", {"current": "10 A", "time": "1 h", "molar_mass": "63.546 g/mol", "electrons": 2}, {"mass": 11.855}, 1e-4),
    ("nernst", {"standard_voltage": "1.10 V", "electrons": 2, "quotient": 100}, {"voltage": 1.0408}, 1e-4),
    ("cell_voltage", {"cathode": "Cu2+/Cu", "anode": "Zn"}, {"voltage": 1.10}, 5e-3),
    ("gibbs_energy", {"voltage": "1.229 V", "electrons": 2}, {"gibbs_energy": -237.16}, 1e-4),
    ("temperature_coefficient", {"entropy": "-163.3 J/mol/K", "electrons": 2}, {"coefficient": -0.846}, 1e-3),
    ("tafel_slope", {"alpha": 0.5}, {"slope": 118.32}, 1e-4),
    ("butler_volmer", {"exchange_current_density": "1 mA/cm²", "overpotential": "100 mV"},
     {"current_density": 68.58, "resistance": 25.69e-4}, 1e-3),
    ("cottrell", {"electrons": 1, "area": "0.1 cm^2", "concentration": "1 mM", "diffusivity": "1e-9 m²/s", "time": "1 s"},
     {"current": 17.21e-6}, 1e-3),
    ("randles_sevcik", {"electrons": 1, "area": "0.0707 cm²", "concentration": "1 mmol/L",
                        "diffusivity": "7.6×10⁻⁶ cm²/s", "scan_rate": "100 mV/s"}, {"current": 16.56e-6}, 1e-3),
    ("debye_length", {"ionic_strength": "10 mM"}, {"length": 3.040}, 1e-3),
    ("activity_coefficient", {"charge": 1, "ionic_strength": "0.1 M"}, {"activity_coefficient": 0.782}, 2e-3),
    ("specific_capacity", {"molar_mass": "157.757 g/mol", "electrons": 1}, {"capacity": 169.9}, 1e-3),
    ("corrosion_rate", {"current_density": "10 µA/cm²", "molar_mass": "55.845 g/mol", "electrons": 2, "density": "7.87 g/cm³"},
     {"rate": 0.1160}, 2e-3),
    ("limiting_current", {"electrons": 2, "diffusivity": "1e-9 m2/s", "concentration": "10 mol/m^3", "thickness": "100 um"},
     {"current_density": 19.30}, 1e-3),
    ("concentration_overpotential", {"fraction": 0.9, "electrons": 2}, {"overpotential": -29.6}, 2e-3),
    ("pourbaix_line", {"standard_voltage": "1.229 V", "protons": 4, "electrons": 4, "ph": 7}, {"potential": 0.815}, 1e-3),
    ("specific_energy", {"voltage": "3.4 V", "cathode_capacity": "169.9 mAh/g", "anode_capacity": "371.9 mAh/g"}, {"energy": 396.5}, 1e-3),
    # Fluids: NIST's values of saturated liquid oxygen at 90.188 K and water at 25 degC.
    ("saturation", {"name": "oxygen", "temperature": "90.188 K"}, {"vapour_pressure": 101_325, "liquid_density": 1141.2}, 1e-3),
    ("fluid", {"name": "water", "temperature": "25 °C"}, {"density": 997.05, "heat_capacity": 4181.3}, 1e-3),
    ("calculate", {"expression": "250 kg/s * 3000 m/s / (250 kg/s * g0)", "in_unit": "s"}, {}, 0),
]  # fmt: skip
