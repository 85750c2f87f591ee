"""k8s/monitoring: does each program find its files, its neighbours, and nothing else?"""
from __future__ import annotations

import json
import pathlib
from typing import Iterator

import yaml

from manifest_network import (CLIENTS, DNS, INTERNET, NEIGHBOUR, SERVER, STRANGER, End, allows,
                              pods, reaches)
from manifest_world import Fault, World, containers, of, pod_spec

PROGRAMS = ("prometheus", "alertmanager", "grafana")
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# Where a program reads what file of k8s/monitoring.
FILES = {"prometheus": {"/etc/prometheus/prometheus.yml": "prometheus/kubernetes.yml",
                        "/etc/prometheus/recording.yml": "prometheus/recording.yml",
                        "/etc/prometheus/alerts.yml": "prometheus/alerts.yml"},
         "alertmanager": {"/etc/alertmanager/alertmanager.yml": "alertmanager/alertmanager.yml",
                          "/etc/alertmanager/slack.tmpl": "alertmanager/slack.tmpl"},
         "grafana": {f"/etc/grafana/provisioning/{x}": f"grafana/provisioning/{x}" for x in (
             "datasources/prometheus.yml", "dashboards/footfall.yml", "alerting/slack.yml")}}
LIMIT = 256 << 10  # Of annotations, one of which is `kubectl apply`'s copy of the object.


def files(world: World, workload: dict) -> dict[str, str | None]:
    """Paths in its one container, with the text; None: a secret or a token."""
    found: dict[str, str | None] = {}
    volumes = {x["name"]: x for x in pod_spec(workload).get("volumes", [])}
    for mount in containers(workload)[0].get("volumeMounts", []):
        volume = volumes.get(mount["name"], {})
        if "configMap" in volume:
            source, kind = volume["configMap"], "ConfigMap"
            data = (world.find(kind, source["name"]) or {}).get("data", {})
        elif "secret" in volume:
            source = volume["secret"]
            data = dict.fromkeys(world.made.get(source["secretName"], ()))
        elif "projected" in volume:
            source = {}
            data = {path: None for part in volume["projected"]["sources"]
                    for path in ([part["serviceAccountToken"]["path"]] if "serviceAccountToken"
                                 in part else [x["path"] for x in next(iter(part.values()))[
                                     "items"]])}
        else:
            continue
        for item in source.get("items") or [{"key": x, "path": x} for x in data]:
            found[f"{mount['mountPath']}/{item['path']}"] = data.get(item["key"])
    return found


def file_faults(world: World, folder: pathlib.Path) -> Iterator[Fault]:
    for name in PROGRAMS:
        x = world.find("StatefulSet", name)
        has = files(world, x)
        wanted = dict(FILES[name])
        if name == "grafana":
            provider, = yaml.safe_load((folder / wanted[
                "/etc/grafana/provisioning/dashboards/footfall.yml"]).read_text())["providers"]
            wanted |= {f"{provider['options']['path']}/{x.name}": f"grafana/dashboards/{x.name}"
                       for x in folder.glob("grafana/dashboards/*.json")}
        for path, source in wanted.items():
            if has.get(path) != (folder / source).read_text():
                yield x, f"{path} is not {source}"
        for path in ["/run/secrets/slack_webhook_url"] * (name != "prometheus"):
            if path not in has:
                yield x, f"there is no {path}"
        words = " ".join(containers(x)[0].get("args", []))
        if name != "grafana" and f"--config.file={next(iter(FILES[name]))}" not in words:
            yield x, "it reads another configuration"
        tokens = {path for path in has if path.startswith(ACCOUNT)}
        if tokens != ({f"{ACCOUNT}/{x}" for x in ("token", "ca.crt", "namespace")}
                      if name == "prometheus" else set()):
            yield x, f"it has {sorted(tokens)} of Kubernetes"
    read = yaml.safe_load((folder / "prometheus/kubernetes.yml").read_text())
    if {f"/etc/prometheus/{x}" for x in read["rule_files"]} - FILES["prometheus"].keys():
        yield world.find("StatefulSet", "prometheus"), "it does not get all files of rules"
    for x in of(world, "ConfigMap"):
        if len(json.dumps(x)) > LIMIT:
            yield x, "too large for kubectl apply"


