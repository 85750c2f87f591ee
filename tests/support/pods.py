"""Pods of rendered manifests as processes of this machine: each in a network namespace, with the
user, the environment, the files, the probes and the end that its manifest says."""
from __future__ import annotations

import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

from footfall import BINARY, PATIENCE, Client, wait_until
from manifest_world import World, expand, pod_spec, settings
from namespaces import Network

NOBODY_ELSE = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


class Place:
    """Where pods run: a network, a folder for their volumes, and what Kubernetes would know."""

    def __init__(self, network: Network, folder: pathlib.Path, world: World,
                 secrets: dict[str, dict[str, str]], names: dict[str, str]):
        """`names`: what stands behind the Services that are not pods of this place, by
        "name:port"; the network here has no DNS."""
        self.network, self.folder, self.world = network, folder, world
        self.secrets, self.names = secrets, names
        self.lock = threading.Lock()
        self.free = list(network.names)
        folder.chmod(0o755)
        self.binary = folder / "footfall"  # Where the pods' user may read it.
        shutil.copy(BINARY, self.binary)
        self.binary.chmod(0o755)

    def take(self) -> str:
        """A pod waits for an address, as where machines are full."""
        def try_to() -> str:
            with self.lock:
                return self.free.pop(0) if self.free else ""
        return wait_until(try_to, 120, "an address is free")

    def give_back(self, slot: str) -> None:
        with self.lock:
            self.free.append(slot)


