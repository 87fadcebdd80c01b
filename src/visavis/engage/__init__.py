"""Messages on their way: the outbox and the channels."""
