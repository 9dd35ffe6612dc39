"""Keys, seals, lanes, signatures and trees. Pure: no clock, network, log or Kafka; randomness is the only input."""
