"""Tries an image: imports what every notebook may count on, draws a plot, renders a notebook, lists the packages."""

import importlib.metadata
import io
import json
import warnings

warnings.simplefilter("ignore")


def draw() -> None:
    """Draws text and a line to PNG; writes matplotlib's font list into MPLCONFIGDIR."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.font_manager
    import matplotlib.pyplot as plt
    import pandas

    when = pandas.date_range("2026-01-01", periods=3, freq="D", tz="Europe/Berlin")
    pandas.DataFrame({"value": [1, 3, 2]}, index=when).plot(title="trial")
    png = io.BytesIO()
    plt.savefig(png, format="png")
    assert png.getvalue().startswith(b"\x89PNG"), "matplotlib drew no PNG"
    matplotlib.font_manager.findfont("DejaVu Sans", fallback_to_default=False)


def render() -> None:
    """Renders an empty notebook, for which nbconvert has to find its templates."""
    import nbformat
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook())
    assert "<html" in html, "nbconvert rendered no page"


def main() -> None:
    """Prints the installed packages as one line of JSON when everything works."""
    import ipykernel.kernelapp  # noqa: F401

    draw()
    render()
    found = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    print(json.dumps({name: found[name] for name in sorted(found, key=str.lower) if name}))


main()
