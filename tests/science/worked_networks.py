"""Worked examples of circuits of several parts and of amounts of substances, computed a second way."""

from __future__ import annotations

from cmath import phase
from math import cos, degrees, e, pi, tau

RLC = 100 + 1j * tau * 200 * 0.05 + 1 / (1j * tau * 200 * 10e-6)

WORKED = [
    ("series_resistance", {"first": "100 ohm", "second": "220 ohm", "third": "1 kohm"}, {"resistance": 1320}, 1e-12),
    ("like_resistors", {"each": "60 ohm", "count": 4}, {"series": 240, "parallel": 15}, 1e-12),
    ("series_voltage", {"each": "1.5 V", "cells": 4}, {"voltage": 6}, 1e-12),
    ("series_capacitance", {"first": "100 nF", "second": "220 nF"}, {"capacitance": 68.75e-9}, 1e-9),
    ("parallel_capacitance", {"first": "1 uF", "second": "2 uF", "third": "3 uF"}, {"capacitance": 6e-6}, 1e-9),
    ("voltage_divider", {"supply": "5 V", "upper": "1 kohm", "lower": "1.5 kohm"}, {"output": 3}, 1e-12),
    ("led_resistor", {"supply": "9 V", "forward_voltage": "2.1 V", "current": "15 mA"}, {"resistance": 460}, 1e-12),
    ("rlc_impedance", {"resistance": "100 ohm", "inductance": "50 mH", "capacitance": "10 uF", "frequency": "200 Hz"},
     {"impedance": abs(RLC), "phase": degrees(phase(RLC))}, 1e-9),
    ("rc_impedance", {"resistance": "3 ohm", "capacitance": "1 F", "frequency": f"{1 / (8 * pi)} Hz"}, {"impedance": 5},
     1e-9),
    ("rl_impedance", {"resistance": "3 ohm", "inductance": "1 H", "frequency": f"{2 / pi} Hz"}, {"impedance": 5}, 1e-9),
    ("rl_time_constant", {"resistance": "50 ohm", "inductance": "10 mH"}, {"time_constant": 2e-4}, 1e-12),
    ("inductor_energy", {"inductance": "2 H", "current": "3 A"}, {"energy": 9}, 1e-12),
    ("transformer_current", {"primary_voltage": "230 V", "secondary_voltage": "11.5 V", "secondary_current": "4 A"},
     {"primary_current": 0.2}, 1e-12),
    ("transformer_voltage", {"primary_voltage": "230 V", "primary_turns": 1000, "secondary_turns": 50},
     {"secondary_voltage": 11.5}, 1e-12),
    ("resistance_at_temperature", {"resistance": "100 ohm", "first_temperature": "20 degC", "temperature": "120 degC"}, {"hot_resistance": 139.3}, 1e-9),
    ("charging_capacitor", {"supply": "10 V", "resistance": "1 kohm", "capacitance": "1 mF", "time": "1 s"},
     {"voltage": 10 * (1 - 1 / e)}, 1e-12),
    ("capacitor_charging_time", {"resistance": "1 kohm", "capacitance": "1 mF", "share": 1 - 1 / e}, {"time": 1}, 1e-9),
    ("discharging_capacitor", {"first_voltage": "10 V", "resistance": "1 kohm", "capacitance": "1 mF", "time": "2 s"},
     {"voltage": 10 / e**2}, 1e-12),
    ("sine_voltage", {"peak": "325 V"}, {"rms": 325 * cos(pi / 4), "peak_to_peak": 650}, 1e-12),
    ("motor_current", {"voltage": "400 V", "power": "7.5 kW", "power_factor": 0.85, "efficiency": 0.9},
     {"current": 7500 / 0.9 / 0.85 / (3 * 400 / 3**0.5)}, 1e-12),
    ("charging_time_at_power", {"energy": "50 kWh", "power": "10 kW", "start": 0.2, "end": 0.8, "loss": 0.1},
     {"time": 30 / 9}, 1e-12),
    ("energy_to_charge", {"capacity": "5 Ah", "voltage": "4 V", "efficiency": 0.8}, {"energy": 25}, 1e-12),
    ("number_of_particles", {"amount": "2 mol"}, {"particles": 1.204428152e24}, 1e-12),
    ("electrons_of_charge", {"charge": "192970.66464 C"}, {"amount": 2}, 1e-8),
    # Concentrated hydrochloric acid of the shelf: 37 %, 1.19 g/mL, 12.1 mol/L.
    ("concentration_of_mass_share", {"share": 0.37, "density": "1.19 g/mL", "molar_mass": "36.46 g/mol"},
     {"concentration": 12.08}, 1e-3),
    ("ph_of_buffer_amounts", {"pka": 4.76, "base": "1 mol", "acid": "0.1 mol"}, {"ph": 5.76}, 1e-12),
    ("half_life", {"rate_constant": "0.6931471805599453 1/h"}, {"half_life": 3600}, 1e-9),
    ("activation_energy_of_rates", {"first_rate": "1 1/s", "second_rate": "2 1/s", "first_temperature": "298.15 K",
                                    "second_temperature": "308.15 K"}, {"energy": 52.95}, 1e-3),
    ("electrolysis_energy_of_mass", {"mass": "1 kg", "voltage": "2 V", "molar_mass": "63.546 g/mol", "electrons": 2},
     {"energy": 2 * 0.84353}, 1e-4),
    ("ion_limiting_law", {"ionic_strength": "0.01 mol/L", "charge": 2}, {"activity_coefficient": 10**-0.2036}, 1e-12),
    ("mixture_ionic_strength",
     {"first": "0.02 mol/L", "second": "0.05 mol/L", "first_factor": 3, "second_factor": 1}, {"ionic_strength": 0.11},
     1e-12),
    ("energy_of_daily_use", {"power": "60 W", "time": "30 day", "share": 5 / 24}, {"energy": 9.0}, 1e-9),
    ("cable_voltage_drop", {"current": "16 A", "resistivity": "1.75e-8 ohm*m", "length": "50 m", "area": "2.5 mm²"}, {"drop": 5.6}, 1e-9),
    ("like_capacitors", {"each": "100 µF", "count": 3}, {"series": 100e-6 / 3, "parallel": 300e-6}, 1e-9),
]  # fmt: skip
