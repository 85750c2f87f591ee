"""k8s/ renders and fits schemas, every reference resolves; no API server has seen any of it."""
import pathlib
import re
import shutil

import pytest
import yaml

from footfall import ROOT, Server, run
from kubernetes_api import KubernetesApi
from manifest_monitoring import monitoring_faults, way_faults
from manifest_world import World, containers, of, pod_spec, replicas, settings
from manifests import faults, render

K8S = ROOT / "k8s"
EXTERNAL = {"footfall-secrets": {"database-url", "redis-password", "redis-addr", "kafka-broker",
                                 "kafka-username", "kafka-password"}}
# The Secrets that docs/deployment.md has somebody make beforehand.
MADE = {"dev": {"footfall-secrets": {"database-url", "redis-password"},
                "footfall-postgres": {"password"},
                "footfall-authority": {"tls.crt", "tls.key"}},  # by the Job
        "staging": EXTERNAL, "prod": EXTERNAL}
MONITORING = {"footfall-monitoring": {"slack_webhook_url", "grafana_password"}}
POD = {"metadata.name": "footfall-node-0", "status.podIP": "10.0.0.7"}
NODE_PORTS = {"ingestion-external": {30080}, "api-gateway-external": {30081},
              "analytics-external": {30051}, "processor-external": {30082},
              "postgres-external": {30432}, "redis-external": {30079},
              "redpanda-external": {30092, 30644}}
PLAIN = {"ingestion": 8080, "api-gateway": 8081, "analytics": 50051, "processor": 8080,
         "postgres": 5432, "redis": 6379}


def expected(overlay: str, objects: list[dict]) -> list[str]:
    """What this overlay must come to; kustomize ignores a patch that meets nothing."""
    world = World(objects, MADE[overlay])
    parts = {x["metadata"]["name"]: x for x in of(world, "StatefulSet Deployment")}
    tag = "dev" if overlay == "dev" else "0.1.0"
    mine = {f"footfall-{x}" for x in ("node", "gateway", "ingest", "query")}
    least = {x: 2 for x in mine} | {"footfall-node": 3}
    memory = {x: "256Mi" if overlay == "dev" else "512Mi" for x in mine}
    memory["footfall-node"] = {"dev": "256Mi", "staging": "1Gi", "prod": "2Gi"}[overlay]
    own = settings(world, containers(parts["footfall-node"])[0])
    spread = {pod_spec(parts[x])["topologySpreadConstraints"][0]["whenUnsatisfiable"]
              for x in mine}
    seen = {
        "workloads": (set(parts), mine | ({"postgres", "redis", "redpanda"} if overlay == "dev"
                                          else set())),
        "namespace": (of(world, "Namespace")[0]["metadata"]["name"], f"footfall-{overlay}"),
        "images": ({c["image"] for x in mine for c in containers(parts[x], init=True)},
                   {f"footfall:{tag}"}),
        "images of jobs": ({c["image"] for x in of(world, "Job") for c in containers(x, init=True)
                            if c["image"].startswith("footfall")}, {f"footfall:{tag}"}),
        "replicas": ({x: replicas(world, parts[x]) for x in mine}, least),
        "memory": ({x: containers(parts[x])[0]["resources"]["limits"]["memory"] for x in mine},
                   memory),
        "partitions": (own["FOOTFALL_PARTITIONS"], "4" if overlay == "dev" else "12"),
        "copies": (own["KAFKA_REPLICATION_FACTOR"], "1" if overlay == "dev" else "3"),
        "kafka": (own.get("KAFKA_SECURITY_PROTOCOL"), None if overlay == "dev" else "sasl_ssl"),
        "spread": (spread, {"DoNotSchedule" if overlay == "prod" else "ScheduleAnyway"}),
        "scaled": ({x["spec"]["scaleTargetRef"]["name"] for x in of(
            world, "HorizontalPodAutoscaler")}, {"dev": set(), "prod": mine}.get(
                overlay, mine - {"footfall-node"})),
        "authority": ([x["kind"] for x in of(world, "Job Certificate")
                       if x["metadata"]["name"] != "footfall-migrate"],
                      ["Job"] if overlay == "dev" else ["Certificate"]),
        "migration": ([c["args"] for x in of(world, "Job") for c in containers(x)
                       if x["metadata"]["name"] == "footfall-migrate"], [["migrate"]]),
        "node ports": ({x["metadata"]["name"]: {p["nodePort"] for p in x["spec"]["ports"]}
                        for x in of(world, "Service") if x["spec"].get("type") == "NodePort"},
                       NODE_PORTS if overlay == "dev" else {}),
    }
    if overlay == "dev":
        seen["the reference's ports"] = ({x: world.find("Service", x)["spec"]["ports"][0]["port"]
                                          for x in PLAIN}, PLAIN)
    for name, x in parts.items():
        if name in mine:
            seen[f"{name}: surge"] = (x["spec"].get("strategy", {}).get("rollingUpdate"), None
                                      if name == "footfall-node"
                                      else {"maxUnavailable": 0, "maxSurge": 1})
    return [f"expected: {what}: {got}, not {wanted}" for what, (got, wanted) in seen.items()
            if got != wanted]


