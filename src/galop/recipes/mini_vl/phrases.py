"""Questions in many words, some of which are kept for testing; names in the plural, and places."""

from __future__ import annotations

# By kind and language: what is trained on, and, after the bar, what is kept for testing. {x} and {y} are filled in.
PHRASES: dict[str, dict[str, str]] = {
    "name": {
        "en": "What is this?; What is it?; What does the picture show?; What is in the picture?; Name this.; "
        "What do you see?; What can you see here?; Describe the picture.; Which thing is drawn here?; "
        "What is shown?; Tell me what this is.; Name the object. | What does this image show?; What am I looking at?",
        "fr": "Qu'est-ce que c'est ?; Que montre l'image ?; Que vois-tu ?; Qu'y a-t-il sur l'image ?; "
        "Nomme cet objet.; C'est quoi ?; Quel objet est dessiné ?; Que voyez-vous ?; Décris l'image. "
        "| Que représente cette image ?; Dis-moi ce que c'est.",
    },
    "digit": {
        "en": "Which digit is this?; What digit is it?; What digit is written here?; Read the digit.; Which digit?; "
        "What does it say?; What number is this?; Which number is written? | What is the handwritten digit?; "
        "Can you read this digit?",
        "fr": "Quel chiffre est-ce ?; Quel est ce chiffre ?; Lis le chiffre.; Quel chiffre est écrit ?; "
        "Qu'est-ce qui est écrit ?; Quel nombre est-ce ? | Quel est le chiffre manuscrit ?; Quel chiffre vois-tu ?",
    },
    "number": {
        "en": "What number is this?; Read the number.; Which number is written here?; What number is it?; "
        "What does it say?; What number do you see?; Read this.; Which number is shown?; Type the number. "
        "| What number is in the picture?; Which number can be seen?",
        "fr": "Quel nombre est-ce ?; Lis le nombre.; Quel nombre est écrit ?; Quel est ce nombre ?; "
        "Qu'est-ce qui est écrit ?; Quel nombre vois-tu ?; Lis ceci. | Quel nombre est sur l'image ?; Quel nombre a-t-on écrit ?",
    },
    "digits": {
        "en": "How many digits does it have?; How many digits are there?; Count the digits. | How many digits has the number?",
        "fr": "Combien de chiffres a-t-il ?; Combien de chiffres y a-t-il ?; Compte les chiffres. "
        "| Combien de chiffres a ce nombre ?",
    },
    "last": {
        "en": "What is its last digit?; Which digit is last? | What is the last digit?",
        "fr": "Quel est son dernier chiffre ?; Par quel chiffre finit-il ? | Quel est le dernier chiffre ?",
    },
    "first": {
        "en": "What is its first digit?; Which digit is first? | What is the first digit?",
        "fr": "Quel est son premier chiffre ?; Par quel chiffre commence-t-il ? | Quel est le premier chiffre ?",
    },
    "even": {
        "en": "Is it even or odd?; Even or odd? | Is the number even or odd?",
        "fr": "Est-il pair ou impair ?; Pair ou impair ? | Le nombre est-il pair ou impair ?",
    },
    "larger number": {
        "en": "Which number is larger?; Which is the larger number?; Read the larger number. | Which of the numbers is larger?",
        "fr": "Quel nombre est le plus grand ?; Quel est le plus grand nombre ?; Lis le plus grand nombre. "
        "| Lequel des nombres est le plus grand ?",
    },
    "smaller number": {
        "en": "Which number is smaller?; Which is the smaller number? | Which of the numbers is smaller?",
        "fr": "Quel nombre est le plus petit ?; Quel est le plus petit nombre ? | Lequel des nombres est le plus petit ?",
    },
    "word": {
        "en": "What does it say?; Read the word.; Which word is this?; What word is it?; What is written here?; "
        "Read this.; What word do you see? | What word is in the picture?; What is the word?",
        "fr": "Quel mot est-ce ?; Lis le mot.; Qu'est-ce qui est écrit ?; Quel est ce mot ?; Lis ceci.; "
        "Quel mot vois-tu ? | Quel mot est sur l'image ?; Quel est le mot ?",
    },
    "flag": {
        "en": "Which country's flag is this?; Whose flag is it?; Which flag is this?; What flag is shown?; "
        "Which country is it?; Name the country. | What country does this flag belong to?",
        "fr": "De quel pays est ce drapeau ?; Quel est ce drapeau ?; À qui est ce drapeau ?; Quel pays est-ce ?; "
        "Nomme le pays. | À quel pays appartient ce drapeau ?",
    },
    "count all": {
        "en": "How many shapes are there?; How many shapes do you see?; Count the shapes.; How many are there?; "
        "How many things are there?; How many objects do you see? | How many shapes are in the picture?",
        "fr": "Combien de formes y a-t-il ?; Combien de formes vois-tu ?; Compte les formes.; Combien y en a-t-il ?; "
        "Combien d'objets vois-tu ? | Combien de formes sont sur l'image ?",
    },
    "count things": {
        "en": "How many are there?; How many things are there?; Count them.; How many objects do you see?; "
        "How many do you see?; Count the objects. | How many objects are in the picture?",
        "fr": "Combien y en a-t-il ?; Combien d'objets y a-t-il ?; Compte-les.; Combien d'objets vois-tu ?; "
        "Combien en vois-tu ?; Compte les objets. | Combien d'objets sont sur l'image ?",
    },
    "count some": {
        "en": "How many {x} are there?; How many {x} do you see?; Count the {x}. | How many {x} are in the picture?",
        "fr": "Combien {y} y a-t-il ?; Combien {y} vois-tu ?; Compte les {x}. | Combien {y} sont sur l'image ?",
    },
    "colour": {
        "en": "What colour is the {x}?; Which colour is the {x}?; What is the colour of the {x}? | Tell me the colour of the {x}.",
        "fr": "De quelle couleur est {y} ?; Quelle est la couleur de {y} ?; Quelle couleur a {y} ? "
        "| Dis-moi la couleur de {y}.",
    },
    "shape": {
        "en": "Which shape is {x}?; What is the {x} shape?; What shape is {x}? | Name the {x} shape.",
        "fr": "Quelle forme est {x} ?; Quelle est la forme {x} ?; Qu'est-ce qui est {x} ? | Nomme la forme {x}.",
    },
    "where": {
        "en": "Where is the {x}?; In which part of the picture is the {x}? | Where do you see the {x}?",
        "fr": "Où est {y} ?; Où se trouve {y} ? | Où vois-tu {y} ?",
    },
    "there": {
        "en": "Is there a {x}?; Do you see a {x}?; Is a {x} there? | Is there a {x} in the picture?",
        "fr": "Y a-t-il un {x} ?; Vois-tu un {x} ?; Y a-t-il ici un {x} ? | Y a-t-il un {x} sur l'image ?",
    },
    "side": {
        "en": "Is the {x} left or right of the {y}?; The {x}: left or right of the {y}? | Is the {x} to the left or right of the {y}?",
        "fr": "{x} est à gauche ou à droite de {y} ?; Où est {x} par rapport à {y} ? "
        "| Dis si {x} est à gauche ou à droite de {y}.",
    },
    "largest": {
        "en": "Which shape is larger?; Which one is larger?; Which shape is the largest? | Which of the shapes is larger?",
        "fr": "Quelle forme est la plus grande ?; Laquelle est la plus grande ? | Laquelle des formes est la plus grande ?",
    },
    "smallest": {
        "en": "Which shape is smaller?; Which one is smaller?; Which shape is the smallest? | Which of the shapes is smaller?",
        "fr": "Quelle forme est la plus petite ?; Laquelle est la plus petite ? | Laquelle des formes est la plus petite ?",
    },
    "more side": {
        "en": "Which side has more dots?; On which side are there more dots?; Where are more dots, left or right? "
        "| Which half has more dots?",
        "fr": "Quel côté a le plus de points ?; De quel côté y a-t-il plus de points ?; Où y a-t-il plus de points ? "
        "| Quelle moitié a le plus de points ?",
    },
    "how many more": {
        "en": "How many more dots are on the {x}?; How many more are there on the {x}? | How many more dots does the {x} side have?",
        "fr": "Combien de points de plus à {x} ?; Combien y en a-t-il de plus à {x} ? | Combien de points y a-t-il de plus à {x} ?",
    },
    "tallest bar": {
        "en": "Which bar is tallest?; Which bar is the highest?; What colour is the tallest bar? | Which bar is the largest?",
        "fr": "Quelle barre est la plus haute ?; Quelle est la barre la plus haute ? | Quelle barre est la plus grande ?",
    },
    "shortest bar": {
        "en": "Which bar is shortest?; Which bar is the lowest?; What colour is the shortest bar? | Which bar is the smallest?",
        "fr": "Quelle barre est la plus basse ?; Quelle est la barre la plus basse ? | Quelle barre est la plus petite ?",
    },
    "bars": {
        "en": "How many bars are there?; Count the bars.; How many bars does the chart have? | How many bars are in the chart?",
        "fr": "Combien de barres y a-t-il ?; Compte les barres. | Combien de barres a le graphique ?",
    },
    "line": {
        "en": "What does the line do?; How does the line go?; Does the line rise or fall?; What is the trend? "
        "| What does the curve do?",
        "fr": "Que fait la courbe ?; Comment va la courbe ?; La courbe monte ou descend ?; Quelle est la tendance ? "
        "| Que fait la ligne ?",
    },
}  # fmt: skip

