"""What many machines do beside each other."""
