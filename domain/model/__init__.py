"""The nouns of the execution layer: frozen, validated values that know nothing of stores or wires."""
