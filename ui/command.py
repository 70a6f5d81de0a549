"""``solve ui``: open the pages in a browser."""

from __future__ import annotations

import click

from mull.commands.common import open_store, store_option

PORT = 8765


@click.command("ui")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port of the pages; the next free one if it is taken, any free one for 0.",
)
@click.option("--browser/--no-browser", default=True, help="Open the pages in the browser (default), or not.")
@store_option
def ui(port: int, browser: bool, url: str | None) -> int:
    """Show runs in a browser: histories, replays, live runs, comparisons.

    A pasted puzzle is solved there, too. The pages are on this machine alone (127.0.0.1). Their address contains a token; without it no other user and no
    other page can read them. Ctrl-C ends the program.

    Exit code: 0 after Ctrl-C, 2 if the store cannot be opened or no port is free.
    """
    from .server import listen, serve

    with open_store(url, reading=True) as store:
        listener = listen(port)
        taken = listener.getsockname()[1]
        if port not in (0, taken):
            click.echo(f"port {port} is taken: using {taken}", err=True)
        serve(store, listener, url, browser=browser)
    click.echo("stopped", err=True)
    return 0
