"""What leaves: alerts are rendered, delivered in order from the outbox, and sent through sinks."""