def of_monitoring(folder: pathlib.Path, overlay: str) -> list[str]:
    """Beside an overlay that it is to watch."""
    world = World(render(folder / "monitoring"), MONITORING)
    nodes = World(render(folder / "overlays" / overlay), MADE[overlay])
    compose = yaml.safe_load((ROOT / "compose/compose.yaml").read_text())
    found = faults(world.objects, MONITORING)
    try:
        return found + [f"monitoring: {x.get('metadata', {}).get('name', '')}: {text}" for x, text
                        in [*monitoring_faults(world, folder / "monitoring", compose),
                            *way_faults(world, nodes)]]
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        return [*found, f"monitoring: {error!r}"]


def problems(overlay: str, folder: pathlib.Path = K8S) -> list[str]:
    if overlay == "monitoring":
        return of_monitoring(folder, "prod")
    objects = render(folder / "overlays" / overlay)
    found = faults(objects, MADE[overlay])
    try:
        return found + expected(overlay, objects)
    except (KeyError, IndexError, AttributeError) as error:
        return [*found, f"expected: {error!r}"]


@pytest.mark.parametrize("overlay", MADE)
def test_nothing_is_wrong(overlay):
    assert problems(overlay) == []


@pytest.mark.parametrize("overlay", MADE)
def test_nothing_is_wrong_with_its_monitoring(overlay):
    assert of_monitoring(K8S, overlay) == []


def test_no_secret_in_git():
    for path in K8S.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert not re.search(r"-----BEGIN|kind: Secret$|secretGenerator", text, re.M), path


