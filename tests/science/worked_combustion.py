"""Worked examples of combustion: NASA's own, those that Cantera confirms, far mixtures, and published ranges."""

from __future__ import annotations

from typing import Any

WORKED: list[tuple[str, dict[str, Any], dict[str, float], float]] = [
    ("stoichiometric_ratio", {"fuel": "LCH4", "oxidiser": "LOX"}, {"of": 3.989}, 1e-3),
    ("stoichiometric_ratio", {"fuel": "LH2", "oxidiser": "LOX"}, {"of": 7.936}, 1e-3),
    # RP-1311, example 8.
    ("isp", {"fuel": "LH2", "oxidiser": "LOX", "of": 5.55157, "pressure": "53.3172 bar", "area_ratio": 25},
     {"isp_vacuum": 4348.51 / 9.80665, "c_star": 2332.34, "chamber_temperature": 3383.845}, 1e-5),
    ("chamber_equilibrium", {"fuel": "hydrogène liquide", "oxidiser": "oxygène liquide", "of": 5.55157, "pressure": "53.3172 bar"},
     {"c_star": 2332.34, "chamber_temperature": 3383.845}, 1e-5),
    # At 70 bar and area ratio 40, which Cantera confirms (test_combustion.py).
    ("isp", {"fuel": "LH2", "oxidiser": "LOX", "of": 6, "pressure": "70 bar", "area_ratio": 40},
     {"isp_vacuum": 451.7, "isp_frozen": 430.5, "c_star": 2304.6, "chamber_temperature": 3485.0}, 1e-3),
    ("isp", {"fuel": "LCH4", "oxidiser": "LOX", "of": 3.6, "pressure": "7 MPa", "area_ratio": 40},
     {"isp_vacuum": 367.9, "isp_frozen": 340.1, "c_star": 1822.9}, 1e-3),
    ("isp", {"fuel": "kérosène", "oxidiser": "LO2", "of": 2.7, "pressure": "70 bar", "area_ratio": 40},
     {"isp_vacuum": 357.6, "isp_frozen": 330.3, "c_star": 1785.8}, 1e-3),
    # Gas generators and preburners, where only shifting flow converges.
    ("isp", {"fuel": "RP-1", "oxidiser": "LOX", "of": 0.6, "pressure": "70 bar", "area_ratio": 20}, {"isp_vacuum": 238.37}, 5e-5),
    ("isp", {"fuel": "RP-1", "oxidiser": "LOX", "of": 1.0, "pressure": "70 bar", "area_ratio": 20}, {"isp_vacuum": 262.91}, 5e-5),
    ("isp", {"fuel": "RP-1", "oxidiser": "LOX", "of": 55, "pressure": "250 bar", "area_ratio": 20}, {"isp_vacuum": 110.69}, 5e-5),
    ("isp", {"fuel": "LH2", "oxidiser": "LOX", "of": 0.8, "pressure": "200 bar", "area_ratio": 20}, {"isp_vacuum": 352.29}, 5e-5),
    ("isp", {"fuel": "LH2", "oxidiser": "LOX", "of": 100, "pressure": "70 bar", "area_ratio": 40}, {"isp_vacuum": 140.84}, 5e-5),
    ("isp", {"fuel": "ethanol", "oxidiser": "LOX", "of": 0.3, "pressure": "30 bar", "area_ratio": 5}, {"isp_vacuum": 190.45}, 5e-5),
    ("best_mixture_ratio", {"fuel": "LH2", "oxidiser": "LOX", "pressure": "70 bar", "area_ratio": 40}, {"of": 4.75, "isp_vacuum": 455.1}, 5e-3),
    # Hydrazine that decomposes to equilibrium: N2, H2 and little ammonia.
    ("monopropellant", {"propellant": "hydrazine", "pressure": "20 bar", "area_ratio": 50}, {"chamber_temperature": 880.7, "molar_mass": 10.78}, 1e-3),
    # Sutton & Biblarz, table 13-1: 3370 to 3480 K.
    ("solid_propellant", {"perchlorate": "68 %", "aluminium": "18 %", "pressure": "1000 psi", "area_ratio": 10}, {"chamber_temperature": 3425}, 0.016),
]  # fmt: skip
