"""Worked examples of heat, mechanics and circuits, computed a second way: other units, resistances, or a sum."""

from __future__ import annotations

from math import exp, log, pi, sqrt, tanh
from typing import Any

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    # Conduction, convection, radiation.
    ("wall_conduction", {"conductivity": "0.8 W/m/K", "area": "12 m²", "thickness": "20 cm", "hot": "20 °C", "cold": "-5 °C"},
     {"heat_flow": 1200, "heat_flux": 100}, 1e-9),
    ("conduction_flux", {"conductivity": "0.04 W/m/K", "thickness": "10 cm", "temperature_difference": "25 °C"}, {"heat_flux": 10}, 1e-9),
    ("cylinder_conduction", {"conductivity": "0.05 W/m/K", "length": "10 m", "inner_radius": "30 mm", "outer_radius": "80 mm", "hot": "150 °C",
                             "cold": "30 °C"}, {"heat_flow": 120 / (log(8 / 3) / pi)}, 1e-9),  # 2 pi k L is pi
    ("convection", {"coefficient": "25 W/m²/K", "area": "3 m²", "hot": "80 °C", "cold": "20 °C"}, {"heat_flow": 4500, "heat_flux": 1500}, 1e-9),
    ("overall_coefficient", {"inside": "8 W/m²/K", "outside": "25 W/m²/K", "thickness": "0.24 m", "conductivity": "0.6 W/m/K"},
     {"resistance": 0.125 + 0.4 + 0.04, "coefficient": 1 / 0.565}, 1e-9),
    ("thermal_resistance", {"thickness": "5 mm", "conductivity": "200 W/m/K", "area": "10 cm²"}, {"resistance": 0.025}, 1e-9),
    ("radiation", {"area": "1 m²", "hot": "400 K", "cold": "300 K", "emissivity": 0.8}, {"heat_flow": 0.8 * 5.670374e-8 * (256 - 81) * 1e8}, 1e-6),
    ("emissive_power", {"temperature": "1000 K"}, {"flux": 56_704}, 1e-4),
    ("wien_wavelength", {"temperature": "5778 K"}, {"wavelength": 0.5015}, 1e-4),
    ("pin_fin", {"coefficient": "25 W/m²/K", "conductivity": "200 W/m/K", "diameter": "5 mm", "length": "50 mm", "hot": "100 °C", "cold": "20 °C"},
     {"efficiency": tanh(0.5) / 0.5, "heat_flow": sqrt(25 * pi * 0.005 * 200 * pi * 0.005**2 / 4) * 80 * tanh(0.5)}, 1e-9),
    # Exchangers: the duty by both methods is one.
    ("log_mean_difference", {"hot_in": "90 °C", "hot_out": "60 °C", "cold_in": "20 °C", "cold_out": "50 °C"}, {"difference": 40}, 1e-9),
    ("log_mean_difference", {"hot_in": "120 °C", "hot_out": "80 °C", "cold_in": "30 °C", "cold_out": "60 °C", "arrangement": "parallel"},
     {"difference": 70 / log(4.5)}, 1e-9),
    ("exchanger_duty", {"coefficient": "500 W/m²/K", "area": "4 m²", "difference": "40 K"}, {"heat_flow": 80_000}, 1e-9),
    ("exchanger_effectiveness", {"ntu": 1.5, "capacity_ratio": 1}, {"effectiveness": 0.6}, 1e-9),
    ("exchanger_effectiveness", {"ntu": 2, "capacity_ratio": 0.5}, {"effectiveness": (1 - exp(-1)) / (1 - 0.5 * exp(-1))}, 1e-9),
    ("exchanger_effectiveness", {"ntu": 2, "capacity_ratio": 0.5, "arrangement": "parallel"}, {"effectiveness": (1 - exp(-3)) / 1.5}, 1e-9),
    ("transfer_units", {"coefficient": "500 W/m²/K", "area": "4 m²", "smaller_capacity": "1 kW/K"}, {"ntu": 2}, 1e-9),
    ("effectiveness_duty", {"effectiveness": 0.6, "smaller_capacity": "2 kW/K", "hot_in": "90 °C", "cold_in": "20 °C"}, {"heat_flow": 84_000}, 1e-9),
    ("stream_heat", {"mass_flow": "2 kg/s", "heat_capacity": "4.18 kJ/kg/K", "inlet": "15 °C", "outlet": "40 °C"}, {"heat_flow": 209_000}, 1e-9),
    ("stream_heat_of_rise", {"mass_flow": "0.1 kg/s", "heat_capacity": "4180 J/(kg·K)", "temperature_difference": "10 °C"}, {"heat_flow": 4180}, 1e-9),
    # Warming.
    ("sensible_heat", {"mass": "2 kg", "heat_capacity": "0.9 kJ/kg/K", "start": "20 °C", "end": "120 °C"}, {"heat": 180}, 1e-9),
    ("sensible_heat_of_rise", {"mass": "500 g", "heat_capacity": "4.18 J/g/°C", "temperature_difference": "54 °F"}, {"heat": 62.7}, 1e-9),
    ("latent_heat", {"mass": "3 kg", "latent": "334 kJ/kg"}, {"heat": 1002}, 1e-9),
    ("heating_time", {"mass": "1.5 kg", "heat_capacity": "4180 J/kg/K", "start": "20 °C", "end": "100 °C", "power": "2 kW", "efficiency": 0.88},
     {"time": 1.5 * 4180 * 80 / 1760 / 60}, 1e-9),
    ("mixing_temperature", {"first_mass": "2 kg", "first_temperature": "80 °C", "second_mass": "3 kg", "second_temperature": "20 °C"},
     {"temperature": 317.15}, 1e-9),
    ("thermal_expansion", {"coefficient": "12e-6 1/K", "length": "25 m", "temperature_difference": "40 °C"}, {"elongation": 12}, 1e-9),
    ("thermal_stress", {"elastic_modulus": "210 GPa", "coefficient": "12e-6 /K", "temperature_difference": "50 K"}, {"stress": 126}, 1e-9),
    ("lumped_time_constant", {"density": "8930 kg/m3", "heat_capacity": "385 J/kg/K", "volume": "1 cm³", "area": "5 cm²", "coefficient": "100 W/m²/K"},
     {"time_constant": 8.930 * 0.385 / 0.05}, 1e-9),
    ("lumped_temperature", {"start": "200 °C", "fluid_temperature": "20 °C", "time": "60 s", "time_constant": "60 s"},
     {"temperature": 293.15 + 180 / 2.718281828}, 1e-8),
    # Correlations.
    ("dittus_boelter", {"reynolds": 50_000, "prandtl": 5.83}, {"nusselt": 267.4}, 1e-3),
    ("gnielinski", {"reynolds": 50_000, "prandtl": 5.83}, {"nusselt": 304.8}, 1e-3),
    ("churchill_bernstein", {"reynolds": 6071, "prandtl": 0.70}, {"nusselt": 40.6}, 3e-3),  # Incropera, ex. 7.4
    ("flat_plate_nusselt", {"reynolds": 1e5, "prandtl": 0.72}, {"nusselt": 0.664 * 316.228 * 0.89628}, 1e-4),
    ("flat_plate_nusselt", {"reynolds": 1e6, "prandtl": 0.72}, {"nusselt": (0.037 * 63_095.7 - 871) * 0.89628}, 1e-4),
    ("ranz_marshall", {"reynolds": 100, "prandtl": 1}, {"nusselt": 8}, 1e-9),
    ("churchill_chu_plate", {"rayleigh": 1.813e9, "prandtl": 0.690}, {"nusselt": 147}, 3e-3),  # Incropera, ex. 9.2
    ("churchill_chu_cylinder", {"rayleigh": 5.073e6, "prandtl": 0.697}, {"nusselt": 23.3}, 1e-2),  # Incropera, ex. 9.4
    ("coefficient_of_nusselt", {"nusselt": 120, "conductivity": "0.6 W/m/K", "length": "24 mm"}, {"coefficient": 3000}, 1e-9),
    ("prandtl_number", {"heat_capacity": "4180 J/kg/K", "viscosity": "1 mPa s", "conductivity": "0.6 W/m/K"}, {"prandtl": 6.96667}, 1e-5),
    ("rayleigh_number", {"expansion": "3.2e-3 1/K", "temperature_difference": "40 K", "length": "0.3 m", "kinematic_viscosity": "1.7e-5 m2/s",
                         "diffusivity": "2.4e-5 m2/s"},
     {"rayleigh": 9.80665 * 0.128 * 0.027 / 4.08e-10, "grashof": 9.80665 * 0.128 * 0.027 / 2.89e-10}, 1e-9),
    ("biot_number", {"coefficient": "100 W/m²/K", "length": "2 mm", "conductivity": "385 W/m/K"}, {"biot": 5.19481e-4}, 1e-5),
    ("fourier_number", {"diffusivity": "1.2e-5 m²/s", "time": "5 min", "length": "6 cm"}, {"fourier": 1}, 1e-9),
    ("tube_heat_transfer", {"name": "water", "temperature": "300 K", "velocity": "1 m/s", "diameter": "20 mm"},
     {"reynolds": 23_330, "prandtl": 5.85, "coefficient": 4830}, 2e-2),  # Incropera, table A.6
    ("tube_heat_transfer", {"name": "water", "temperature": "300 K", "velocity": "5 cm/s", "diameter": "10 mm"},
     {"nusselt": 3.66, "coefficient": 366 * 0.61}, 3e-3),
    # Mechanics and circuits.
    ("ohm", {"current": "250 mA", "resistance": "48 Ω"}, {"voltage": 12}, 1e-9),
    ("electric_power", {"voltage": "230 V", "current": "10 A"}, {"power": 2300}, 1e-9),
    ("joule_heating", {"current": "10 A", "resistance": "0.5 ohm"}, {"power": 50}, 1e-9),
    ("power_at_voltage", {"voltage": "12 V", "resistance": "6 ohm"}, {"power": 24}, 1e-9),
    ("energy_of_power", {"power": "2 kW", "time": "90 min"}, {"energy": 3}, 1e-9),
    ("wire_resistance", {"resistivity": "1.72e-8 ohm m", "length": "100 m", "area": "2.5 mm²"}, {"resistance": 0.688}, 1e-9),
    ("parallel_resistance", {"first": "6 ohm", "second": "3 ohm"}, {"resistance": 2}, 1e-9),
    ("rc_circuit", {"resistance": "10 kΩ", "capacitance": "100 nF"}, {"time_constant": 1e-3, "frequency": 159.155}, 1e-5),
    ("kinetic_energy", {"mass": "1200 kg", "velocity": "90 km/h"}, {"energy": 375_000}, 1e-9),
    ("potential_energy", {"mass": "80 kg", "height": "10 m"}, {"energy": 7845.32}, 1e-6),
    ("newton", {"mass": "1200 kg", "acceleration": "3 m/s²"}, {"force": 3600}, 1e-9),
    ("weight", {"mass": "10 kg"}, {"force": 98.0665}, 1e-9),
    ("free_fall", {"height": "20 m"}, {"velocity": 19.806, "time": 2.0196}, 1e-4),
    ("density_of_mass", {"mass": "500 g", "volume": "0.63 L"}, {"density": 793.65}, 1e-4),
    ("pressure_of_force", {"force": "5 kN", "area": "20 cm²"}, {"pressure": 2.5e6}, 1e-9),
    ("hydrostatic_pressure", {"depth": "30 m", "density": "1025 kg/m³", "surface_pressure": "1 atm"}, {"pressure": 402_879}, 1e-5),
    ("buoyancy", {"volume": "2 m³", "density": "1025 kg/m³"}, {"force": 20_103.6}, 1e-5),
    ("stress_and_strain", {"force": "50 kN", "area": "400 mm²", "elastic_modulus": "70 GPa"}, {"stress": 125, "strain": 125 / 70_000}, 1e-9),
    ("elongation", {"force": "20 kN", "length": "3 m", "area": "200 mm²", "elastic_modulus": "200 GPa"}, {"elongation": 1.5}, 1e-9),
    ("power_efficiency", {"output": "7.5 kW", "intake": "9 kW"}, {"efficiency": 0.833333}, 1e-5),
]  # fmt: skip