SHARED, NODE, NET = "base/pod.yaml", "base/node.yaml", "base/network.yaml"
MIGRATE = "base/migrate.yaml"
DEPENDS, WATCH = "components/dependencies/", "monitoring/kubernetes/"
DEV, STAGING, PROD = (f"overlays/{x}/kustomization.yaml" for x in MADE)
PLANTED = [  # overlay, file, what stands there, what is put there, what is to be found
    ("dev", SHARED, "readinessProbe:", "readynessProbe:", "schema: .*readynessProbe"),
    ("dev", NODE, "maxUnavailable: 1", "maxUnavaliable: 1", "schema: .*maxUnavaliable"),
    ("dev", SHARED, "periodSeconds: 10", 'periodSeconds: "10"', "schema: .*is not of type"),
    ("prod", "components/cert-manager/authority.yaml", "isCA: true", "isCa: true", "schema: "),
    ("dev", NODE, "  selector:\n    matchLabels: {app.kubernetes.io/name: footfall, "
     "app.kubernetes.io/component: node}\n  template", "  selector:\n    matchLabels: {app.kuber"
     "netes.io/name: footfall, app.kubernetes.io/component: nodes}\n  template",
     "selector does not fit its own pods"),
    ("dev", "overlays/dev/services.yaml", "component: query}", "component: queries}",
     "Service analytics.*selector finds no pod"),
    ("staging", "base/query.yaml", "targetPort: grpc", "targetPort: rpc", "port rpc"),
    ("dev", SHARED, "path: /healthz, port: admin", "path: /healthz, port: health",
     "there is no port health"),
    ("dev", SHARED, 'prometheus.io/port: "8082"', 'prometheus.io/port: "9100"', "no such port"),
    ("dev", SHARED, "name: footfall-settings", "name: footfall-setting", "there is no ConfigMap"),
    ("prod", "components/external/pod.yaml", "key: kafka-username", "key: kafka-user",
     "Secret footfall-secrets has no kafka-user"),
    ("dev", SHARED, "secretName: footfall-authority", "secretName: footfall-ca",
     "there is no Secret footfall-ca"),
    ("dev", SHARED, "subPath: ca.key", "subPath: ca-key", "has no ca-key"),
    ("dev", SHARED, "value: /secrets/database-url", "value: /secrets/database", "no volume has"),
    ("dev", SHARED, "value: $(POD_NAME)}", "value: $(POD)}", "not known there"),
    ("dev", SHARED, "serviceAccountName: footfall", "serviceAccountName: foot", "ServiceAccount"),
    ("dev", SHARED, "priorityClassName: footfall", "priorityClassName: high", "PriorityClass"),
    ("dev", NODE, "clusterIP: None", "type: ClusterIP", "no headless Service"),
    ("dev", "overlays/dev/small.yaml", "limits: {memory: 256Mi}", "limits: {memory: 128Mi}",
     "requests more memory"),
    ("dev", SHARED, "/healthz, port: admin}\n            periodSeconds: 10", "/readyz, port: "
     "admin}\n            periodSeconds: 10", "livenessProbe does not ask /healthz"),
    ("dev", NODE, "role=aggregate", "role=ingest", "readinessProbe asks"),
    ("dev", DEPENDS + "redis.yaml", "readinessProbe:", "livenessProbe:", "no readinessProbe"),
    ("dev", SHARED, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30",
     "30 s to end in"),
    ("dev", "base/settings.env", "DRAIN_DELAY_S=5", "DRAIN_DELAY_S=0", "before gateways"),
    ("dev", SHARED, "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"),
    ("dev", MIGRATE, "key: database-url,", "key: database,", "Secret footfall-secrets has no"),
    ("prod", MIGRATE, "      labels: {app.kubernetes.io/name: footfall", "      labels: {app.kubern"
     "etes.io/name: migrate", "it does not reach postgres"),
    ("staging", MIGRATE, "args: [migrate]", "args: [serve]", "expected: migration"),
    ("dev", SHARED, "drop: [ALL]", "drop: [NET_RAW]", "may get more rights"),
    ("dev", SHARED, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable"),
    ("dev", SHARED, "          emptyDir: {medium: Memory, sizeLimit: 1Mi}",
     "          hostPath: {path: /tmp}", "a kind that is not allowed"),
    ("dev", DEPENDS + "redis.yaml", "redis:7.2.5-bookworm", "redis", "has no tag"),
    ("dev", DEV, "newTag: dev", "newTag: latest", "has no tag"),
    ("dev", DEPENDS + "postgres.yaml", "valueFrom: {secretKeyRef: {name: footfall-postgres, "
     "key: password}}", "value: hunter2", "POSTGRES_PASSWORD is written down"),
    ("dev", "base/settings.env", "KAFKA_TOPIC=clicks",
     "KAFKA_TOPIC=clicks\nDATABASE_URL=postgresql://a:b@c/d", "a password in git"),
    ("prod", PROD, "images:", "replicas: [{name: footfall-node, count: 3}]\nimages:",
     "has replicas of its own"),
    ("prod", "components/lag-scaling/scaler.yaml", "name: footfall-node}", "name: footfall-nods}",
     "there is no StatefulSet footfall-nods"),
    ("prod", "components/lag-scaling/scaler.yaml", "maxReplicas: 6", "maxReplicas: 16",
     "more nodes than the 12 partitions"),
    ("dev", NODE, "maxUnavailable: 1", "maxUnavailable: 3", "allows all pods to be away"),
    ("dev", NET, "policyTypes: [Ingress, Egress]\n---", "policyTypes: [Ingress]\n---",
     "nothing denies by default"),
    ("dev", DEPENDS + "network.yaml", "        - {protocol: TCP, port: postgres}\n", "",
     "it does not reach postgres"),
    ("prod", NET, "matchLabels: {app.kubernetes.io/name: prometheus}", "matchLabels: {a: b}",
     "Prometheus does not reach admin"),
    ("prod", NET, "- {protocol: TCP, port: cluster}\n---", "- {protocol: TCP, port: links}\n---",
     "does not reach footfall-gateway at cluster"),
    ("prod", NET, "        - podSelector: {matchLabels: {app.kubernetes.io/name: footfall}}\n"
     "      ports:\n        - {protocol: TCP, port: cluster}\n  egress",
     "        - namespaceSelector: {}\n      ports:\n        - {protocol: TCP, port: cluster}\n"
     "  egress",
     "strangers reach cluster"),
    ("dev", "overlays/dev/services.yaml", "nodePort: 30081", "nodePort: 30088", "node ports"),
    ("dev", DEV, "app.kubernetes.io/name=footfall}", "app.kubernetes.io/name=feetfall}",
     "expected: memory"),
    ("prod", PROD, "  - path: spread.yaml\n    target: {kind: StatefulSet|Deployment",
     "  - path: spread.yaml\n    target: {kind: Daemon", "expected: spread"),
    ("staging", STAGING, "count: 3", "count: 1", "expected: replicas"),
    ("staging", STAGING, "namespace: footfall-staging", "namespace: footfall-prod",
     "expected: namespace"),
    ("monitoring", WATCH + "prometheus.yaml", "livenessProbe:", "liveness:", "schema: .*liveness"),
    ("monitoring", WATCH + "prometheus.yaml", "verbs: [get, list, watch]", "verbs: ['*']",
     "rights: "),
    ("monitoring", WATCH + "prometheus.yaml", "kind: ClusterRole, name: footfall-prometheus",
     "kind: ClusterRole, name: cluster-admin", "there is no ClusterRole cluster-admin"),
    ("monitoring", WATCH + "prometheus.yaml", "name: prometheus, namespace: monitoring",
     "name: default, namespace: monitoring", "there is no ServiceAccount default"),
    ("monitoring", WATCH + "prometheus.yaml", "serviceAccountToken: {path: token",
     "serviceAccountToken: {path: tokens", "of Kubernetes"),
    ("monitoring", WATCH + "prometheus.yaml", "{name: web, port: 9090", "{name: web, port: 9091",
     "nobody is at http://prometheus:9090"),
    ("monitoring", WATCH + "alertmanager.yaml", "labels: {app.kubernetes.io/name: alertmanager}\n "
     "   spec", "labels: {app.kubernetes.io/name: alerts}\n    spec", "Prometheus looks for"),
    ("monitoring", WATCH + "alertmanager.yaml", "path: slack_webhook_url}", "path: slack}",
     "there is no /run/secrets/slack_webhook_url"),
    ("monitoring", WATCH + "alertmanager.yaml", "key: slack_webhook_url,", "key: slack_url,",
     "Secret footfall-monitoring has no slack_url"),
    ("monitoring", WATCH + "alertmanager.yaml", "alertmanager:v0.27.0", "alertmanager:v0.26.0",
     "Compose has the image"),
    ("monitoring", WATCH + "grafana.yaml", "path: alerting/slack.yml", "path: alerts/slack.yml",
     "alerting/slack.yml is not"),
    ("monitoring", "monitoring/kustomization.yaml", "      - grafana/dashboards/ingest.json\n", "",
     "ingest.json is not"),
    ("monitoring", "monitoring/kustomization.yaml", "prometheus.yml=prometheus/kubernetes.yml",
     "prometheus/prometheus.yml", "prometheus.yml is not prometheus/kubernetes.yml"),
    ("monitoring", "monitoring/prometheus/kubernetes.yml", "[recording.yml, alerts.yml]",
     "[recording.yml, alerts.yml, more.yml]", "all files of rules"),
    ("monitoring", WATCH + "network.yaml", "{protocol: TCP, port: admin}",
     "{protocol: TCP, port: 8081}", "does not reach footfall-node at admin"),
    ("monitoring", WATCH + "network.yaml", "[postgres-exporter, redis-exporter]",
     "[postgres-exporter]", "does not reach redis-exporter"),
    ("monitoring", WATCH + "network.yaml", "        - {protocol: TCP, port: 6443}\n", "",
     "does not reach 6443"),
    ("monitoring", WATCH + "network.yaml", "name: grafana}}\n      ports", "name: graphana}}\n     "
     " ports", "does not reach web of prometheus"),
    ("monitoring", WATCH + "network.yaml", "        - podSelector: {matchLabels: {app.kubernetes.io"
     "/name: prometheus}}\n      ports:\n        - {protocol: TCP, port: web}\n  egress:\n    - po"
     "rts", "        - podSelector: {}\n      ports:\n        - {protocol: TCP, port: web}\n  egr"
     "ess:\n    - ports", "neighbour.* reach alertmanager"),
    ("monitoring", NET, "name: prometheus}}\n", "name: prom}}\n", "at admin"),
]


@pytest.mark.parametrize("overlay, file, old, new, told", PLANTED)
def test_a_planted_mistake_is_found(tmp_path, overlay, file, old, new, told):
    shutil.copytree(K8S, tmp_path / "k8s")
    path = tmp_path / "k8s" / file
    text = path.read_text()
    assert old in text, f"{old!r} stands no more in {file}"
    path.write_text(text.replace(old, new))
    found = problems(overlay, tmp_path / "k8s")
    assert any(re.search(told, x) for x in found), f"{told} is not among {found}"


@pytest.mark.parametrize("overlay", MADE)
def test_the_program_knows_every_setting(overlay, tmp_path):
    """As it would start in each pod; files that Kubernetes mounts stand in a folder here."""
    world = World(render(K8S / "overlays" / overlay), MADE[overlay])
    for name in MADE[overlay]["footfall-secrets"]:
        (tmp_path / name).write_text("postgresql://footfall@postgres/footfall"
                                     if name == "database-url" else "some-value")
    values = {"footfall-secrets": {"kafka-broker": "kafka:9093", "kafka-username": "footfall",
                                   "redis-addr": "redis:6379"}}
    for x in of(world, "StatefulSet Deployment Job"):
        for c in containers(x):
            if c["name"] != "footfall":
                continue
            own = {k: v.replace("/secrets/", f"{tmp_path}/") for k, v in settings(
                world, c, POD, values).items() if not k.startswith("POD_")}
            done = run(*c["args"], "--print-config", environment=own)
            assert done.returncode == 0 and done.stderr == "", done
            seen = ("@postgres/footfall",) if x["kind"] == "Job" else (
                own["FOOTFALL_ROLES"], "10.0.0.7:4242")
            assert all(wanted in done.stdout for wanted in seen), done.stdout


def test_a_setting_that_is_misspelt_would_be_found():
    done = run("serve", "--print-config", environment={"FOOTFALL_PARTITION": "4"})
    assert "FOOTFALL_PARTITION is not known" in done.stderr, done


def test_lag_is_a_metric_that_there_is():
    rule, = yaml.safe_load((K8S / "components/lag-scaling/adapter-rule.yaml").read_text())
    scaler = yaml.safe_load((K8S / "components/lag-scaling/scaler.yaml").read_text())
    pods, = (x["pods"] for x in scaler["spec"]["metrics"] if x["type"] == "Pods")
    assert pods["metric"]["name"] == rule["name"]["as"]
    with Server() as server:
        told = server.admin.get("/metrics").text
    assert f"\n{rule['seriesQuery'].split('{')[0]}{{" in told


def test_the_job_makes_an_authority_once(tmp_path):
    """Its script and the program, on a stand-in of the API: what the pods then do with it."""
    job = yaml.safe_load_all((K8S / "components/authority-job/job.yaml").read_text())
    spec = pod_spec(next(x for x in job if x["kind"] == "Job"))
    script = K8S / "components/authority-job/keep-authority.sh"
    with KubernetesApi(tmp_path) as api:
        for number, told in enumerate(("made the Secret", "is there already")):
            authority = tmp_path / f"authority{number}"
            words = [w.replace("/authority", str(authority))
                     for w in spec["initContainers"][0]["args"]]
            assert run(*words).returncode == 0
            done = api.run(script, AUTHORITY=str(authority))
            assert done.returncode == 0 and told in done.stdout, done
        assert len(api.secrets) == 1
        kept = api.secrets["footfall-authority"]
        assert kept["tls.crt"] == (tmp_path / "authority0/ca.pem").read_bytes()
        assert kept["tls.key"] == (tmp_path / "authority0/ca.key").read_bytes()
        api.refuses = True
        done = api.run(script, AUTHORITY=str(tmp_path / "authority0"))
        assert done.returncode == 1 and "403" in done.stderr, done
