#!/usr/bin/env python3
"""Writes footfall.1 and the completions of bash from what the program itself says.

usage: package/manual.py BINARY DATE FOLDER
"""
from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
import sys

TOP, DEEP = re.compile(r"^  (\S.*?)(?:\s{2,}(\S.*))?$"), re.compile(r"^\s{20,}(\S.*)$")


@dataclasses.dataclass
class Help:
    sentence: str
    usage: str
    sections: dict[str, list[tuple[str, str]]]  # "Options": what to write, what it means.
    ending: list[str]


def read_help(text: str) -> Help:
    lines = text.splitlines()
    out = Help(lines[0], lines[1].partition(" ")[2], {}, [])
    rows: list[tuple[str, str]] | None = None
    for line in lines[2:]:
        if line.endswith(":") and not line.startswith(" "):
            rows = out.sections.setdefault(line[:-1], [])
        elif rows is not None and (deep := DEEP.match(line)):
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {deep[1]}".strip())
        elif rows is not None and (row := TOP.match(line)):
            rows.append((row[1], row[2] or ""))
        elif line.strip():
            out.ending.append(line.strip())
    return out


def ask(binary: str, *words: str) -> str:
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    return subprocess.run([binary, *words], check=True, capture_output=True, text=True,
                          env=clean).stdout


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def rows_of(rows: list[tuple[str, str]]) -> list[str]:
    return [line for head, text in rows
            for line in (".TP", f".B {roff(head)}", roff(text) if text else "\\&")]


def manual(binary: str, date: str) -> tuple[str, dict[str, list[str]]]:
    """The page, and the flags of each subcommand."""
    version = ask(binary, "--version").split()[1]
    whole = read_help(ask(binary, "--help"))
    commands = whole.sections["Subcommands"]
    title, _, what = whole.sentence.partition(": ")
    page = [f'.TH FOOTFALL 1 "{date}" "footfall {version}" "User Commands"',
            ".SH NAME", f"{title.lower()} \\- {roff(what)}",
            ".SH SYNOPSIS", ".B footfall", ".I subcommand", "[options]",
            ".SH SUBCOMMANDS", *rows_of(commands)]
    flags = {}
    for name, _ in commands:
        one = read_help(ask(binary, name, "--help"))
        usage = re.sub(r"^\S*footfall", "footfall", one.usage)
        page += [f".SH FOOTFALL {name.upper()}", f"{roff(one.sentence)}.", ".PP",
                 f".B {roff(usage)}"]
        for section, rows in one.sections.items():
            page += [f".SS {section}", *rows_of(rows)]
        page += [line for text in one.ending for line in (".PP", roff(text))]
        flags[name] = re.findall(r"--[a-z][a-z-]*",
                                 " ".join(head for head, _ in one.sections["Options"]))
    page += [".SH FILES", ".TP", ".I /etc/default/footfall", "Settings of the service.",
             ".TP", ".I /var/lib/footfall", "Log and store of the service."]
    return "\n".join(page) + "\n", flags


def completions(flags: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {name}) words='{' '.join(words)}' ;;" for name, words in flags.items())
    return f"""# What footfall takes, for bash; made from its --help.
_footfall() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words
  case ${{COMP_WORDS[1]}} in
{cases}
    *) words='{' '.join(flags)} --help --version' ;;
  esac
  ((COMP_CWORD > 1)) || words='{' '.join(flags)} --help --version'
  if [[ $COMP_CWORD -gt 1 && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}}
complete -o filenames -F _footfall footfall
"""


def main() -> int:
    binary, date, folder = sys.argv[1:]
    page, flags = manual(binary, date)
    pathlib.Path(folder, "footfall.1").write_text(page)
    pathlib.Path(folder, "footfall.bash").write_text(completions(flags))
    return 0


if __name__ == "__main__":
    sys.exit(main())
