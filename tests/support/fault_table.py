"""Prints what the rows of a fault run came to, as a table for docs/reliability.md.

usage: fault_table.py RESULTS"""
import json
import sys

TITLES = ["row", "fault", "passed", "acknowledged", "unknown", "rejected", "stored",
          "lost, twice, phantom", "others run it after", "moves", "oldest live answer", ""]


def span(values: list[float], digits: int = 2, unit: str = " s") -> str:
    if not values:
        return ""
    told = [f"{x:.{digits}f}" for x in (min(values), max(values))]
    return (told[0] if told[0] == told[1] else "-".join(told)) + unit


def line(row: str, runs: list[dict]) -> list[str]:
    ended = [x for x in runs if "stored" in x]  # The others did not come to their end.

    def total(name: str) -> str:
        return f"{sum(x[name] for x in ended):,}" if ended else ""

    taken = [second for x in runs for second in x["taken"]]
    passed = f"{sum(x['passed'] for x in runs)} of {len(runs)}"
    return [row, runs[0]["fault"], passed, total("acknowledged"), total("unknown"),
            total("rejected"), total("stored"),
            ", ".join(total(x) for x in ("lost", "twice", "phantom") if ended),
            span(taken), span([x["moves"] for x in ended], 0, ""),
            span([x["oldest"] for x in ended]),
            "; ".join("; ".join(x["notes"]) for x in runs if x["notes"])]


def main() -> int:
    with open(sys.argv[1]) as file:
        found = [json.loads(text) for text in file]
    rows: dict[str, list[dict]] = {}
    for x in sorted(found, key=lambda x: (x["number"], x["seed"])):
        rows.setdefault(x["row"], []).append(x)
    table = [TITLES, ["---", "---"] + ["---:"] * (len(TITLES) - 3) + ["---"]]
    table += [line(row, runs) for row, runs in rows.items()]
    for cells in table:
        print("| " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
