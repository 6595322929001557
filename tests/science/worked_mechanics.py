"""Worked examples of structures, motion, balances, layers, shocks and cycles, each computed a second way."""

from __future__ import annotations

from math import cos, exp, log, pi, radians, sin, sqrt
from typing import Any

G0 = 9.80665


def integral(f: Any, low: float, high: float, steps: int = 20_000) -> float:
    """By the midpoint rule."""
    width = (high - low) / steps
    return float(sum(f(low + (i + 0.5) * width) for i in range(steps)) * width)


def tip(moment: Any, length: float) -> float:
    """Deflection of a cantilever's tip over its stiffness, by Mohr's second theorem; `moment` at a distance from the
    tip."""
    return integral(lambda x: moment(x) * x, 0, length)


EI = 210e9 * 4.5e-7
WALL = {
    "first_thickness": "15 cm",
    "first_conductivity": "1.4 W/m/K",
    "second_thickness": "8 cm",
    "second_conductivity": "0.035 W/m/K",
}
GAS = {
    "gamma": 1.22,
    "molar_mass": "22 g/mol",
    "chamber_temperature": "3100 K",
    "chamber_pressure": "60 bar",
    "exit_pressure": "1 bar",
}
MOON = 6.6743e-11 * 7.342e22

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    # Structures: deflections by Mohr's theorem, moments by statics.
    ("cantilever_moment", {"force": "800 N", "length": "1.2 m"}, {"moment": 960}, 1e-12),
    ("cantilever_deflection", {"force": "800 N", "length": "1.2 m", "elastic_modulus": "210 GPa", "second_moment": "4.5e-7 m^4"},
     {"deflection": tip(lambda x: 800 * x, 1.2) / EI * 1e3}, 1e-6),
    ("cantilever_moment_uniform", {"line_load": "2 kN/m", "length": "1.5 m"}, {"moment": 2000 * 1.5 * 0.75}, 1e-12),
    ("cantilever_deflection_uniform", {"line_load": "2 kN/m", "length": "1.5 m", "elastic_modulus": "210 GPa", "second_moment": "4.5e-7 m^4"},
     {"deflection": tip(lambda x: 2000 * x * x / 2, 1.5) / EI * 1e3}, 1e-6),
    ("beam_moment", {"force": "12 kN", "length": "4 m"}, {"moment": 6000 * 2}, 1e-12),
    # Half of a beam on two supports is a cantilever that its support bends up.
    ("beam_deflection", {"force": "12 kN", "length": "4 m", "elastic_modulus": "210 GPa", "second_moment": "4.5e-7 m^4"},
     {"deflection": tip(lambda x: 6000 * x, 2) / EI * 1e3}, 1e-6),
    ("beam_moment_uniform", {"line_load": "3 kN/m", "length": "6 m"}, {"moment": 9000 * 3 - 9000 * 1.5}, 1e-12),
    ("beam_deflection_uniform", {"line_load": "3 kN/m", "length": "6 m", "elastic_modulus": "210 GPa", "second_moment": "4.5e-7 m^4"},
     {"deflection": tip(lambda x: 9000 * x - 3000 * x * x / 2, 3) / EI * 1e3}, 1e-6),
    ("rectangle_second_moment", {"width": "40 mm", "height": "60 mm"},
     {"second_moment": integral(lambda y: 0.04 * y * y, -0.03, 0.03), "section_modulus": integral(lambda y: 0.04 * y * y, -0.03, 0.03) / 0.03}, 1e-6),
    ("circle_second_moment", {"diameter": "50 mm"},
     {"second_moment": integral(lambda r: pi * r**3, 0, 0.025), "section_modulus": integral(lambda r: pi * r**3, 0, 0.025) / 0.025}, 1e-6),
    ("tube_second_moment", {"outer_diameter": "50 mm", "inner_diameter": "40 mm"},
     {"second_moment": integral(lambda r: pi * r**3, 0.02, 0.025)}, 1e-6),
    ("bending_stress", {"moment": "960 N m", "section_modulus": "24 cm^3"}, {"stress": 40}, 1e-12),
    ("euler_buckling", {"elastic_modulus": "200 GPa", "second_moment": "8e-7 m^4", "length": "3 m"}, {"force": 1.7546e5}, 1e-4),
    ("euler_buckling", {"elastic_modulus": "200 GPa", "second_moment": "8e-7 m^4", "length": "3 m", "end_factor": 0.5}, {"force": 7.0184e5}, 1e-4),
    ("torsion_stress", {"torque": "300 N m", "diameter": "40 mm"}, {"stress": 300 * 0.02 / integral(lambda r: 2 * pi * r**3, 0, 0.02) / 1e6}, 1e-6),
    ("twist_angle", {"torque": "300 N m", "length": "1.5 m", "diameter": "40 mm", "shear_modulus": "80 GPa"},
     {"angle": 450 / (80e9 * integral(lambda r: 2 * pi * r**3, 0, 0.02)) * 180 / pi}, 1e-6),
    ("safety_factor", {"strength": "350 MPa", "stress": "140 MPa"}, {"safety_factor": 2.5}, 1e-12),
    ("bar_stress", {"force": "18 kN", "diameter": "12 mm"}, {"stress": 18e3 / (36 * pi)}, 1e-12),
    # Motion: from 100 km/h to rest in 38 m, and so on; a projectile by steps of time.
    ("mean_acceleration", {"final_velocity": "27 m/s", "time": "9 s"}, {"acceleration": 3}, 1e-12),
    ("mean_force", {"mass": "1.2 t", "final_velocity": "27 m/s", "time": "9 s", "initial_velocity": "9 m/s"}, {"force": 2400}, 1e-12),
    ("braking", {"velocity": "20 m/s", "distance": "40 m"}, {"deceleration": 5, "time": 4}, 1e-12),
    ("speed_after_distance", {"acceleration": "2 m/s^2", "distance": "100 m"}, {"final_velocity": 20}, 1e-12),
    ("accelerated_motion", {"acceleration": "3 m/s^2", "time": "4 s", "initial_velocity": "5 m/s"}, {"final_velocity": 17, "distance": 44}, 1e-12),
    ("projectile", {"velocity": "50 m/s", "angle": "30 deg"},
     {"range": 50**2 * 2 * sin(radians(30)) * cos(radians(30)) / G0, "height": 31.8661, "time": 2 * 25 / G0}, 1e-5),
    ("power_of_force", {"force": "450 N", "velocity": "72 km/h", "efficiency": 0.9}, {"power": 1e4}, 1e-12),
    ("drag_power", {"drag_coefficient": 0.88, "area": "0.5 m2", "velocity": "10 m/s", "density": "1.2 kg/m3"}, {"power": 264}, 1e-12),
    ("lifting_power", {"mass": "1.8 t", "height": "22 m", "time": "40 s"}, {"power": 1800 * G0 * 0.55}, 1e-12),
    ("momentum", {"mass": "2 kg", "velocity": "3 m/s"}, {"momentum": 6}, 1e-12),
    ("rim_speed", {"diameter": "1 m", "speed": "60 rpm"}, {"velocity": pi}, 1e-12),
    ("friction_force", {"coefficient": 0.3, "normal_force": "200 N"}, {"force": 60}, 1e-12),
    ("gravity_of_mass", {"mass": "7.342e22 kg", "radius": "1737.4 km"}, {"gravity": 1.6234}, 1e-4),
    ("escape_velocity_of_mass", {"mass": "7.342e22 kg", "radius": "1737.4 km"}, {"velocity": 2375}, 1e-3),
    ("orbit_around_mass", {"mass": "7.342e22 kg", "radius": "1837.4 km"}, {"velocity": sqrt(MOON / 1837.4e3), "period": 2 * pi * sqrt(1837.4e3**3 / MOON)}, 1e-9),
    # Balances.
    ("mass_left", {"initial": "8.2 t", "mass_flow": "14.5 kg/s", "time": "6 min"}, {"left": 2980}, 1e-12),
    ("mass_left_of_used", {"initial": "8.2 t", "used": "5.22 t"}, {"left": 2980}, 1e-12),
    ("filling_time", {"volume": "2 m3", "flow_rate": "5 L/s"}, {"time": 400}, 1e-12),
    ("filling_time_through_pipe", {"volume": "2 m3", "diameter": "32 mm", "velocity": "1.9 m/s"}, {"time": 2 / (1.9 * pi * 0.016**2)}, 1e-12),
    ("total_head", {"static_head": "14 m", "loss": "6 m"}, {"head": 20}, 1e-12),
    ("darcy_head_loss", {"friction_factor": 0.022, "length": "300 m", "diameter": "150 mm", "velocity": "1.6 m/s"}, {"head_loss": 44 * 1.28 / G0}, 1e-12),
    ("minor_head_loss", {"coefficient": 6.5, "velocity": "2.2 m/s"}, {"head_loss": 6.5 * 2.42 / G0}, 1e-12),
    ("tank_outflow", {"height": "2.2 m", "diameter": "12 mm", "coefficient": 0.62}, {"flow_rate": 0.62 * 36e-6 * pi * 6.56884}, 1e-5),
    ("jet_force", {"density": "1000 kg/m3", "diameter": "20 mm", "velocity": "10 m/s"}, {"force": 10 * pi}, 1e-12),
    ("lift_force", {"lift_coefficient": 0.5, "area": "16 m2", "velocity": "50 m/s", "density": "1.2 kg/m3"}, {"force": 12_000}, 1e-12),
    ("manometer", {"height": "76 cm", "density": "13595.1 kg/m3"}, {"pressure": 101_325}, 1e-5),
    ("speed_pressure_drop", {"first_velocity": "2 m/s", "second_velocity": "8 m/s", "density": "1000 kg/m3"}, {"pressure_drop": 30_000}, 1e-12),
    ("duct_volume_flow", {"width": "0.5 m", "height": "0.3 m", "velocity": "7 m/s"}, {"flow_rate": 1.05}, 1e-12),
    ("hydraulic_press", {"first_force": "120 N", "first_diameter": "20 mm", "second_diameter": "90 mm"}, {"force": 2430}, 1e-12),
    ("heat_of_volume", {"volume": "150 m3", "density": "1.2 kg/m3", "heat_capacity": "1005 J/kg/K", "start": "5 °C", "end": "20 °C"}, {"heat": 2713.5}, 1e-12),
    ("stopping_force", {"mass": "9 g", "velocity": "800 m/s", "distance": "0.144 m"}, {"force": 20_000}, 1e-12),
    ("velocity_after_losses", {"first": "3100 m/s", "second": "5250 m/s", "losses": "1450 m/s"}, {"velocity": 6900}, 1e-12),
    # Layers: the temperature falls by the same share of each resistance.
    ("layers_resistance", WALL | {"third_thickness": "13 mm", "third_conductivity": "0.25 W/m/K"}, {"resistance": 3 / 28 + 16 / 7 + 0.052}, 1e-12),
    ("layers_flux", WALL | {"hot": "19 °C", "cold": "1 °C"}, {"heat_flux": 18 * 28 / 67}, 1e-12),
    ("layers_heat_flow", WALL | {"area": "18 m2", "hot": "19 °C", "cold": "1 °C"}, {"heat_flow": 18 * 18 * 28 / 67}, 1e-12),
    # Shocks: Anderson's table A.2 at Mach 2.
    ("shock_pressure", {"gamma": 1.4, "mach": 2, "ahead": "1 bar"}, {"pressure": 4.5e5}, 1e-9),
    ("shock_temperature", {"gamma": 1.4, "mach": 2, "ahead": "300 K"}, {"temperature": 300 * 1.687}, 5e-4),
    ("recovery_temperature", {"static_temperature": "410 K", "mach": 1.6, "recovery_factor": 0.91, "gamma": 1.4}, {"temperature": 410 * 1.46592}, 1e-12),
    ("ideal_isp", GAS, {"isp": sqrt(2 * 1.22 / 0.22 * 8.314462618 / 0.022 * 3100 * (1 - (1 / 60) ** (0.22 / 1.22))) / G0}, 1e-9),
    ("ideal_thrust", GAS | {"throat_diameter": "0.1 m"},
     {"thrust": 6e6 * pi * 0.0025 * sqrt(2 * 1.22**2 / 0.22 * (2 / 2.22) ** (2.22 / 0.22) * (1 - (1 / 60) ** (0.22 / 1.22)))}, 1e-9),
    ("airspeed_at_mach", {"mach": 0.78, "altitude": "11 km"}, {"airspeed": 0.78 * 295.07}, 5e-4),
    ("rotational_energy", {"inertia": "12 kg m^2", "speed": "3000 rpm"}, {"energy": 6 * (100 * pi) ** 2}, 1e-12),
    ("rotational_energy_change", {"inertia": "12 kg m^2", "initial_speed": "3000 rpm", "final_speed": "1500 rpm"},
     {"energy": 0.75 * 6 * (100 * pi) ** 2}, 1e-12),
    ("spring_force", {"stiffness": "350 N/m", "stretch": "12 cm"}, {"force": 42, "energy": 2.52}, 1e-12),
    ("heat_engine", {"heat_in": "850 kJ", "heat_out": "510 kJ"}, {"efficiency": 0.4, "work": 340}, 1e-12),
    # Cycles.
    ("adiabatic_pressure", {"first_pressure": "1 bar", "first_volume": "8 L", "second_volume": "1 L"}, {"pressure": 1e5 * exp(1.4 * log(8))}, 1e-9),
    ("adiabatic_temperature", {"first_temperature": "300 K", "first_volume": "8 L", "second_volume": "1 L"}, {"temperature": 300 * 8**0.4}, 1e-9),
    ("temperature_of_compression", {"first_temperature": "300 K", "ratio": 8}, {"temperature": 689.22}, 1e-5),
    ("otto_efficiency", {"ratio": 8}, {"efficiency": 1 - 300 / 689.22}, 1e-4),
    ("brayton_efficiency", {"pressure_ratio": 8}, {"efficiency": 0.448}, 1e-3),  # Çengel & Boles
    ("isobaric_work", {"pressure": "2 bar", "first_volume": "10 L", "second_volume": "25 L"}, {"work": 3}, 1e-12),
    ("isothermal_work_of_volumes", {"amount": "2 mol", "temperature": "300 K", "first_volume": "1 L", "second_volume": "12 L"},
     {"work": integral(lambda v: 2 * 8.31446261815324 * 300 / v, 1, 12) / 1e3}, 1e-5),
    ("total_mass", {"first_mass": "2 t", "second_mass": "350 kg", "third_mass": "50 kg"}, {"total": 2400}, 1e-12),
    ("total_power", {"first_power": "60 W", "second_power": "1.2 kW"}, {"total": 1260}, 1e-12),
    ("sphere_area", {"diameter": "20 cm"}, {"area": 4 * 3.14159265 * 0.1**2}, 1e-8),
    ("cylinder_area", {"diameter": "5 cm", "length": "3 m"}, {"area": 0.471239}, 1e-5),
    ("powder_area", {"specific_surface": "1500 m²/g", "mass": "3 g"}, {"area": 4500}, 1e-12),
]  # fmt: skip
