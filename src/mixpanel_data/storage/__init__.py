"""Where databases are, who may open them when, and what is removed with them; nothing of Mixpanel."""
