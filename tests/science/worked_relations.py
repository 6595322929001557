"""Worked examples of the elementary relations: numbers that multiply in one's head."""

from __future__ import annotations

from typing import Any

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    ("volume_flow_in_pipe", {"velocity": "2 m/s", "area": "50 cm²"}, {"volume_flow": 0.01}, 1e-12),
    ("mass_of_flow", {"mass_flow": "3 kg/s", "time": "2 min"}, {"mass": 360}, 1e-12),
    ("pressure_difference", {"outlet": "118 bar", "inlet": "4 bar"}, {"pressure_rise": 114e5}, 1e-12),
    ("temperature_difference", {"hot": "80 °C", "cold": "293.15 K"}, {"temperature_difference": 60}, 1e-9),
    ("heat_flux", {"power": "6 kW", "area": "0.5 m²"}, {"heat_flux": 12_000}, 1e-12),
    ("time_to_perforation", {"thickness": "6 mm", "rate": "0.5 mm/year"}, {"lifetime": 12}, 1e-12),
    ("layer_volume", {"area": "2 m²", "thickness": "50 µm"}, {"volume": 1e-4}, 1e-9),
    ("pressure_from_ratio", {"pressure_ratio": 0.002, "chamber_pressure": "70 bar"}, {"pressure": 14_000}, 1e-12),
    ("diameter_of_radius", {"radius": "4 cm"}, {"diameter": 0.08}, 1e-12),
    ("mean_speed", {"distance": "36 km", "time": "1 h"}, {"speed": 10}, 1e-12),
    ("nozzle_area_ratio", {"exit_area": "0.8 m²", "throat_area": "200 cm²"}, {"area_ratio": 40}, 1e-12),
    ("cluster_thrust", {"engines": 9, "thrust_each": "845 kN"}, {"thrust": 7.605e6}, 1e-12),
    ("rectangle_area", {"width": "40 cm", "height": "25 cm"}, {"area": 0.1}, 1e-12),
    ("voltage_of_potentials", {"positive": "0.80 V", "negative": "-0.44 V"}, {"voltage": 1.24}, 1e-12),
    ("total_velocity_change", {"first": "2.4 km/s", "second": "1.5 km/s"}, {"total": 3900}, 1e-12),
]  # fmt: skip
