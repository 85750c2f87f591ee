"""What kustomize renders, and what is wrong with it, found without a Kubernetes.

    objects = render("k8s/overlays/dev")
    assert not faults(objects)
"""
from __future__ import annotations

import functools
import json
import pathlib
import re
import subprocess
import sys
from typing import Iterator

import importlib_resources
import jsonschema
import yaml
from referencing import Registry, Resource

from manifest_network import network_faults
from manifest_references import references
from manifest_world import Fault, World, containers, of, pod_spec, replicas, settings

KUBERNETES = "1.37.0"
WHOLE = "StatefulSet Deployment Job"
# Kubernetes has no schema of these; so much of cert-manager's own is used here.
TEXT, TRUE = {"type": "string"}, {"const": True}


def record(**fields) -> dict:
    return {"type": "object", "properties": fields, "additionalProperties": False,
            "required": list(fields)}


FOREIGN = {
    "Issuer": record(selfSigned=record()),
    "Certificate": record(
        isCA=TRUE, commonName=TEXT, subject=record(organizations={"type": "array"}),
        secretName=TEXT, duration=TEXT, renewBefore=TEXT,
        privateKey=record(algorithm={"const": "ECDSA"}, size={"const": 256},
                          encoding={"const": "PKCS8"}, rotationPolicy={"const": "Never"}),
        issuerRef=record(name=TEXT, kind={"const": "Issuer"},
                         group={"const": "cert-manager.io"}))}


def render(folder: str | pathlib.Path) -> list[dict]:
    kubectl = pathlib.Path(sys.executable).parent / "kubectl"
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True,
                          timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"kubectl kustomize {folder}: {done.stderr}")
    return [x for x in yaml.safe_load_all(done.stdout) if x]


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator | None:
    folder = importlib_resources.files("kubernetes_validate").joinpath(
        f"kubernetes-json-schema/v{KUBERNETES}-local-strict")
    if not (folder / f"{name}.json").is_file():
        return None
    schema = json.loads((folder / f"{name}.json").read_text())
    registry = Resource.from_contents(schema) @ definitions(folder)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def definitions(folder) -> Registry:
    return Resource.from_contents(
        json.loads((folder / "_definitions.json").read_text())) @ Registry()


@functools.lru_cache(maxsize=4096)
def schema_faults(text: str) -> list[str]:
    """Of an object as JSON: most are the same in many renderings."""
    x = json.loads(text)
    version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", x["apiVersion"])
    if x["apiVersion"] == "cert-manager.io/v1" and x["kind"] in FOREIGN:
        check, x = jsonschema.Draft202012Validator(FOREIGN[x["kind"]]), x["spec"]
    else:
        check = validator(f"{x['kind'].lower()}-{version}")
    if check is None:
        return [f"no schema of {x['apiVersion']} {x['kind']}"]
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in check.iter_errors(x)]


def schemas(world: World) -> Iterator[Fault]:
    for x in world.objects:
        for text in schema_faults(json.dumps(x, sort_keys=True)):
            yield x, f"schema: {text}"


def names(world: World) -> Iterator[Fault]:
    seen = set()
    spaces = of(world, "Namespace")
    if len(spaces) != 1:
        yield {}, "there is not one Namespace"
    for x in world.objects:
        key = x["kind"], x["metadata"].get("namespace"), x["metadata"]["name"]
        if key in seen:
            yield x, "is there twice"
        seen.add(key)
        if x["kind"] in ("Namespace", "PriorityClass", "ClusterRole", "ClusterRoleBinding"):
            continue
        if x["metadata"].get("namespace") != spaces[0]["metadata"]["name"]:
            yield x, f"is in the namespace {x['metadata'].get('namespace')}"


def selectors(world: World) -> Iterator[Fault]:
    for x in of(world, WHOLE):
        template = x["spec"]["template"]["metadata"].get("labels", {})
        wanted = x["spec"].get("selector", {}).get("matchLabels", {})
        if x["kind"] != "Job" and (not wanted or not wanted.items() <= template.items()):
            yield x, "its selector does not fit its own pods"
        for spread in pod_spec(x).get("topologySpreadConstraints", []):
            if not spread.get("labelSelector", {}).get("matchLabels", {}).items() \
                    <= template.items():
                yield x, "it is spread by labels that its pods lack"
    for x in of(world, "Service"):
        if not world.pods({"matchLabels": x["spec"].get("selector") or {"": ""}}):
            yield x, "its selector finds no pod"
    for x in of(world, "PodDisruptionBudget"):
        if len(world.pods(x["spec"]["selector"])) != 1:
            yield x, "its selector does not find one workload"


