"""The race: questions to several models, what each answered and took, and which differences are more than chance."""
