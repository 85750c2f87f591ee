"""Configuration, rules, routes and templates by promtool and amtool; unproven: see alerts."""
import json
import re

import pytest
import yaml

import monitoring
from footfall import ROOT
from monitoring import FOLDER, check

PROMETHEUS, ALERTMANAGER = FOLDER / "prometheus", FOLDER / "alertmanager"
CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))


def test_promtool_takes_configuration_and_rules():
    told = check("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert "2 rule files found" in told
    assert f"{len(monitoring.rules('alerts'))} rules found" in told


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_promtool_sees_alerts_fire_and_stay_quiet(path):
    check("promtool", "test", "rules", path)


def test_every_alert_has_a_firing_and_a_quiet_case():
    firing, quiet = set(), set()
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for x in case["alert_rule_test"]:
                (firing if x["exp_alerts"] else quiet).add(x["alertname"])
    alerts = set(monitoring.alerts())
    assert firing == alerts and quiet == alerts, (alerts - firing, alerts - quiet)


def test_every_alert_says_what_to_do():
    anchors = monitoring.anchors(monitoring.RUNBOOKS.read_text())
    assert len(monitoring.alerts()) >= 20
    for name, rule in monitoring.alerts().items():
        assert rule["labels"] == {"severity": rule["labels"]["severity"]}, name
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook_url"}, name
        page, _, anchor = notes["runbook_url"].partition("#")
        assert ROOT / page == monitoring.RUNBOOKS and anchor == name.lower(), name
        assert anchor in anchors, f"docs/operations.md has no section {name}"
    sections = {x for x in anchors if x.startswith("footfall")}
    assert sections == {x.lower() for x in monitoring.alerts()}, "a section without an alert"


def test_amtool_takes_configuration_and_routes():
    config = ALERTMANAGER / "alertmanager.yml"
    assert "1 templates" in check("amtool", "check-config", config)
    for severity in ("critical", "warning"):
        check("amtool", "config", "routes", "test", f"--config.file={config}",
              "--verify.receivers=slack", "alertname=Any", f"severity={severity}")


def test_inhibitions_name_alerts_that_exist():
    tree = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text())
    for rule in tree["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            name, pattern = re.fullmatch(r'alertname(=~?)"(.*)"', matcher).groups()
            for part in pattern.split("|") if name == "=~" else [pattern]:
                assert any(re.fullmatch(part, x) for x in monitoring.alerts()), part
                assert name == "=~" or "*" not in part
        assert not any(source == target for source in rule["source_matchers"]
                       for target in rule["target_matchers"])


def render(template: str, data: dict, folder) -> str:
    path = folder / "data.json"
    path.write_text(json.dumps(data))
    return check("amtool", "template", "render",
                 f"--template.glob={ALERTMANAGER}/slack.tmpl", f"--template.data={path}",
                 f"--template.text={{{{ template \"{template}\" . }}}}")


def test_the_template_says_what_happened(tmp_path):
    notes = {"summary": "n1 is down", "description": "No answer.", "runbook_url": "doc#x"}
    labels = {"alertname": "FootfallNodeDown", "namespace": "shop", "severity": "critical"}
    alert = {"labels": labels, "annotations": notes, "startsAt": "2026-11-29T10:00:00Z",
             "endsAt": "2026-11-29T10:05:00Z"}
    data = {"status": "firing", "groupLabels": labels, "commonLabels": labels,
            "alerts": [{**alert, "status": "firing"}, {**alert, "status": "resolved"}]}
    assert render("footfall.title", data, tmp_path).strip() \
        == "[FIRING critical] FootfallNodeDown in shop (1 firing, 1 resolved)"
    text = render("footfall.text", data, tmp_path)
    for part in ("*n1 is down* since 10:00:00 UTC", "No answer.", "What to do: doc#x",
                 "Resolved at 10:05:00 UTC: n1 is down"):
        assert part in text, text
    assert render("footfall.color", data, tmp_path).strip() == "danger"
    over = {**data, "status": "resolved", "alerts": data["alerts"][1:]}
    assert render("footfall.title", over, tmp_path).strip() == "[RESOLVED] FootfallNodeDown in shop"
    assert render("footfall.color", over, tmp_path).strip() == "good"


def test_kubernetes_scrapes_as_compose_does():
    """Its discovery is tried in test_alerts.py; what it shares must be the same."""
    here, there = (yaml.safe_load((PROMETHEUS / name).read_text())
                   for name in ("prometheus.yml", "kubernetes.yml"))
    assert here["global"] == there["global"] and here["rule_files"] == there["rule_files"]
    assert [x["job_name"] for x in here["scrape_configs"]] \
        == [x["job_name"] for x in there["scrape_configs"]]


def test_dashboards_are_what_their_script_writes():
    check(ROOT / "scripts/dashboards", "--check", cwd=ROOT)
