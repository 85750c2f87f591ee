"""Three nodes in network namespaces of their own, on real Kafka and PostgreSQL, and faults
under load: nothing is lost, counted twice or answered wrongly, others take over in time, and
no more moves than must. `make test-faults` runs all rows, for longer and with three seeds."""
import os

import pytest

from fault_rows import ROWS, SMOKE
from namespaces import Network
from own_services import OwnServices
from trial import Trial

IS_LONG = "FOOTFALL_FAULT_SEEDS" in os.environ
SEEDS = [int(x) for x in os.environ.get("FOOTFALL_FAULT_SEEDS", "1").split()]


@pytest.fixture(scope="module")
def network():
    with Network("n1", "n2", "n3", "n4") as running:
        yield running


@pytest.fixture(scope="module")
def services(network, tmp_path_factory):
    with OwnServices(tmp_path_factory.mktemp("services"), "kafka", "postgres",
                     address=network.address) as running:
        yield running


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("row", ROWS if IS_LONG else SMOKE)
def test_fault(network, services, row, seed):
    with Trial(network, services, row, seed, IS_LONG) as trial:
        ROWS[row](trial)
        trial.finish()
