"""Who answers prompts: recorded samples, a model in this process, a server of ours, a URL."""
