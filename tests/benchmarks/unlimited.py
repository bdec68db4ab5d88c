"""What the program itself costs: items a second, CPU and memory, on portals without limits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from migrator.sandbox import Portal, PortalServer
from tests.benchmarks.deals import two_portals


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaced:
    """One command in a process of its own, starting up included."""

    stage: str
    items: int
    wall: float
    cpu: float
    peak_megabytes: float

    @property
    def items_per_second(self) -> float:
        return self.items / self.wall

    @property
    def cpu_per_thousand(self) -> float:
        return self.cpu / self.items * 1000


#: Runs the command line and tells at the end what it has cost. `ru_maxrss` would include what the
#: parent held when this process was started.
_MEASURED = """
import json, pathlib, re, resource, sys
from migrator.cli.main import main
try:
    main()
finally:
    peak = re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stderr.write(json.dumps({"peak": int(peak), "cpu": used.ru_utime + used.ru_stime}))
"""


def measure(count: int) -> list[Unpaced]:
    source, target = (Portal.from_seed(seed) for seed in two_portals(count))
    with (
        PortalServer(source) as source_server,
        PortalServer(target) as target_server,
        tempfile.TemporaryDirectory() as folder,
    ):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MIGRATOR_")},
            "MIGRATOR_SOURCE__WEBHOOK_URL": source_server.webhook_url(),
            "MIGRATOR_TARGET__WEBHOOK_URL": target_server.webhook_url(),
            "MIGRATOR_SOURCE__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_TARGET__REQUESTS_PER_SECOND": "0",
            "MIGRATOR_STAGING_URL": f"sqlite:///{Path(folder) / 'staging.db'}",
        }
        return [_run(stage, count, environment) for stage in ("export", "import")]


def _run(stage: str, count: int, environment: dict[str, str]) -> Unpaced:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, stage, "--json"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    wall = time.monotonic() - began
    told = re.search(r"\{[^{}]*\}\Z", done.stderr)
    cost = json.loads(told[0] if told else "{}")
    return Unpaced(
        stage=stage, items=count, wall=wall, cpu=cost["cpu"], peak_megabytes=cost["peak"] / 1024
    )
