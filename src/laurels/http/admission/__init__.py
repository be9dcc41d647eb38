"""Who may ask, and how often: tokens and their keys, callers and their rights, rate limits, other sites' pages."""
