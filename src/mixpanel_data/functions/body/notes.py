"""What the proof of a body has found in its events, on disk: a few dozen bytes an event.

Only the properties are not copied: the notes tell where they stand in the unzipped body.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from ...client.spool import close_later, no_room, temporary_file
from .duplicates import NEEDED
from .fields import HASH, INGESTED
from .slices import POOL

FOUND = (
    pa.field("event_name", pa.string()),
    pa.field("event_time", pa.timestamp("us")),
    pa.field("distinct_id", pa.string()),
    pa.field("insert_id", pa.string()),
    pa.field(INGESTED, pa.string()),
    pa.field(HASH, pa.uint64()),
)
PLACES = (pa.field("starts", pa.int64()), pa.field("ends", pa.int64()), pa.field("texts", pa.string()))
"""Where the properties stand in the unzipped body; or, where they had to be written anew, the properties themselves."""


def schema_for(columns: Collection[str], *, deduplicate: bool) -> pa.Schema:
    """What is noted of each event when these columns are wanted."""
    needed = {*columns, *(NEEDED if deduplicate else ())}
    found = [field for field in FOUND if field.name in needed]
    return pa.schema([*found, *(PLACES if "properties" in columns else ())])


def note_of(arrays: dict[str, pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    """The note of so many events; what the schema does not have is left out."""
    if not schema.names:
        return pa.RecordBatch.from_struct_array(pa.StructArray.from_buffers(pa.struct([]), count, [None]))
    columns = [arrays[field.name] if field.name in arrays else pa.nulls(count, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class Notes:
    """The notes of one body, in the order of its events."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.count = 0
        """Events noted so far."""
        self._file = temporary_file()

    def write(self, notes: Iterator[pa.RecordBatch]) -> int:
        """Writes all notes anew; gives the number of events.

        Raises:
            StorageError: the disk has no room for them.
        """
        self._file.seek(0)
        self._file.truncate()
        self.count = 0
        try:
            with pa.ipc.new_stream(self._file, self.schema) as stream:
                for note in notes:
                    stream.write_batch(note)
                    self.count += note.num_rows
        except OSError as error:
            raise no_room(error) from None
        return self.count

    def read(self) -> Iterator[pa.RecordBatch]:
        self._file.seek(0)
        with pa.ipc.open_stream(self._file, memory_pool=POOL) as stream:
            yield from stream

    def close(self) -> None:
        close_later(self._file)