PLURALS = {
    "circle": ("circles", "cercles"), "square": ("squares", "carrés"), "triangle": ("triangles", "triangles"),
    "star": ("stars", "étoiles"), "cross": ("crosses", "croix"), "diamond": ("diamonds", "losanges"),
    "hexagon": ("hexagons", "hexagones"), "ring": ("rings", "anneaux"),
}  # fmt: skip
PLACES = {
    "en": ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right"),
    "fr": (
        "en haut à gauche",
        "en haut",
        "en haut à droite",
        "à gauche",
        "au centre",
        "à droite",
        "en bas à gauche",
        "en bas",
        "en bas à droite",
    ),
}
SHORT_PLACES = {
    "en": PLACES["en"],
    "fr": ("haut gauche", "haut", "haut droite", "gauche", "centre", "droite", "bas gauche", "bas", "bas droite"),
}  # fmt: skip


def phrasings(kind: str, language: str, held: bool) -> list[str]:
    """The words that a kind of question is asked in, or those kept for testing."""
    trained, kept = PHRASES[kind][language].split("|")
    return [one.strip() for one in (kept if held else trained).split(";") if one.strip()]


def place(x: float, y: float, language: str, short: bool = False) -> str:
    """The third of the width and height in which a point is, both from 0 to 1."""
    return (SHORT_PLACES if short else PLACES)[language][min(2, int(3 * y)) * 3 + min(2, int(3 * x))]
