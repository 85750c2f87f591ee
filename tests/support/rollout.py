"""What Kubernetes' controllers do with pods, as the manifests tell them: start, replace, evict
and scale, and say to whom Services lead."""
from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import random
import string
import threading
import time
from typing import Iterator

from footfall import wait_until
from manifest_world import of, replicas, selects
from pods import Place, Pod

MACHINES = ("machine-a", "machine-b", "machine-c")
SERVICES_LATE = 1.0  # Seconds until all of the network knows that a pod is to be asked no more.


class Rollout:
    """
        with Rollout(place) as cluster:
            cluster.roll_all()
            cluster.drain("machine-b")
            cluster.scale("footfall-node", 5)
    """

    def __init__(self, place: Place, seed: int = 1):
        self.place, self.world = place, place.world
        self.workloads = {x["metadata"]["name"]: x for x in of(self.world, "StatefulSet Deployment")
                          if x["metadata"]["labels"].get("app.kubernetes.io/name") == "footfall"}
        self.wanted = {name: replicas(self.world, x) for name, x in self.workloads.items()}
        self.revision = 1
        self.chance = random.Random(seed)
        self.lock = threading.RLock()
        self.pods: dict[str, list[Pod]] = {name: [] for name in self.workloads}
        self.gone: dict[Pod, float] = {}  # when it was told to end
        self.cordoned: set[str] = set()
        self.ends: list[float] = []  # seconds of each orderly end

    def __enter__(self) -> "Rollout":
        try:
            self._together(self._fill, self.workloads)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for pod in [*self.all(), *self.gone]:
            if pod.is_alive():
                pod.kill()

    # What there is

    def all(self) -> list[Pod]:
        with self.lock:
            return [pod for pods in self.pods.values() for pod in pods]

    def names(self) -> set[str]:
        return {pod.name for pod in self.all()}

    def ready(self, name: str) -> list[Pod]:
        with self.lock:
            return [p for p in self.pods[name] if p.ready and not p.terminating]

    def endpoints(self, service: str, port: str) -> list[str]:
        """Where a new connection to the Service may lead to now."""
        wanted = self.world.find("Service", service)["spec"]
        now = time.monotonic()
        with self.lock:
            some = [p for p in self.all() if p.ready and not p.terminating]
            some += [p for p, since in self.gone.items() if now - since < SERVICES_LATE]
        target = next(x["targetPort"] for x in wanted["ports"] if x["name"] == port)
        return [f"{p.address}:{p.ports[target]}" for p in some if selects(
            {"matchLabels": wanted["selector"]},
            p.workload["spec"]["template"]["metadata"]["labels"])]

    def restarts(self) -> int:
        return sum(p.restarts for p in [*self.all(), *self.gone])

    def least_in_an_update(self) -> dict[str, int]:
        """Of each workload, how many stay ready while all get another revision."""
        return {name: count - x["spec"].get("strategy", {}).get("rollingUpdate", {}).get(
            "maxUnavailable", 1) for (name, count), x in zip(
                self.wanted.items(), self.workloads.values(), strict=True)}

    def least_by_budgets(self) -> dict[str, int]:
        """How many stay ready whatever is evicted."""
        return {name: count - self._budget(name)["maxUnavailable"]
                for name, count in self.wanted.items()}

    # What is done

    def roll_all(self) -> None:
        """Another revision of every workload, all at once, as one `kubectl apply` has it."""
        self.revision += 1
        self._together(self._roll, self.workloads)

    def scale(self, name: str, count: int) -> None:
        self.wanted[name] = count
        if len(self.pods[name]) < count:
            self._fill(name)
            return
        stays, goes = self.pods[name][:count], self.pods[name][count:]
        assert self.workloads[name]["spec"].get("podManagementPolicy") == "Parallel"
        self._together(self._end, goes)
        assert self.pods[name] == stays

    def drain(self, machine: str) -> None:
        """Evicts every pod of a machine, as far as the PodDisruptionBudgets let it, one after
        the other of each; their controllers make others elsewhere."""
        self.cordoned.add(machine)
        with self.lock:
            names = [n for n, pods in self.pods.items() if any(
                p.machine == machine for p in pods)]
        self._together(lambda name: self._evict_all(name, machine), names)
        self.cordoned.discard(machine)

    # How

    def _together(self, do, some) -> None:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for done in [pool.submit(do, x) for x in list(some)]:
                done.result()

    def _make(self, name: str, number: int) -> Pod:
        """Where fewest of its kind are, as topologySpreadConstraints ask for."""
        if self.workloads[name]["kind"] == "StatefulSet":
            pod_name = f"{name}-{number}"
        else:
            tail = "".join(self.chance.choices(string.ascii_lowercase + string.digits, k=5))
            pod_name = f"{name}-{self.revision:08x}-{tail}"
        with self.lock:
            machine = min((m for m in MACHINES if m not in self.cordoned), key=lambda m: sum(
                p.machine == m for p in self.pods[name]))
        pod = Pod(self.place, self.workloads[name], pod_name, machine)
        pod.revision = self.revision
        with self.lock:
            self.pods[name].append(pod)
            self.pods[name].sort(key=lambda p: p.name if name == "footfall-node" else "")
        return pod

    def _await_ready(self, pod: Pod, seconds: float = 60) -> None:
        """Ready, and so for minReadySeconds."""
        least = self.workloads[self._name_of(pod)]["spec"].get("minReadySeconds", 0)
        since = 0.0

        def is_available() -> bool:
            nonlocal since
            assert pod.is_alive(), f"{pod.name} ended: {pod.told()}"
            since = (since or time.monotonic()) if pod.ready else 0.0
            return bool(since) and time.monotonic() - since >= least

        wait_until(is_available, seconds, lambda: f"{pod.name} is ready: {pod.told()}")

    def _name_of(self, pod: Pod) -> str:
        return pod.workload["metadata"]["name"]

    def _fill(self, name: str) -> None:
        """Starts what is missing, all at once (podManagementPolicy: Parallel; Deployments do)."""
        with self.lock:
            there = {p.name for p in self.pods[name]}
        if self.workloads[name]["kind"] == "StatefulSet":
            numbers = [i for i in range(self.wanted[name]) if f"{name}-{i}" not in there]
        else:
            numbers = list(range(self.wanted[name] - len(there)))
        made: list[Pod] = []
        self._together(lambda i: made.append(self._make(name, i)), numbers)
        for pod in made:
            self._await_ready(pod)

    def _end(self, pod: Pod) -> None:
        with self.lock:
            pod.terminating = True
            self.pods[self._name_of(pod)].remove(pod)
            self.gone[pod] = time.monotonic()
        self.ends.append(pod.delete())

    def _roll(self, name: str) -> None:
        spec = self.workloads[name]["spec"]
        if self.workloads[name]["kind"] == "StatefulSet":
            assert spec["updateStrategy"] == {"type": "RollingUpdate"}
            for pod in sorted(self.pods[name], key=lambda p: p.name, reverse=True):
                self._end(pod)
                self._await_ready(self._make(name, int(pod.name.rpartition("-")[2])))
            return
        limits = spec["strategy"]["rollingUpdate"]
        assert limits == {"maxUnavailable": 0, "maxSurge": 1}, "another strategy is not done here"
        ending = []
        for pod in list(self.pods[name]):
            self._await_ready(self._make(name, 0))
            ending.append(threading.Thread(target=self._end, args=(pod,)))
            ending[-1].start()
        for thread in ending:
            thread.join()

    def _budget(self, name: str) -> dict:
        return next(x["spec"] for x in of(self.world, "PodDisruptionBudget")
                    if self.workloads[name] in self.world.pods(x["spec"]["selector"]))

    def _evict_all(self, name: str, machine: str) -> None:
        for pod in [p for p in self.pods[name] if p.machine == machine]:
            least = self.least_by_budgets()[name]
            wait_until(lambda: len(self.ready(name)) > least, 60, f"{name} may lose one")
            if self.workloads[name]["kind"] == "StatefulSet":
                self._end(pod)  # Its name must be free first.
                self._await_ready(self._make(name, int(pod.name.rpartition("-")[2])))
                continue
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                ends = pool.submit(self._end, pod)
                self._await_ready(self._make(name, 0))
                ends.result()

    @contextlib.contextmanager
    def ready_at_least(self, least: dict[str, int]) -> Iterator[None]:
        """In the block every workload has so many ready pods at any moment that is looked at."""
        stop, seen = threading.Event(), dict.fromkeys(least, 99)

        def look() -> None:
            while not stop.wait(0.02):
                for name in least:
                    seen[name] = min(seen[name], len(self.ready(name)))
        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        misses = [x for pod in self.all() for x in pod.misses]
        assert all(seen[x] >= least[x] for x in least), \
            f"ready at least {seen}, not {least}: {misses[-8:]}"


class Turns:
    """Which endpoint a new connection goes to: each in turn of those that there are."""

    def __init__(self, cluster: Rollout, service: str, port: str):
        self.cluster, self.service, self.port = cluster, service, port
        self.count = itertools.count()
        self.refused: list[str] = []  # connections that came to nobody
        self.odd: list[str] = []  # other answers than 200, or none

    def all(self) -> list[str]:
        return self.cluster.endpoints(self.service, self.port)

    def next(self) -> str:
        found = self.all()
        if not found:
            raise ConnectionRefusedError(f"the Service {self.service} leads to nobody")
        return found[next(self.count) % len(found)]