def ports(world: World) -> Iterator[Fault]:
    for x in of(world, "Service"):
        for pod in world.pods({"matchLabels": x["spec"].get("selector", {})}):
            for port in x["spec"]["ports"]:
                if port.get("targetPort") not in world.ports(pod):
                    yield x, f"port {port.get('targetPort')}: {pod['metadata']['name']} has none"
    for x in of(world, WHOLE):
        for c in containers(x):
            own = {p["name"] for p in c.get("ports", [])}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = c.get(kind, {}).get("httpGet") or c.get(kind, {}).get("tcpSocket") or {}
                if asked and asked.get("port") not in own:
                    yield x, f"{kind}: there is no port {asked.get('port')}"
        notes = x["spec"]["template"]["metadata"].get("annotations", {})
        numbers = {str(p["containerPort"]) for c in containers(x) for p in c.get("ports", [])}
        if notes.get("prometheus.io/port", "") not in numbers | {""}:
            yield x, f"prometheus.io/port {notes['prometheus.io/port']}: no such port"


def resources(world: World) -> Iterator[Fault]:
    def number(text: str | int) -> float:
        value, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()
        return float(value) * {"": 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30}[unit]

    for x in of(world, WHOLE):
        for c in containers(x, init=True):
            asked = c.get("resources", {}).get("requests", {})
            most = c.get("resources", {}).get("limits", {})
            if not {"cpu", "memory"} <= asked.keys() or "memory" not in most:
                yield x, f"{c['name']}: it has no requests of CPU and memory, or no limit"
            for kind in asked.keys() & most.keys():
                if number(asked[kind]) > number(most[kind]):
                    yield x, f"{c['name']}: it requests more {kind} than its limit"
            if asked.get("memory") != most.get("memory"):
                yield x, f"{c['name']}: request and limit of memory differ"


def probes(world: World) -> Iterator[Fault]:
    for x in of(world, "StatefulSet Deployment"):
        for c in containers(x):
            missing = [k for k in ("startupProbe", "readinessProbe") if k not in c]
            if missing:
                yield x, f"{c['name']}: no {', '.join(missing)}"
            if not is_footfall(c):
                continue
            for kind in ("startupProbe", "livenessProbe"):
                if c.get(kind, {}).get("httpGet", {}).get("path") != "/healthz":
                    yield x, f"{kind} does not ask /healthz"
            roles = settings(world, c).get("FOOTFALL_ROLES", "").split(",")
            path = c.get("readinessProbe", {}).get("httpGet", {}).get("path", "")
            role = path.removeprefix("/readyz?role=")
            if role not in roles or role == path:
                yield x, f"readinessProbe asks {path} of a pod with the roles {roles}"
            if not 1 < c["startupProbe"].get("failureThreshold", 3) * c["startupProbe"].get(
                    "periodSeconds", 10) <= 300:
                yield x, "startupProbe waits too short or too long"


def is_footfall(container: dict) -> bool:
    return container["name"] == "footfall"


def ends(world: World) -> Iterator[Fault]:
    """A pod is not killed before the program has ended by itself."""
    for x in of(world, "StatefulSet Deployment"):
        for c in filter(is_footfall, containers(x)):
            own = settings(world, c)
            # app/serve.cpp: 10 s after the drain's time it ends hard; 3 s to give away before.
            needed = int(own["FOOTFALL_DRAIN_DELAY_S"]) + int(own["FOOTFALL_DRAIN_TIMEOUT_S"]) + 13
            given = pod_spec(x).get("terminationGracePeriodSeconds", 30)
            if given <= needed:
                yield x, f"{given} s to end in, and it may take {needed}"
            if int(own["FOOTFALL_DRAIN_DELAY_S"]) < 2:
                yield x, "it ends before gateways and balancers know"


