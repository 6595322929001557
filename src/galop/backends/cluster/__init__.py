"""A model on many machines: replicas of the engine under Ray Serve, and the backend that has them answer."""
