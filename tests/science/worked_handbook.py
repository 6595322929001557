"""Worked examples of reactions, springs and beams, coils, waterworks, entropy and spaceflight."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    # 16.04 g of methane give 44.01 g of carbon dioxide and 36.03 g of water, and take 64.00 g of oxygen.
    ("fuel_combustion", {"fuel": "methane", "fuel_mass": "16.043 kg"},
     {"carbon_dioxide": 44.009, "water_formed": 36.03, "oxygen_used": 63.996, "air_used": 276.6, "heat": 802.3}, 1e-3),
    ("mass_for_solution", {"concentration": "0.1 mol/L", "volume": "500 mL", "molar_mass": "58.44 g/mol"}, {"mass": 2.922}, 1e-9),
    ("stock_volume", {"stock": "12 mol/L", "concentration": "1 mol/L", "final_volume": "600 mL"}, {"volume": 50}, 1e-9),
    ("dilution_water", {"volume": "100 mL", "before": "2 mol/L", "after": "0.5 mol/L"}, {"water": 300}, 1e-12),
    ("percent_yield", {"actual": "7.5 g", "theoretical": "10 g"}, {"share": 0.75}, 1e-12),
    # A molal solution of sodium chloride in water freezes near -3.7 °C.
    ("colligative_change", {"constant": "1.86 K*kg/mol", "molality": "1 mol/kg", "particles": 2}, {"change": 3.72}, 1e-9),
    ("absorbance", {"absorptivity": "1e4 L/mol/cm", "path": "1 cm", "concentration": "50 umol/L"}, {"absorbance": 0.5}, 1e-9),
    # Water at 50 °C from its boiling point: 12.6 kPa with a constant enthalpy of 40.65 kJ/mol.
    ("clausius_clapeyron", {"first_pressure": "101.325 kPa", "first_temperature": "373.15 K",
                            "second_temperature": "323.15 K", "enthalpy": "40.65 kJ/mol"}, {"second_pressure": 13_310}, 1e-2),
    ("fraction_left", {"time": "17190 year", "half_life": "5730 year"}, {"fraction": 0.125}, 1e-9),
    ("partial_pressure", {"share": 0.2095, "pressure": "1 atm"}, {"partial": 21_227.6}, 1e-5),
    # A litre of petrol: 2.35 kg of carbon dioxide, 32 MJ.
    ("volume_combustion", {"fuel": "gasoline", "volume": "1 L"}, {"carbon_dioxide": 2.36, "heat": 32.4}, 1e-2),
    ("bar_elongation", {"force": "10 kN", "length": "1 m", "diameter": "10 mm", "elastic_modulus": "200 GPa"}, {"elongation": 2 / pi}, 1e-9),
    ("warming_time", {"volume": "1 L", "density": "1000 kg/m^3", "heat_capacity": "4186 J/kg/K", "start": "20 °C", "end": "100 °C", "power": "2 kW"}, {"time": 167.44}, 1e-6),
    # Incropera's oil and water: 8,524 W by 38.1 W/m²K and 43.2 K.
    ("duty_of_temperatures", {"coefficient": "38.1 W/m^2/K", "area": "5.18 m^2", "hot_in": "100 °C", "hot_out": "60 °C", "cold_in": "30 °C", "cold_out": "40.2 °C"}, {"heat_flow": 8524}, 5e-3),
    ("wall_conduction_of_difference", {"conductivity": "0.04 W/m/K", "area": "10 m^2", "thickness": "10 cm", "temperature_difference": "20 K"}, {"heat_flow": 80}, 1e-9),
    ("convection_of_difference", {"coefficient": "10 W/m^2/K", "area": "2 m^2", "temperature_difference": "15 K"}, {"heat_flow": 300}, 1e-9),
    ("mixing_of_one_liquid", {"first_mass": "1 kg", "first_temperature": "80 °C", "second_mass": "3 kg", "second_temperature": "20 °C"}, {"temperature": 308.15}, 1e-9),
    ("mixing_of_volumes", {"first_volume": "1 L", "first_temperature": "80 °C", "second_volume": "3 L", "second_temperature": "20 °C"}, {"temperature": 308.15}, 1e-9),
    ("dynamic_viscosity", {"kinematic_viscosity": "10 cSt", "density": "900 kg/m^3"}, {"viscosity": 9e-3}, 1e-9),
    # A gram of water: 3.34e22 molecules.
    ("molecules_of_mass", {"mass": "1 g", "molar_mass": "18.015 g/mol"}, {"molecules": 3.3428e22}, 1e-4),
    ("tafel_exchange_current", {"current_density": "100 A/m^2", "overpotential": "236 mV", "slope": "118 mV"}, {"exchange_current_density": 1}, 1e-9),
    ("hanging_stress", {"mass": "600 kg", "diameter": "8 mm"}, {"stress": 117.06}, 1e-4),
    ("drag_of_area", {"drag_area": "0.32 m^2", "velocity": "45 km/h", "density": "1.2 kg/m^3"}, {"force": 30}, 1e-9),
    ("cantilever_sag", {"force": "900 N", "length": "1.8 m", "rigidity": "45 kN*m^2"}, {"deflection": 38.88}, 1e-9),
    ("cantilever_sag_uniform", {"line_load": "500 N/m", "length": "2 m", "rigidity": "40 kN*m^2"}, {"deflection": 25}, 1e-9),
    ("beam_sag", {"force": "4.8 kN", "length": "2 m", "rigidity": "40 kN*m^2"}, {"deflection": 20}, 1e-9),
    ("beam_sag_uniform", {"line_load": "3840 N/m", "length": "2 m", "rigidity": "40 kN*m^2"}, {"deflection": 20}, 1e-9),
    ("coil_spring_rate", {"shear_modulus": "80 GPa", "wire_diameter": "2 mm", "coil_diameter": "20 mm", "coils": 10},
     {"stiffness": 2000}, 1e-9),
    ("bolt_torque", {"preload": "10 kN", "diameter": "10 mm"}, {"torque": 20}, 1e-9),
    ("shear_of_bolts", {"force": "31.4159265 kN", "diameter": "10 mm", "count": 4}, {"stress": 100}, 1e-6),
    ("plate_capacitor", {"area": "1 m^2", "gap": "1 mm"}, {"capacitance": 8.854e-9}, 1e-3),
    ("coulomb_force", {"first_charge": "1 C", "second_charge": "1 C", "distance": "1 m"}, {"force": 8.9876e9}, 1e-4),
    ("solenoid_field", {"turns": 1000, "current": "1 A", "length": "1 m"}, {"field": 4e-4 * pi}, 1e-6),
    ("wire_force", {"field": "0.5 T", "current": "10 A", "length": "20 cm"}, {"force": 1}, 1e-9),
    ("current_divider", {"total": "3 A", "first": "10 ohm", "second": "20 ohm"}, {"branch_current": 2}, 1e-9),
    ("amplifier_gain", {"feedback": "100 kohm", "entry": "10 kohm"}, {"inverting": -10, "non_inverting": 11}, 1e-9),
    ("pitot_speed", {"pressure": "612.5 Pa", "density": "1.225 kg/m^3"}, {"speed": sqrt(1000)}, 1e-9),
    ("wind_power", {"rotor_diameter": "80 m", "wind_speed": "12 m/s", "coefficient": 0.4},
     {"power": 0.4 * 0.5 * 1.225 * pi * 1600 * 1.728}, 1e-9),
    ("hydrostatic_force", {"depth": "2 m", "area": "3 m^2", "density": "1000 kg/m^3"}, {"force": 58_839.9}, 1e-6),
    ("drain_time", {"tank_diameter": "1 m", "hole_diameter": "2 cm", "height": "1 m"}, {"time": 1129}, 1e-3),
    ("weir_flow", {"width": "1 m", "head": "0.25 m", "coefficient": 0.6}, {"flow_rate": 0.4 * sqrt(19.6133) / 8}, 1e-9),
    ("valve_flow", {"kv": "10 m^3/h", "pressure_drop": "4 bar"}, {"flow_rate": 20}, 1e-9),
    # 100 m of pipe of 200 mm, C = 130, 50 L/s: 1.32 m.
    ("hazen_williams", {"flow_rate": "50 L/s", "diameter": "200 mm", "length": "100 m", "coefficient": 130},
     {"head_loss": 1.278}, 1e-2),
    ("flow_heating", {"flow_rate": "6 L/min", "density": "1000 kg/m^3", "heat_capacity": "4186 J/kg/K",
                      "temperature_difference": "30 K"}, {"power": 12.558}, 1e-9),
    ("entropy_of_heating", {"mass": "1 kg", "heat_capacity": "4186 J/kg/K", "start": "300 K", "end": "360 K"},
     {"entropy": 4186 * log(1.2)}, 1e-9),
    ("entropy_of_expansion", {"amount": "1 mol", "first_volume": "1 L", "second_volume": "2 L"}, {"entropy": 5.763}, 1e-3),
    ("entropy_of_heat", {"heat": "1000 J", "temperature": "250 K"}, {"entropy": 4}, 1e-12),
    ("adiabatic_work", {"first_pressure": "100 kPa", "first_volume": "1 m^3", "second_volume": "0.5 m^3"},
     {"work_of_gas": -250 * (2**0.4 - 1), "work_on_gas": 250 * (2**0.4 - 1)}, 1e-9),
    # Nitrogen at 300 K: 517 m/s (Atkins).
    ("molecular_speed", {"molar_mass": "28.0134 g/mol", "temperature": "300 K"}, {"speed": 516.8}, 1e-3),
    ("burnout_velocity", {"isp": "250 s", "initial_mass": "1000 kg", "final_mass": "400 kg", "burn_time": "60 s"},
     {"velocity": 9.80665 * (250 * log(2.5) - 60)}, 1e-9),
    # A xenon ion of 300 eV: 21.0 km/s.
    ("ion_velocity", {"voltage": "300 V", "molar_mass": "131.293 g/mol"}, {"exhaust_velocity": 21_000}, 1e-3),
    ("solar_flux", {"distance": "2 au"}, {"flux": 340.25}, 1e-9),
    ("panel_power", {"area": "2 m^2", "efficiency": 0.3}, {"power": 816.6}, 1e-9),
    ("deorbit_burn", {"altitude": "400 km", "periapsis": "60 km"},
     {"delta_v": sqrt(398600.4355 / 6778.1366) * 1e3 - sqrt(398600.4355 * (2 / 6778.1366 - 2 / 13216.2732)) * 1e3}, 1e-6),
    ("horizon", {"altitude": "400 km"}, {"horizon_distance": sqrt(6778.1366**2 - 6378.1366**2), "horizon_angle": 19.79}, 1e-3),
    # Earth and Mars: 780 days.
    ("synodic_period", {"first_period": "365.256 day", "second_period": "686.98 day"}, {"synodic_period": 779.9}, 1e-3),
    ("area_ratio_of_diameters", {"exit_diameter": "190 mm", "throat_diameter": "40 mm"}, {"area_ratio": 22.5625}, 1e-9),
    ("tafel_current", {"overpotential": "236 mV", "exchange_current_density": "1 A/m^2", "slope": "118 mV"}, {"current_density": 100}, 1e-9),
    ("specific_capacitance", {"current": "1 mA", "time": "100 s", "mass": "2 mg", "window": "0.5 V"}, {"specific_capacitance": 100}, 1e-9),
    ("areal_capacity", {"loading": "20 mg/cm^2", "capacity": "150 mAh/g"}, {"areal_capacity": 3}, 1e-9),
    ("coulombic_efficiency", {"discharged": "2.45 Ah", "charged": "2.5 Ah"}, {"efficiency": 0.98}, 1e-9),
]  # fmt: skip
