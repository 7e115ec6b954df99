"""``python -m mixpanel_data`` is the ``mp`` command."""

from .cli import main

main()
