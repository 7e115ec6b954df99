# Everything CI runs.
default:
    bash .ci/run

# The tests, with whatever arguments pytest takes: just test -k export
test *arguments:
    .venv/bin/pytest -n auto {{arguments}}

# Formats, then says what is left to mend.
lint:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .
    .venv/bin/mypy

# Writes docs/functions.md and sql/client.sql anew from the declarations, docs/local.md from the reports, docs/cli.md from
# the commands.
reference:
    .venv/bin/python -m mixpanel_data.functions.reference > docs/functions.md
    .venv/bin/python -m mixpanel_data.functions.local_reference > docs/local.md
    .venv/bin/python -m mixpanel_data.cli.reference > docs/cli.md
    .venv/bin/python -m mixpanel_data.serving > sql/client.sql
