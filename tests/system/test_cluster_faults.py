"""Three nodes in network namespaces of their own, on real Kafka and PostgreSQL, and faults
under load: nothing is lost, counted twice or answered wrongly, others take over in time, and
no more moves than must. `make test-faults` runs all rows, for longer and with three seeds."""
import os

import pytest

from fault_rows import ROWS, SMOKE, WAITING
from namespaces import Network
from own_services import OwnServices
from trial import Trial

IS_LONG = "FOOTFALL_FAULT_SEEDS" in os.environ
SEEDS = [int(x) for x in os.environ.get("FOOTFALL_FAULT_SEEDS", "1").split()]
BEGINNINGS = tuple(os.environ.get("FOOTFALL_FAULT_ROWS", "").split())
LANE, LANES = (int(x) for x in os.environ.get("FOOTFALL_FAULT_LANE", "0 1").split())
ALL = [(row, seed) for row in (ROWS if IS_LONG else SMOKE) for seed in SEEDS
       if row.startswith(BEGINNINGS or ("",))]


def cases() -> list[tuple[str, int]]:
    """Of this lane. The first of several has those that leave the processors to the others."""
    if LANES == 1:
        return ALL
    mine = [x for x in ALL if (x[0] in WAITING) == (LANE == 0)]
    return mine if LANE == 0 else mine[LANE - 1::LANES - 1]


@pytest.fixture(scope="module")
def network():
    with Network("n1", "n2", "n3", "n4") as running:
        yield running


@pytest.fixture(scope="module")
def services(network, tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "kafka", "postgres",
                     address=network.address) as running:
        yield running


@pytest.mark.parametrize("row, seed", cases())
def test_fault(network, services, row, seed):
    with Trial(network, services, row, seed, IS_LONG) as trial:
        trial.fault, run = ROWS[row]
        trial.number = list(ROWS).index(row)
        run(trial)
        trial.finish()
