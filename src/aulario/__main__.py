"""`python -m aulario` and the `aulario` command are the same."""

from aulario.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
