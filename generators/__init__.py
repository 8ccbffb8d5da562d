"""Make training problems of a wanted type. Nothing lives here yet."""
