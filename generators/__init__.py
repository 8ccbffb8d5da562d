"""Make training problems of a wanted type."""
