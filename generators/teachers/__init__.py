"""Who writes training problems: `protocol.Teacher`, and the teacher that needs no model."""
