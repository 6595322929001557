"""Options of commands whose models may run on a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.errors import UsageError

if TYPE_CHECKING:
    from galop.backends.cluster.plan import ClusterPlan

Ray = Annotated[
    str,
    typer.Option(
        help="Run the models on this Ray cluster: HOST:PORT, auto for the one of this machine, local to begin one.",
        metavar="ADDRESS",
    ),
]
ReplicaCount = Annotated[
    str,
    typer.Option(
        help="With --ray: how many of each model, such as 4, or 1-8 by what there is to do.",
        metavar="N",
    ),
]
Cpus = Annotated[float, typer.Option(help="With --ray: processors of each replica.", metavar="N", min=0)]


def plan_cluster(address: str, replicas: str, cpus: float) -> ClusterPlan | None:
    """What --ray, --replicas and --cpus say. Raises UsageError."""
    import re

    if not address:
        if replicas != "1" or cpus:
            raise UsageError("--replicas and --cpus are about a cluster; add --ray ADDRESS")
        return None
    try:
        from galop.backends.cluster.join import join_cluster
    except ImportError:
        raise UsageError("--ray needs Ray; install it with: pip install 'galop[ray]'") from None
    from galop.backends.cluster.plan import ClusterPlan

    asked = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", replicas)
    least, most = (int(asked[1]), int(asked[2] or asked[1])) if asked else (0, 0)
    if not 0 < least <= most:
        raise UsageError(f"--replicas is a number such as 4, or from one to another such as 1-8, not {replicas!r}")
    join_cluster(address)
    return ClusterPlan(address, least, most, cpus)
