"""The figures of a benchmark: a table for people, JSON for machines."""

import argparse
import json
import math
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime


def percentile(samples, share):
    """The nearest-rank percentile: at least `share` of the samples are not above it."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def rounded(value):
    """Three digits that mean something, and every digit before the point."""
    if value == 0:
        return 0
    digits = 2 - math.floor(math.log10(abs(value)))
    return round(value, digits) if digits > 0 else round(value)


@dataclass
class Figure:
    """Samples of one quantity, and the limit that its median has to keep, where there is one."""

    name: str
    unit: str
    samples: list[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self):
        return statistics.median(self.samples)

    @property
    def is_kept(self):
        above = self.at_least is None or self.median >= self.at_least
        return above and (self.at_most is None or self.median <= self.at_most)

    @property
    def verdict(self):
        if self.at_least is None and self.at_most is None:
            return ""
        limit = f"at least {self.at_least:,}" if self.at_least is not None else f"at most {self.at_most:,}"
        return f"{limit}: {'kept' if self.is_kept else 'MISSED'}"

    @property
    def cells(self):
        # Of a few samples the 95th percentile is the largest, and says nothing more.
        p95 = percentile(self.samples, 0.95) if len(self.samples) >= 20 else None
        values = ["" if value is None else f"{rounded(value):,}" for value in (self.median, p95, min(self.samples), max(self.samples))]
        return [self.name, *values, str(len(self.samples)), self.unit, self.verdict]

    @property
    def document(self):
        return {
            "name": self.name, "unit": self.unit, "median": self.median, "p95": percentile(self.samples, 0.95), "samples": self.samples,
            "at_least": self.at_least, "at_most": self.at_most, "kept": self.is_kept,
        }


@dataclass
class Report:
    """The figures of one benchmark, in the order in which they were added."""

    title: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, name, unit, samples, **limit):
        self.figures.append(Figure(name, unit, list(samples), **limit))

    def table(self):
        rows = [["", "median", "p95", "least", "most", "of", "unit", ""], *(figure.cells for figure in self.figures)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        # Words to the left, numbers to the right.
        is_word = {0, 6, 7}
        lines = (
            "  ".join(cell.ljust(width) if column in is_word else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths)))
            for row in rows
        )
        return "\n".join([self.title, *(line.rstrip() for line in lines)])

    def write(self, path):
        document = {
            "benchmark": self.title, "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
            "figures": [figure.document for figure in self.figures],
        }
        with open(path, "w") as file:
            json.dump(document, file, indent=2)
            file.write("\n")

    def finish(self, json_path):
        """Prints the table and writes the JSON, if it is wanted; the exit status: 1 when a limit was missed."""
        print(self.table(), flush=True)
        if json_path:
            self.write(json_path)
        return 0 if all(figure.is_kept for figure in self.figures) else 1


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        models = [line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")]
    return {"processor": models[0] if models else platform.machine(), "cores": len(models), "kernel": platform.release()}


def arguments(description, runs=3):
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=runs, help=f"how often to measure; the table shows medians (default: {runs})")
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    return parser
