"""Tables of mixed columns: the user's rows <-> tensors of numbers and one-hot blocks."""

from synthaug.data.tables.codec import TableCodec, fit_table_codec
from synthaug.data.tables.files import restore_table_codec, table_codec_state

__all__ = ["TableCodec", "fit_table_codec", "restore_table_codec", "table_codec_state"]
