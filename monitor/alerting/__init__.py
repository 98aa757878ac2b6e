"""State changes become incidents, incidents become messages in a durable outbox, the outbox is delivered to targets."""
