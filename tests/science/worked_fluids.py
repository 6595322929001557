"""Worked examples of fluids and flow: tables of NIST and the IAPWS, and what is computed a second way."""

from __future__ import annotations

from math import exp, log, log10, pi, sqrt
from typing import Any

G0 = 9.80665


def colebrook(reynolds: float, roughness: float) -> float:
    """The friction factor by plain iteration, which converges more slowly than Newton's method and needs no slope."""
    x = 5.0
    for _ in range(100):
        x = -2 * log10(roughness / 3.7 + 2.51 * x / reynolds)
    return 1 / x**2


WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    # Properties: NIST's values of liquid oxygen at 90.188 K and of water; IAPWS R12-08 and R15-11 for its transport.
    ("saturation", {"name": "oxygen", "temperature": "90.188 K"}, {"vapour_pressure": 101_325, "liquid_density": 1141.2}, 1e-3),
    ("saturation", {"name": "eau", "temperature": "20 °C"},
     {"vapour_pressure": 2339.3, "liquid_density": 998.16, "vapour_density": 0.017314, "heat_of_vaporisation": 2453.5e3}, 2e-4),
    ("fluid", {"name": "water", "temperature": "25 °C"},
     {"density": 997.05, "heat_capacity": 4181.3, "speed_of_sound": 1496.7, "enthalpy": 104.92, "entropy": 0.36720}, 2e-4),
    ("fluid", {"name": "CO2", "temperature": "300 K", "pressure": "5 MPa"},
     {"compressibility": 5e6 * 44.0098e-3 / (128.40 * 8.314462618 * 300)}, 5e-3),
    ("fluid_transport", {"name": "water", "temperature": "298.15 K"},
     {"viscosity": 890.02e-6, "conductivity": 0.60652, "prandtl": 4181.3 * 890.02e-6 / 0.60652, "kinematic_viscosity": 8.9266e-7}, 2e-4),
    ("fluid_transport", {"name": "air", "temperature": "300 K"},
     {"viscosity": 1.854e-5, "conductivity": 0.02638, "prandtl": 0.707, "diffusivity": 22.3e-6}, 6e-3),  # Incropera, table A.4
    ("boiling_point", {"name": "water", "pressure": "10 bar"}, {"temperature": 179.88, "heat_of_vaporisation": 2014.6e3}, 2e-4),
    ("boiling_point", {"name": "ammoniac"}, {"temperature": -33.33}, 1e-3),
    ("surface_tension", {"name": "water", "temperature": "20 °C"}, {"surface_tension": 0.07275}, 2e-3),  # IAPWS R1-76
    ("fluid_constants", {"name": "carbon dioxide"}, {"critical_temperature": 304.128, "critical_pressure": 73.773, "molar_mass": 44.0098}, 1e-4),
    ("fluid_heating", {"name": "water", "mass": "2 kg", "start": "20 °C", "end": "80 °C"}, {"heat": 2 * 4.186 * 60}, 2e-3),
    ("fluid_heating", {"name": "water", "mass": "1 kg", "start": "20 °C", "end": "100 °C"}, {"heat": 419.17 - 84.01}, 1e-3),
    ("volume_heating", {"name": "water", "volume": "80 L", "start": "12 °C", "end": "55 °C"}, {"heat": 80 * 0.9995 * (230.26 - 50.51)}, 1e-3),
    ("volume_heating_time", {"name": "eau", "volume": "1.6 L", "start": "16 °C", "end": "100 °C", "power": "2 kW", "efficiency": "85 %"},
     {"time": 1.6 * 0.9989 * 4.19 * 84 / 1.7 / 60}, 2e-3),
    ("fluid_boiling", {"name": "water", "mass": "1 kg", "start": "20 °C"}, {"heat": 419.17 - 84.01 + 2256.4}, 1e-3),
    # Pipes.
    ("reynolds", {"density": "998 kg/m³", "velocity": "1.5 m/s", "length": "50 mm", "viscosity": "1 cP"}, {"reynolds": 74_850}, 1e-9),
    ("reynolds_kinematic", {"velocity": "2 m/s", "length": "10 cm", "kinematic_viscosity": "1 cSt"}, {"reynolds": 200_000}, 1e-9),
    ("reynolds_of_mass_flow", {"mass_flow": "0.5 kg/s", "diameter": "25 mm", "viscosity": "0.001 Pa s"},
     {"reynolds": 0.5 / (pi * 0.0125**2) * 0.025 / 0.001}, 1e-9),
    ("friction_factor", {"reynolds": 1e5, "relative_roughness": 0.001}, {"friction_factor": colebrook(1e5, 0.001)}, 1e-9),
    ("friction_factor", {"reynolds": 4000}, {"friction_factor": colebrook(4000, 0)}, 1e-9),
    ("friction_factor", {"reynolds": 1e8, "relative_roughness": 0.05}, {"friction_factor": 0.0716}, 2e-3),  # Moody
    ("friction_factor", {"reynolds": 800}, {"friction_factor": 0.08}, 1e-9),
    ("darcy_weisbach", {"friction_factor": 0.02, "length": "100 m", "diameter": "0.1 m", "velocity": "2 m/s", "density": "1000 kg/m3"},
     {"pressure_drop": 40_000, "head_loss": 40 / G0}, 1e-9),
    ("pipe_loss", {"velocity": "2 m/s", "diameter": "100 mm", "length": "50 m", "density": "998 kg/m3", "viscosity": "1.002 mPa s",
                   "roughness": "0.045 mm"},
     {"pressure_drop": colebrook(998 * 0.2 / 1.002e-3, 4.5e-4) * 500 * 998 * 2, "reynolds": 199_202}, 1e-5),
    ("pipe_loss", {"velocity": "0.02 m/s", "diameter": "10 mm", "length": "3 m", "density": "870 kg/m3", "viscosity": "0.1 Pa s"},
     {"pressure_drop": 32 * 0.1 * 3 * 0.02 / 0.01**2}, 1e-9),  # Hagen-Poiseuille
    ("pipe_loss_at_flow", {"flow_rate": "15 L/s", "diameter": "0.1 m", "length": "200 m", "density": "1000 kg/m³", "viscosity": "1 mPa·s",
                           "roughness": "0.1 mm"},
     {"head_loss": colebrook(4 * 0.015 / pi / 1e-7, 1e-3) * 8 * 200 * 0.015**2 / (pi**2 * G0 * 1e-5)}, 1e-9),
    ("poiseuille", {"flow_rate": "0.25 L/min", "diameter": "4 mm", "length": "1.5 m", "viscosity": "1.41 Pa s"},
     {"pressure_drop": 8 * 1.41 * 1.5 * (0.25e-3 / 60) / (pi * 0.002**4)}, 1e-9),
    ("porous_flow", {"permeability": "1e-12 m²", "pressure_drop": "1 bar", "viscosity": "1 mPa s", "thickness": "10 cm"}, {"velocity": 1e-3}, 1e-9),
    ("duct_flow", {"width": "400 mm", "height": "250 mm", "velocity": "6.5 m/s", "density": "1.19 kg/m3"},
     {"flow_rate": 0.65, "mass_flow": 0.7735}, 1e-9),
    ("pipe_flow", {"velocity": "2 m/s", "diameter": "80 mm", "density": "1000 kg/m3"}, {"mass_flow": 10.0531, "flow_rate": 0.0100531}, 1e-5),
    ("minor_loss", {"coefficient": 0.9, "velocity": "3 m/s", "density": "1000 kg/m³"}, {"pressure_drop": 4050, "head_loss": 4.05 / G0}, 1e-9),
    ("bernoulli", {"first_pressure": "3 bar", "first_velocity": "2 m/s", "second_velocity": "8 m/s", "density": "1000 kg/m3", "second_height": "5 m",
                   "loss": "10 kPa"}, {"pressure": 300_000 - 30_000 - 49_033.25 - 10_000}, 1e-9),
    ("pipe_velocity", {"flow_rate": "36 m³/h", "diameter": "80 mm"}, {"velocity": 0.01 / 5.026548e-3}, 1e-6),
    ("pipe_velocity_of_mass", {"mass_flow": "10 kg/s", "diameter": "80 mm", "density": "1000 kg/m3"}, {"velocity": 1.98944}, 1e-5),
    ("volume_flow", {"mass_flow": "5 kg/s", "density": "800 kg/m3"}, {"flow_rate": 0.00625}, 1e-9),
    ("continuity", {"first_velocity": "1.2 m/s", "first_diameter": "100 mm", "second_diameter": "50 mm"}, {"velocity": 4.8}, 1e-9),
    ("torricelli", {"height": "3 m"}, {"velocity": 7.6707}, 1e-4),
    ("venturi_flow", {"diameter": "100 mm", "throat_diameter": "50 mm", "pressure_drop": "20 kPa", "density": "1000 kg/m³", "coefficient": 0.98},
     {"flow_rate": 0.98 * pi * 0.05**2 / 4 * sqrt(40 / (1 - 1 / 16)), "velocity": 0.98 * sqrt(40 / (1 - 1 / 16))}, 1e-9),
    ("hydraulic_diameter", {"area": "0.12 m²", "perimeter": "1.4 m"}, {"diameter": 0.342857}, 1e-5),
    ("rectangular_hydraulic_diameter", {"width": "400 mm", "height": "300 mm"}, {"diameter": 0.342857}, 1e-5),
    # Pumps, channels, bodies.
    ("pump_power_from_pressure", {"flow_rate": "20 L/s", "pressure_rise": "6 bar", "efficiency": 0.75}, {"power": 16}, 1e-9),
    ("pump_power_from_head", {"flow_rate": "72 m3/h", "head": "30 m", "density": "1000 kg/m3", "efficiency": "70 %",
                              "motor_efficiency": 0.9}, {"power": 0.6 * G0 / 0.7, "electric_power": 0.6 * G0 / 0.63}, 1e-9),
    ("affinity_flow", {"first_flow": "50 m3/h", "first_speed": "1450 rpm", "second_speed": "2900 rpm"}, {"flow_rate": 100 / 3600}, 1e-9),
    ("affinity_head", {"first_head": "24 m", "first_speed": "1450 tr/min", "second_speed": "1750 tr/min"}, {"head": 34.958}, 1e-4),
    ("affinity_power", {"first_power": "8 kW", "first_speed": "3000 rpm", "second_speed": "1500 rpm"}, {"power": 1}, 1e-9),
    ("hydro_power", {"flow_rate": "12 m3/s", "head": "80 m", "density": "1000 kg/m3", "efficiency": 0.9}, {"power": 864 * G0}, 1e-9),
    ("water_hammer", {"density": "1000 kg/m3", "wave_speed": "1200 m/s", "velocity_change": "2.5 m/s"}, {"pressure_rise": 3e6}, 1e-9),
    ("pipe_wave_speed", {"bulk_modulus": "2.2 GPa", "density": "1000 kg/m3", "diameter": "300 mm", "thickness": "6 mm", "elastic_modulus": "200 GPa"},
     {"wave_speed": sqrt(2.2e6) / sqrt(1.55)}, 1e-9),
    ("manning", {"hydraulic_radius": "0.8 m", "slope": 0.001, "coefficient": 0.013}, {"velocity": 2.0964}, 1e-4),
    ("stokes_settling", {"diameter": "50 µm", "particle_density": "2650 kg/m3", "density": "998 kg/m3", "viscosity": "1 mPa s"},
     {"velocity": 2 / 9 * (25e-6) ** 2 * 1652 * G0 / 1e-3}, 1e-9),
    ("settling_velocity", {"diameter": "1 mm", "particle_density": "2650 kg/m3", "density": "998 kg/m3", "viscosity": "1 mPa s"},
     {"velocity": 0.1553}, 1e-3),  # by hand: Re 155, C_D 0.898
    ("terminal_velocity", {"mass": "80 kg", "drag_coefficient": 1.0, "area": "0.7 m²", "density": "1.2 kg/m³"},
     {"velocity": sqrt(160 * G0 / 0.84)}, 1e-9),
    ("drag_force", {"drag_coefficient": 0.3, "area": "2.2 m²", "velocity": "108 km/h", "density": "1.2 kg/m3"}, {"force": 356.4}, 1e-9),
    ("dynamic_pressure", {"velocity": "50 m/s", "density": "1.2 kg/m3"}, {"pressure": 1500}, 1e-9),
    ("boundary_layer", {"velocity": "10 m/s", "position": "0.5 m", "kinematic_viscosity": "1.5e-5 m²/s"},
     {"thickness": 4.330, "reynolds": 333_333}, 1e-3),
    ("boundary_layer", {"velocity": "10 m/s", "position": "2 m", "kinematic_viscosity": "1.5e-5 m²/s"}, {"thickness": 740 / 16.780}, 1e-3),
    # Gases.
    ("ideal_gas", {"amount": "2 mol", "volume": "50 L", "temperature": "27 °C"}, {"pressure": 99_823}, 1e-4),
    ("gas_mass", {"pressure": "200 bar", "volume": "50 L", "molar_mass": "28.014 g/mol", "temperature": "20 °C"}, {"mass": 11.493}, 1e-4),
    ("gas_density", {"molar_mass": "28.97 g/mol", "temperature": "20 °C"}, {"density": 1.2043}, 1e-3),
    ("isochoric_pressure", {"first_pressure": "2.5 bar", "first_temperature": "10 °C", "second_temperature": "50 °C"}, {"pressure": 2.5e5 * 323.15 / 283.15}, 1e-9),
    ("isothermal_pressure", {"first_pressure": "1 bar", "first_volume": "3 L", "second_volume": "0.5 L"}, {"pressure": 6e5}, 1e-9),
    ("isobaric_volume", {"first_volume": "2 L", "first_temperature": "300 K", "second_temperature": "450 K"}, {"volume": 0.003}, 1e-9),
    ("gas_change", {"first_pressure": "2 bar", "first_volume": "3 L", "second_volume": "2 L", "first_temperature": "300 K", "second_temperature": "400 K"},
     {"pressure": 4e5}, 1e-9),
    ("mach_number", {"velocity": "680 m/s", "speed_of_sound": "340 m/s"}, {"mach": 2}, 1e-9),
    ("isentropic_temperature", {"first_temperature": "293.15 K", "first_pressure": "1 bar", "second_pressure": "8 bar"},
     {"temperature": 293.15 * exp(log(8) / 3.5)}, 1e-9),
    ("compressor_power", {"mass_flow": "0.5 kg/s", "temperature": "20 °C", "first_pressure": "1 bar", "second_pressure": "7 bar", "efficiency": "80 %"},
     {"power": 0.5 * 1.005 * 293.15 * (7 ** (1 / 3.5) - 1) / 0.8}, 1e-9),
    ("isothermal_work", {"amount": "10 mol", "first_pressure": "1 bar", "second_pressure": "10 bar", "temperature": "25 °C"}, {"work": 57.08}, 1e-3),
    # Thermodynamics, drops, numbers.
    ("carnot_efficiency", {"hot": "600 K", "cold": "300 K"}, {"efficiency": 0.5}, 1e-9),
    ("carnot_cop", {"hot": "50 °C", "cold": "0 °C"}, {"heating": 6.463, "cooling": 5.463}, 1e-9),
    ("coefficient_of_performance", {"heat": "9.4 kW", "power": "2.7 kW"}, {"cop": 3.481}, 1e-3),
    ("moist_air", {"temperature": "25 °C", "humidity": "50 %"}, {"dew_point": 13.86, "vapour_pressure": 1584.9, "humidity_ratio": 9.88}, 1e-3),
    ("henry", {"henry_constant": "1.3e-3 mol/L/bar", "pressure": "0.21 bar"}, {"concentration": 2.73e-4}, 1e-9),
    ("fick_flux", {"diffusivity": "1e-9 m²/s", "first_concentration": "1 M", "thickness": "100 µm"}, {"flux": 0.01}, 1e-9),
    ("laplace_pressure", {"surface_tension": "72.8 mN/m", "radius": "1 mm"}, {"pressure": 145.6}, 1e-9),
    ("capillary_rise", {"surface_tension": "72.8 mN/m", "density": "998 kg/m3", "radius": "0.5 mm"}, {"height": 0.1456 / (998 * G0 * 5e-7)}, 1e-9),
    ("weber_number", {"density": "998 kg/m3", "velocity": "10 m/s", "length": "2 mm", "surface_tension": "0.0728 N/m"}, {"weber": 2741.8}, 1e-4),
    ("froude_number", {"velocity": "3 m/s", "length": "1 m"}, {"froude": 3 / sqrt(G0)}, 1e-9),
    ("schmidt_number", {"kinematic_viscosity": "1e-6 m2/s", "diffusivity": "2e-9 m²/s"}, {"schmidt": 500}, 1e-9),
    ("sherwood_number", {"coefficient": "1e-5 m/s", "length": "2 cm", "diffusivity": "1e-9 m²/s"}, {"sherwood": 200}, 1e-9),
    ("strouhal_number", {"frequency": "20 Hz", "length": "5 cm", "velocity": "5 m/s"}, {"strouhal": 0.2}, 1e-9),
    ("calculate", {"expression": "250 kg/s * 3000 m/s / (250 kg/s * g0)", "in_unit": "s"}, {}, 0),
    ("sphere_drag", {"drag_coefficient": 0.47, "diameter": "20 cm", "velocity": "15 m/s", "density": "1.2 kg/m³"}, {"force": 1.99334}, 1e-5),
]  # fmt: skip