class Pod:
    """One pod, from its start to its end; it starts at once."""

    def __init__(self, place: Place, workload: dict, name: str, machine: str):
        self.place, self.workload, self.name, self.machine = place, workload, name, machine
        self.spec = pod_spec(workload)
        self.container, = self.spec["containers"]
        self.component = workload["metadata"]["labels"]["app.kubernetes.io/component"]
        self.slot = place.take()
        self.address = place.network.addresses[self.slot]
        self.ports = place.world.ports(workload)
        self.folder = place.folder / f"{name}-{time.monotonic_ns()}"
        self.terminating = False
        self.ready = False
        self.restarts = 0
        self.misses: list[str] = []  # what probes were told that failed
        self.log = self.folder / "log"
        self.volumes = self._volumes()
        for init in self.spec.get("initContainers", []):
            self._run_to_end(init)
        self.process = self._start(self.container)
        self._watch = threading.Thread(target=self._probe)
        self._watch.start()

    # What a container is here: the one place to change for another engine.

    def _start(self, container: dict) -> subprocess.Popen:
        """Nothing of this machine but the program and the volumes is meant for it; paths of its
        mounts stand for the folders of its volumes."""
        fields = {"metadata.name": self.name, "status.podIP": self.address}
        own = settings(self.place.world, container, fields, self.place.secrets)
        own = {k: self.place.names.get(v, self._here(container, v)) for k, v in own.items()}
        user = self.spec["securityContext"]
        words = [self._here(container, expand(w, own)) for w in container["args"]]
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.place.network.space(self.slot),
                 "setpriv", f"--reuid={user['runAsUser']}", f"--regid={user['runAsGroup']}",
                 *NOBODY_ELSE, self.place.binary, *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                env={**own, "PATH": "/usr/bin:/bin"})

    def _here(self, container: dict, text: str) -> str:
        for mount in sorted(container.get("volumeMounts", []), key=lambda m: -len(m["mountPath"])):
            if text == mount["mountPath"] or text.startswith(mount["mountPath"] + "/"):
                return str(self.volumes[mount["name"]]) + text[len(mount["mountPath"]):]
        return text

    def _run_to_end(self, container: dict) -> None:
        """An init container. What is mounted into a volume of it alone is gone afterwards."""
        nested = []
        for mount in container.get("volumeMounts", []):
            if "subPath" in mount:
                into = pathlib.Path(self._here({"volumeMounts": [
                    m for m in container["volumeMounts"] if "subPath" not in m]},
                    mount["mountPath"]))
                shutil.copy(self.volumes[mount["name"]] / mount["subPath"], into)
                os.chown(into, self.spec["securityContext"]["runAsUser"], -1)
                nested.append(into)
        code = self._start(container).wait(60 * PATIENCE)
        assert code == 0, f"{self.name}: {container['name']} ended with {code}: {self.told()}"
        for path in nested:
            path.unlink()

    def _volumes(self) -> dict[str, pathlib.Path]:
        self.folder.mkdir(mode=0o755)
        user = self.spec["securityContext"]
        out = {}
        for volume in self.spec.get("volumes", []):
            path = out[volume["name"]] = self.folder / volume["name"]
            path.mkdir(mode=0o750)
            if "secret" in volume:
                source = self.place.secrets[volume["secret"]["secretName"]]
                items = volume["secret"].get("items") or [
                    {"key": k, "path": k} for k in source]
                for item in items:
                    (path / item["path"]).write_text(source[item["key"]])
                    (path / item["path"]).chmod(volume["secret"].get("defaultMode", 0o644))
                    os.chown(path / item["path"], 0, user["fsGroup"])
            os.chown(path, user["runAsUser"] if "emptyDir" in volume else 0, user["fsGroup"])
        return out

    # Probes

    def _asks(self, kind: str) -> bool:
        probe = self.container[kind]
        get = probe["httpGet"]
        connection = http.client.HTTPConnection(
            self.address, self.ports[get["port"]],
            timeout=probe.get("timeoutSeconds", 1) * PATIENCE)
        try:
            connection.request("GET", get["path"])
            answer = connection.getresponse()
            if 200 <= answer.status < 400:
                return True
            why = f"{answer.status} {answer.read().decode(errors='replace')[:300]}"
        except (OSError, http.client.HTTPException) as error:
            why = repr(error)
        finally:
            connection.close()
        if kind != "startupProbe":
            self.misses.append(f"{time.strftime('%X')} {self.name} {kind}: {why}")
        return False

    def _probe(self) -> None:
        """Startup until it succeeds, then readiness and liveness, as the kubelet does."""
        failed = 0
        while self.is_alive() and not self._asks("startupProbe"):
            failed += 1
            if failed >= self.container["startupProbe"]["failureThreshold"] * PATIENCE:
                return self._kill_for("startupProbe")
            self._pause(self.container["startupProbe"]["periodSeconds"])
        misses = {"readinessProbe": 0, "livenessProbe": 0}
        due = dict.fromkeys(misses, 0.0)
        while self.is_alive():
            for kind in misses:
                if time.monotonic() < due[kind]:
                    continue
                due[kind] = time.monotonic() + self.container[kind]["periodSeconds"]
                misses[kind] = 0 if self._asks(kind) else misses[kind] + 1
                over = misses[kind] >= self.container[kind].get("failureThreshold", 3)
                if kind == "livenessProbe" and over and not self.terminating:
                    return self._kill_for(kind)
                if kind == "readinessProbe" and (over or misses[kind] == 0):
                    self.ready = not over
            self._pause(0.1)
        self.ready = False

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.02)

    def _kill_for(self, kind: str) -> None:
        self.ready = False
        self.restarts += 1
        print(f"{self.name}: killed, its {kind} failed: {self.told()}")
        self.process.kill()

    # Its end

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def delete(self) -> float:
        """As Kubernetes ends a pod: SIGTERM, and SIGKILL after the grace period. @returns how
        long it took; what had to be killed, or did not end with 0, is an error."""
        began = time.monotonic()
        self.terminating = True
        assert "preStop" not in self.container.get("lifecycle", {}), "not done here"
        self.process.send_signal(signal.SIGTERM)
        grace = self.spec["terminationGracePeriodSeconds"]
        try:
            code = self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name}: killed after {grace} s: {self.told()}") from None
        self._forget()
        assert code == 0, f"{self.name} ended with {code}: {self.told()}"
        return time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self) -> None:
        self.ready = False
        self._watch.join()
        if self.slot:
            self.place.give_back(self.slot)
        self.slot = ""

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    # As the checks of a journal want a server

    def client(self, port: str, timeout: float = 10) -> Client:
        return Client(f"{self.address}:{self.ports[port]}", timeout)

    @property
    def admin(self) -> Client:
        return self.client("admin")

    @property
    def query(self) -> Client:
        return self.client("query")
