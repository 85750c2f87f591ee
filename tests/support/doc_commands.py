"""The commands of a section of docs/deployment.md, as somebody who reads it would run them."""
from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil

from engine import COMPOSE, Engine
from footfall import ROOT


def commands(section: str) -> list[str]:
    """What stands in the sh blocks below "## section", in order."""
    loader = importlib.machinery.SourceFileLoader("readme", str(ROOT / "scripts/check-readme"))
    reader = importlib.util.module_from_spec(importlib.util.spec_from_loader("readme", loader))
    loader.exec_module(reader)
    text = (ROOT / "docs/deployment.md").read_text().split(f"\n## {section}\n")[1]
    return [command for _, command in reader.commands(text.split("\n## ")[0])]


class Reader:
    """Runs commands against an engine, in its network, with a docker that has Compose."""

    def __init__(self, engine: Engine, folder: pathlib.Path, replaced: dict[str, str]):
        """`replaced`: what cannot be as it stands there, and what it becomes."""
        # curl takes one of the two ways to fail.
        self.engine, self.replaced = engine, {
            " --fail ": " ", "curl ": "curl --fail-with-body -sS ", **replaced}
        plugins = folder / "docker/cli-plugins"
        plugins.mkdir(parents=True)
        shutil.copy(COMPOSE, plugins)
        self.environment = {"DOCKER_HOST": engine.host, "DOCKER_CONFIG": str(plugins.parent),
                            "SECRETS": str(folder / "secrets"), "PATH": os.environ["PATH"]}

    def run(self, section: str) -> int:
        """How many commands there were; each must end with 0."""
        found = commands(section)
        for command in found:
            typed = command
            for old, new in self.replaced.items():
                typed = typed.replace(old, new)
            settings = [f"{name}={value}" for name, value in self.environment.items()]
            done = self.engine.run("env", "--chdir", ROOT, *settings, "bash", "-euo", "pipefail",
                                   "-c", typed, seconds=300)
            assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        return len(found)
