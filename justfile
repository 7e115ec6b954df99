# Everything CI runs.
default:
    bash .ci/run

# The tests, with whatever arguments pytest takes: just test -k export
test *arguments:
    .venv/bin/pytest {{arguments}}

# Formats, then says what is left to mend.
lint:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .
    .venv/bin/mypy

# Writes docs/functions.md anew from the declarations.
reference:
    .venv/bin/python -m mixpanel_data.functions.reference > docs/functions.md
