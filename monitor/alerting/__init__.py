"""Telling people: from incident events to messages in a durable outbox, and from there to targets, late or not."""
