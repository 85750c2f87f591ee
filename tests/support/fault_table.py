"""Prints what the rows of a fault run came to, as a table for docs/reliability.md.

usage: fault_table.py RESULTS"""
import json
import sys

TITLES = ["row", "fault", "runs", "acknowledged", "unknown", "rejected", "stored",
          "lost, twice, phantom", "others run it after", "moves", "oldest live answer", ""]


def span(values: list[float], digits: int = 2) -> str:
    told = [f"{x:.{digits}f}" for x in (min(values), max(values))]
    return told[0] if told[0] == told[1] else "-".join(told)


def line(row: str, runs: list[dict]) -> list[str]:
    def total(name: str) -> str:
        return f"{sum(x[name] for x in runs):,}"

    taken = [second for x in runs for second in x["taken"]]
    return [row, runs[0]["fault"], str(len(runs)), total("acknowledged"), total("unknown"),
            total("rejected"), total("stored"),
            ", ".join(total(x) for x in ("lost", "twice", "phantom")),
            f"{span(taken)} s" if taken else "",
            span([x["moves"] for x in runs], 0), f"{span([x['oldest'] for x in runs])} s",
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