def security(world: World) -> Iterator[Fault]:
    """As the standard `restricted` asks, and a root file system that is read only."""
    for x in of(world, "Namespace"):
        if x["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield x, "pods need not be restricted"
    for x in of(world, WHOLE):
        spec = pod_spec(x)
        pod = spec.get("securityContext", {})
        if pod.get("runAsNonRoot") is not True or not pod.get("runAsUser"):
            yield x, "it may run as root"
        if pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield x, "no seccompProfile"
        if spec.get("automountServiceAccountToken") is not False:
            yield x, "it is given a token of Kubernetes"
        if any(k in spec for k in ("hostNetwork", "hostPID", "hostIPC")):
            yield x, "it is in a namespace of the host"
        for volume in spec.get("volumes", []):
            if not volume.keys() & {"emptyDir", "secret", "configMap", "projected"}:
                yield x, f"volume {volume['name']}: a kind that is not allowed"
        for c in containers(x, init=True):
            own = c.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False \
                    or own.get("capabilities", {}) != {"drop": ["ALL"]}:
                yield x, f"{c['name']}: it may get more rights"
            if own.get("readOnlyRootFilesystem") is not True:
                yield x, f"{c['name']}: its root file system is writable"


def images(world: World) -> Iterator[Fault]:
    for x in of(world, WHOLE):
        for c in containers(x, init=True):
            tag = c["image"].rpartition("/")[2].partition(":")[2]
            if "@sha256:" not in c["image"] and tag in ("", "latest"):
                yield x, f"{c['name']}: the image {c['image']} has no tag"


def secrets(world: World) -> Iterator[Fault]:
    for x in world.objects:
        if x["kind"] == "Secret":
            yield x, "a Secret in git"
        if re.search(r"-----BEGIN|postgres(ql)?://[^\"]*:[^\"]*@", json.dumps(x)):
            yield x, "a key or a password in git"
    for x in of(world, WHOLE):
        for c in containers(x, init=True):
            for env in c.get("env", []):
                if re.search(r"PASSWORD|TOKEN|SECRET|DATABASE_URL", env["name"]) \
                        and "value" in env and not env["name"].endswith("_FILE"):
                    yield x, f"{env['name']} is written down"
    for x in of(world, "ConfigMap"):
        for name in x.get("data", {}):
            if re.search(r"PASSWORD$|TOKEN|DATABASE_URL$", name):
                yield x, f"{name} is written down"


def scaling(world: World) -> Iterator[Fault]:
    scaled = set()
    for x in of(world, "HorizontalPodAutoscaler"):
        to = x["spec"]["scaleTargetRef"]
        target = world.find(to["kind"], to["name"])
        if target is None:
            yield x, f"there is no {to['kind']} {to['name']}"
            continue
        scaled.add((to["kind"], to["name"]))
        if "replicas" in target["spec"]:
            yield x, f"{to['name']} has replicas of its own, which each apply would bring back"
        if x["spec"]["minReplicas"] > x["spec"]["maxReplicas"]:
            yield x, "the least is more than the most"
        own = settings(world, containers(target)[0])
        if "aggregate" in own["FOOTFALL_ROLES"] \
                and x["spec"]["maxReplicas"] > int(own["FOOTFALL_PARTITIONS"]):
            yield x, f"more nodes than the {own['FOOTFALL_PARTITIONS']} partitions"
    for x in of(world, "StatefulSet Deployment"):
        if "replicas" not in x["spec"] and (x["kind"], x["metadata"]["name"]) not in scaled:
            yield x, "neither replicas nor a HorizontalPodAutoscaler"
    for x in of(world, "PodDisruptionBudget"):
        for target in world.pods(x["spec"]["selector"]):
            if x["spec"].get("maxUnavailable", 0) >= replicas(world, target) \
                    or x["spec"].get("minAvailable", 0) >= replicas(world, target):
                yield x, "it allows all pods to be away, or none"


def faults(objects: list[dict], made: dict[str, set[str]] | None = None) -> list[str]:
    """`made`: the Secrets that somebody makes beforehand, with their keys."""
    world = World(objects, made or {})
    checks = (schemas, names, selectors, ports, resources, probes, ends, security, images,
              secrets, scaling, references, network_faults)
    out = []
    for check in checks:
        try:
            out += [f"{x.get('kind', '')} {x.get('metadata', {}).get('name', '')}: {text}"
                    for x, text in check(world)]
        except KeyError as error:  # What it is about is not there, as another check says.
            out.append(f"{check.__name__}: there is no {error}")
    return out
