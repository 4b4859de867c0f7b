"""Print the documentation."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click

from pipelines.commands.errors import fail


@click.command()
@click.argument("page", default="")
def docs(page: str) -> None:
    """Print a PAGE of the documentation (recipes, extending, beam, ...), or list the pages."""
    pages = _pages()
    if not page:
        for name, path in pages.items():
            click.echo(f"{name:14}{path.read_text('utf-8').splitlines()[0].lstrip('# ')}")
    elif page not in pages:
        fail(f"no page {page!r}; choose from {', '.join(pages)}")
    else:
        click.echo(pages[page].read_text("utf-8"), nl=False)


def _pages() -> dict[str, Path]:
    """Return the pages by name: those of the repository, or the installed ones."""
    folder = Path(__file__).parents[2] / "docs"
    if not (folder / "recipes.md").is_file():
        installed = metadata.files("curate-corpus") or ()
        paths = sorted(Path(str(file.locate())).resolve() for file in installed if "curate/docs" in str(file))
        return {path.stem: path for path in paths}
    return {path.stem: path for path in sorted(folder.glob("*.md"))}
