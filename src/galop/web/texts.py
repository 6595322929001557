"""What the page says, in English and in French."""

from __future__ import annotations

LANGUAGES = {"en": "English", "fr": "Français"}

TEXTS: dict[str, dict[str, str]] = {
    "new": {"en": "New conversation", "fr": "Nouvelle conversation"},
    "search": {"en": "Search conversations", "fr": "Chercher dans les conversations"},
    "none": {"en": "No conversations yet.", "fr": "Aucune conversation pour l'instant."},
    "nothing": {"en": "Nothing found.", "fr": "Rien trouvé."},
    "ask": {"en": "Ask something", "fr": "Posez une question"},
    "send": {"en": "Send", "fr": "Envoyer"},
    "stop": {"en": "Stop", "fr": "Arrêter"},
    "attach": {"en": "Attach a picture, a PDF or a text", "fr": "Joindre une image, un PDF ou un texte"},
    "remove": {"en": "Remove {name}", "fr": "Retirer {name}"},
    "photo": {"en": "Take a photo", "fr": "Prendre une photo"},
    "menu": {"en": "Conversations", "fr": "Conversations"},
    "lanes": {"en": "Two lanes side by side", "fr": "Deux couloirs côte à côte"},
    "dark": {"en": "Light or dark", "fr": "Clair ou sombre"},
    "language": {"en": "Language", "fr": "Langue"},
    "settings": {"en": "Settings", "fr": "Réglages"},
    "model": {"en": "Model", "fr": "Modèle"},
    "temperature": {"en": "Temperature (empty: the model's own)", "fr": "Température (vide : celle du modèle)"},
    "system": {"en": "Instructions", "fr": "Consignes"},
    "think": {"en": "Think first", "fr": "Réfléchir d'abord"},
    "thoughts": {"en": "Thoughts", "fr": "Réflexion"},
    "science": {"en": "Technical answers, computed", "fr": "Réponses techniques, calculées"},
    "computed": {"en": "computed", "fr": "calculé"},
    "not_computed": {"en": "nothing was computed", "fr": "rien n'a été calculé"},
    "grounds": {"en": "What this rests on", "fr": "Sur quoi cela repose"},
    "solved": {"en": "solved numerically", "fr": "résolu numériquement"},
    "inputs": {"en": "with", "fr": "avec"},
    "source": {"en": "source", "fr": "source"},
    "valid": {"en": "valid for", "fr": "valable pour"},
    "assumed": {"en": "assumed", "fr": "supposé"},
    "unused": {"en": "not used", "fr": "non utilisé"},
    "edit": {"en": "Edit", "fr": "Modifier"},
    "again": {"en": "Answer again", "fr": "Répondre à nouveau"},
    "copy": {"en": "Copy", "fr": "Copier"},
    "copied": {"en": "Copied", "fr": "Copié"},
    "save": {"en": "Send", "fr": "Envoyer"},
    "cancel": {"en": "Cancel", "fr": "Annuler"},
    "delete": {"en": "Delete", "fr": "Supprimer"},
    "sure": {"en": "Delete this conversation for good?", "fr": "Supprimer définitivement cette conversation ?"},
    "export": {"en": "Export as Markdown", "fr": "Exporter en Markdown"},
    "translate": {"en": "Translate the text", "fr": "Traduire le texte"},
    "into": {"en": "into", "fr": "en"},
    "loading": {"en": "loading the model", "fr": "chargement du modèle"},
    "waiting": {"en": "waiting for its turn", "fr": "en attente"},
    "reading": {"en": "reading: {done} of {total} tokens", "fr": "lecture : {done} jetons sur {total}"},
    "broken": {"en": "interrupted", "fr": "interrompu"},
    "stopped": {"en": "stopped", "fr": "arrêté"},
    "cut": {"en": "cut off at the end of the context", "fr": "coupé à la fin du contexte"},
    "too_large": {"en": "That file is larger than 32 MB.", "fr": "Ce fichier dépasse 32 Mo."},
    "not_text": {
        "en": "{name} is no picture, PDF or UTF-8 text of at most 1 MB.",
        "fr": "{name} n'est ni une image, ni un PDF, ni un texte UTF-8 d'au plus 1 Mo.",
    },
    "figures": {
        "en": "{tokens} tokens · {rate} tok/s · first token {first} s",
        "fr": "{tokens} jetons · {rate} jetons/s · premier jeton {first} s",
    },
    "energy": {"en": "{joules} J", "fr": "{joules} J"},
    "suggested": {"en": "suggested for this machine", "fr": "conseillé pour cette machine"},
    "sees": {"en": "sees pictures", "fr": "voit les images"},
    "welcome": {"en": "What would you like to know?", "fr": "Que voulez-vous savoir ?"},
    "no_models": {
        "en": "There is no model on this machine yet. Get one with: galop pull smollm2:135m",
        "fr": "Il n'y a pas encore de modèle sur cette machine. Commande : galop pull smollm2:135m",
    },
    "previous": {"en": "Previous branch", "fr": "Branche précédente"},
    "next": {"en": "Next branch", "fr": "Branche suivante"},
}  # fmt: skip


def text(name: str, language: str, /, **values: object) -> str:
    return TEXTS[name][language].format(**values)
