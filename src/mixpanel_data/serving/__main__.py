"""Writes the client's macros: ``python -m mixpanel_data.serving > sql/client.sql``."""

import sys

from .macros import client_sql

sys.stdout.write(client_sql())
