"""What it costs to watch a worker: metrics, health and traces."""
