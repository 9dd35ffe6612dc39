"""The content types of the message catalogue, a module per group; `samband.schemas.message_types` gathers them."""
