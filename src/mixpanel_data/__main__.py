"""The ``mp`` command, which is ``python -m mixpanel_data`` too."""

from . import interrupts

interrupts.end_at_once()

from .cli import main  # noqa: E402 - takes a tenth of a second, in which Ctrl-C may strike

if __name__ == "__main__":
    main()