def right_faults(world: World) -> Iterator[Fault]:
    """Prometheus may find pods; that is all."""
    rules = [rule for x in of(world, "ClusterRole Role") for rule in x["rules"]]
    if [(x["apiGroups"], x["resources"], sorted(x["verbs"])) for x in rules] \
            != [([""], ["pods"], ["get", "list", "watch"])]:
        yield {}, f"rights: {rules}"
    account = pod_spec(world.find("StatefulSet", "prometheus")).get("serviceAccountName")
    subjects = [(y["kind"], y["name"], y.get("namespace"))
                for x in of(world, "ClusterRoleBinding") for y in x["subjects"]]
    if subjects != [("ServiceAccount", account, "monitoring")]:
        yield {}, f"rights are given to {subjects}"


def discovery_faults(world: World, folder: pathlib.Path) -> Iterator[Fault]:
    """Each finds the next one, by name or by label and port."""
    alertmanager = world.find("StatefulSet", "alertmanager")
    read = yaml.safe_load((folder / "prometheus/kubernetes.yml").read_text())
    rule, = read["alerting"]["alertmanagers"][0]["relabel_configs"]
    name, port = rule["regex"].split(";")
    if pods(alertmanager).labels.get("app.kubernetes.io/name") != name \
            or port not in world.ports(alertmanager):
        yield alertmanager, f"Prometheus looks for {rule['regex']}"
    source, = yaml.safe_load((folder / "grafana/provisioning/datasources/prometheus.yml")
                             .read_text())["datasources"]
    host, _, number = source["url"].removeprefix("http://").partition(":")
    service = world.find("Service", host)
    if not service or int(number) not in [x["port"] for x in service["spec"]["ports"]] \
            or int(number) not in world.ports(world.find("StatefulSet", "prometheus")).values():
        yield world.find("StatefulSet", "grafana"), f"nobody is at {source['url']}"


def way_faults(world: World, nodes: World) -> Iterator[Fault]:
    """`nodes`: an overlay with Footfall in it, in its own namespace."""
    prometheus, alertmanager, grafana = (world.find("StatefulSet", x) for x in PROGRAMS)
    space = of(nodes, "Namespace")[0]["metadata"]["name"]
    here, there = ({"kubernetes.io/metadata.name": x} for x in ("monitoring", space))
    for x in of(nodes, "StatefulSet Deployment"):
        names = nodes.ports(x)
        if "admin" in names and pods(x).labels["app.kubernetes.io/name"] == "footfall" and not (
                allows(world, "Egress", pods(prometheus), End(pods(x).labels, there),
                       names["admin"], names)
                and allows(nodes, "Ingress", pods(x), End(pods(prometheus).labels, here),
                           names["admin"], names)):
            yield prometheus, f"it does not reach {x['metadata']['name']} at admin"
    for kind in ("postgres", "redis"):
        exporter = End({"app.kubernetes.io/name": f"{kind}-exporter"}, there)
        if not allows(world, "Egress", pods(prometheus), exporter, 9000, {"metrics": 9000}):
            yield prometheus, f"it does not reach {kind}-exporter"
    open_ways = [(prometheus, alertmanager, "web"), (grafana, prometheus, "web"),
                 (prometheus, SERVER, 443), (prometheus, SERVER, 6443),
                 (alertmanager, INTERNET, 443), (grafana, INTERNET, 443)]
    for one, other, port in open_ways:
        if not reaches(world, pods(one), other, port):
            yield one, f"it does not reach {port} of {name_of(other)}"
    shut = [(End(pods(x).labels), y) for x, y in (
        (alertmanager, prometheus), (grafana, alertmanager), (prometheus, grafana))]
    shut += [(x, y) for x in (STRANGER, NEIGHBOUR, CLIENTS, DNS)
             for y in (prometheus, alertmanager, grafana)]
    for one, other in shut:
        names = world.ports(other)
        if allows(world, "Ingress", pods(other), one, names["web"], names):
            yield {}, f"{one.labels or 'strangers'} reach {name_of(other)}"
    for x in (prometheus, alertmanager, grafana):
        if reaches(world, pods(x), SERVER, 5432):
            yield x, "it reaches a database"


def name_of(end: dict | End) -> str:
    return end["metadata"]["name"] if isinstance(end, dict) else end.address


def image_faults(world: World, compose: dict) -> Iterator[Fault]:
    """The same as in Compose, by its defaults."""
    for name in PROGRAMS:
        x = world.find("StatefulSet", name)
        if f":-{containers(x)[0]['image']}}}" not in compose["services"][name]["image"]:
            yield x, f"Compose has the image {compose['services'][name]['image']}"


def monitoring_faults(world: World, folder: pathlib.Path, compose: dict) -> Iterator[Fault]:
    yield from file_faults(world, folder)
    yield from right_faults(world)
    yield from discovery_faults(world, folder)
    yield from image_faults(world, compose)
