"""Questions in the many words that people type: grammars of them, small talk around, words left out and put in."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from random import Random

from galop.recipes.mini_vl.phrases import phrasings

# By kind and language, beside the plain ones: of words in brackets any one is taken; {x} and {y} are filled in.
WORDINGS: dict[str, dict[str, str]] = {
    "name": {
        "en": "What is (this/it/that/here/there/this thing/that object/in the picture/in this picture/on the "
        "image/in the photo/drawn here/shown/shown here/depicted/pictured)?; What's (this/that/it/here/in the "
        "picture/in this photo/on the screen)?; What (do/can/could) you (see/recognise/make out) "
        "(/here/there/in the picture/in this image/on it)?; What does (the/this/that/my) "
        "(picture/photo/drawing/icon/emoji) (show/depict/represent/contain/mean)?; "
        "(Name/Identify/Describe/Recognise/Label/Explain) (this/it/that/the object/the thing/what you see/what "
        "is shown/the picture/this image/this icon).; (Tell/Show) me what (it is/you see/is shown/is in the "
        "picture/that is/the drawing shows).; (Which/What) (thing/object/animal or thing/item/emoji/icon) "
        "(is/do you see/is drawn/is shown/can be seen) (here/in the picture/there/)?; (What would you call/How "
        "do you call/Do you know/Do you recognise/Have you seen) (this/it/that thing)?; What (are/were) we "
        "looking at (/here)?; What (am/was) I (holding/showing you/pointing at)?; What have (I/they/we) drawn "
        "(here/)?; What (kind of/sort of) (thing/object/animal/picture) is (this/it/that)?; What is (the name "
        "of this/its name/this called/the object called)?; Look: what (is/was) (it/that)?; (Guess/Say) what "
        "this (is/picture is/might be).; In (one/a) word: what is (it/this)?; Give (it/this) a name.; A "
        "caption(, please/)?",
        "fr": "Qu'est-ce que c'est (/que ça/donc) ?; C'est quoi (/ça/donc/cette chose/ce truc) ?; Qu'est-ce "
        "(donc/là) ?; Que (montre/contient/dépeint/décrit) (l'image/cette image/la photo/ce dessin/cette "
        "icône/le dessin) ?; Que (représente/signifie/figure) (l'image/la photo/ce dessin/cet objet/cette "
        "icône/le dessin) ?; Que (vois-tu/voyez-vous/voit-on/peut-on voir/reconnais-tu/puis-je voir) "
        "(/ici/là/sur l'image/sur cette image/sur la photo) ?; Qu'y a-t-il (/ici/là/sur l'image/sur cette "
        "photo/dans l'image/sur le dessin) ?; Qu'est-ce que (tu vois/vous voyez/je regarde/montre "
        "l'image/représente ce dessin) ?; (Nomme/Décris/Identifie/Reconnais/Nommez/Décrivez) (cet "
        "objet/l'image/cette image/ce que tu vois/cela/ceci/la chose/le dessin/ça).; (Quel/Quel est cet/Quel "
        "est l') objet (/est dessiné/vois-tu/est montré/voit-on) (/ici/sur l'image/là) ?; Quelle (chose "
        "est/chose vois-tu/est cette chose/est cette image/image est-ce) (/ici/là) ?; Dis-moi ce que (tu "
        "vois/montre l'image/représente le dessin/je vois/cela montre).; (Dis/Dites) ce que (c'est/tu "
        "vois/vous voyez/montre l'image).; Comment (s'appelle/appelle-t-on/nomme-t-on/appelles-tu) (cet "
        "objet/cela/ça/cette chose/ceci) ?; Quel est (son nom/le nom de cet objet/le nom de ceci) ?; "
        "(Sais-tu/Savez-vous/Devine/Peux-tu dire) ce que c'est (/là/ici) ?; Reconnais-tu (cela/cet objet/ça) "
        "?; En un mot, (c'est quoi/qu'est-ce/que vois-tu) ?; Donne (un/son/le) nom.",
    },
    "digit": {
        "en": "(Which/What) digit (is/do you see/is written/is shown/was written) (this/it/here/in the picture/)?; "
        "(Read/Name/Type/Tell me/Recognise/Identify) (the/this) (digit/handwritten digit/figure).; Which "
        "digit?; What does it say?; (What/Which) number is (this/it/written/drawn)?; What (is/was) (the "
        "digit/this figure/written by hand/the written number)?; Which (handwritten/written) digit is "
        "(it/this/here)?",
        "fr": "Quel chiffre (est-ce/est écrit/voit-on/est montré/lis-tu/est-ce là) (/ici/sur l'image) ?; Quel est ce "
        "(chiffre/chiffre écrit/chiffre à la main) ?; (Lis/Nomme/Donne/Dis-moi/Reconnais) (le/ce) chiffre.; "
        "Qu'est-ce qui est écrit (/ici/à la main) ?; Quel nombre (est-ce/est écrit) ?; Quel est le "
        "(chiffre/chiffre écrit) (/ici/sur l'image) ?; De quel chiffre s'agit-il ?",
    },
    "number": {
        "en": "(What/Which) number (is this/is it/is written here/do you see/can you read/is shown/is printed/stands "
        "here/does it show)?; (Read/Type/Name/Tell me/Copy/Transcribe) (the/this) (number/figure).; Read "
        "this.; Read it.; What does (it/this/the picture/the sign) say?; What is (written/printed/the number "
        "here/this number/shown) (/here)?; (What/Which) (digits are/figure is) (written/printed/shown) (here/)?",
        "fr": "Quel nombre (est-ce/est écrit/vois-tu/voit-on/lis-tu/est montré/est-ce là/lit-on) (/ici) ?; "
        "(Lis/Donne/Dis-moi/Copie/Tape/Écris) (le/ce) nombre.; Quel est (ce nombre/ce numéro/le numéro/le "
        "nombre ici) ?; Qu'est-ce qui est (écrit/imprimé) (/ici/là) ?; Lis (ceci/cela/ça).; Que "
        "(lis-tu/lit-on) (/ici) ?",
    },
    "digits": {
        "en": "How many (digits/figures) (does it have/are there/do you see/has it/are written/does it show/are in "
        "it) (/here)?; Count (the/its/all/all the) (digits/figures).; What is the number of digits?; Of how "
        "many digits is it?",
        "fr": "Combien de chiffres (a-t-il/y a-t-il/vois-tu/comptes-tu/sont écrits/voit-on) (/ici) ?; "
        "(Compte/Comptez) (les/ses/tous les) chiffres.; Quel est le nombre de chiffres ?; De combien de "
        "chiffres est-il ?",
    },
    "last": {
        "en": "What is (its/the number's/that) last digit?; (Which/What) digit is (last/the last/at the end/on the "
        "right)?; (Which/What) is the digit at the end?; (Name/Read) the last digit.",
        "fr": "Quel est (son/ce) dernier chiffre ?; Par quel chiffre (finit-il/se termine-t-il) ?; (Lis/Donne) "
        "(le/son) dernier chiffre.; Quel chiffre est (le dernier/à la fin) ?",
    },
    "first": {
        "en": "What is (its/the number's/that) first digit?; (Which/What) digit is (first/the first/at the "
        "beginning/on the left)?; (Which/What) is the digit at the start?; (Name/Read) the first digit.",
        "fr": "Quel est (son/ce) premier chiffre ?; Par quel chiffre (commence-t-il/débute-t-il) ?; (Lis/Donne) "
        "(le/son) premier chiffre.; Quel chiffre est (le premier/au début) ?",
    },
    "even": {
        "en": "Is (it/this/that/this number/the figure) (even or odd/odd or even)?; Even or odd?; Odd or even?; "
        "(Say/Tell me) whether it is even or odd.",
        "fr": "(Est-il/Est-ce) (pair ou impair/impair ou pair) ?; (Pair ou impair/Impair ou pair) ?; (Dis/Dis-moi) "
        "s'il est pair ou impair.; Ce nombre est-il pair ou impair ?",
    },
    "larger number": {
        "en": "(Which/What) (number/one/value/figure) is (larger/the larger/bigger/the largest/the greater "
        "one/greater/higher)?; Which is the (larger/bigger/greater/larger of the two) number?; (Read/Name/Tell "
        "me/Give me) the (larger/bigger/greater/largest) (number/one/value).; Which of (these/the two) is "
        "(larger/bigger/greater)?",
        "fr": "Quel (nombre/chiffre/numéro) est le plus (grand/élevé) ?; Quel est le plus grand (nombre/des deux/des "
        "nombres) ?; (Lis/Donne/Dis-moi/Nomme) le plus grand (nombre/des deux).; Lequel est le plus "
        "(grand/élevé) ?; Lequel des deux est le plus grand ?",
    },
    "smaller number": {
        "en": "(Which/What) (number/one/value/figure) is (smaller/the smaller/the smallest/the lesser "
        "one/less/lower)?; Which is the (smaller/lesser/smallest) number?; (Read/Name/Tell me/Give me) the "
        "(smaller/lesser/smallest) (number/one/value).; Which of (these/the two) is (smaller/less)?",
        "fr": "Quel (nombre/chiffre/numéro) est le plus (petit/bas) ?; Quel est le plus petit (nombre/des deux/des "
        "nombres) ?; (Lis/Donne/Dis-moi/Nomme) le plus petit (nombre/des deux).; Lequel est le plus "
        "(petit/bas) ?; Lequel des deux est le plus petit ?",
    },
    "word": {
        "en": "What does (it/this/the sign/the picture) say?; (Read/Type/Copy/Tell me/Transcribe) (the/this) "
        "(word/text/sign).; (Which/What) word (is this/is it/is written/do you see/is shown/can you read) "
        "(/here)?; What is written (here/there/on it/)?; Read (this/it).",
        "fr": "Quel mot (est-ce/vois-tu/est écrit/lis-tu/voit-on) (/ici) ?; (Lis/Copie/Dis-moi/Donne/Écris) (le/ce) "
        "mot.; Qu'est-ce qui est écrit (/ici/là) ?; Quel est ce mot (/ici) ?; Lis (ceci/cela/le texte).; Que "
        "dit le (mot/panneau) ?",
    },
    "flag": {
        "en": "(Which/What) (country's/nation's) flag is (this/it/that/shown)?; Whose flag is (it/this/that/shown)?; "
        "(Which/What) flag (is this/is shown/is it/do you see)?; (Which/What) country (is it/is this/has this "
        "flag/uses this flag/flies this flag/does it stand for)?; (Name/Tell me/Identify) the "
        "(country/flag/nation).; (From which/To which/Of which) country is (this/the) flag?",
        "fr": "De quel pays (est ce drapeau/est-ce le drapeau/vient ce drapeau/s'agit-il) ?; Quel est (ce drapeau/ce "
        "pays/le pays/le drapeau) ?; À qui est (ce drapeau/le drapeau) ?; Quel pays (est-ce/a ce "
        "drapeau/voit-on/utilise ce drapeau) ?; (Nomme/Dis-moi/Donne/Identifie) le (pays/drapeau).; Quel "
        "drapeau (est-ce/vois-tu/est montré) ?",
    },
    "count all": {
        "en": "How many (shapes/things/objects/figures) (are there/do you see/can you see/can you count/are here/are "
        "shown/are drawn/does it show) (/here/altogether/in all/on the image)?; Count (the/all the/all/these) "
        "(shapes/things/objects/figures) (/here).; How many are (there/drawn/shown)?; (Tell me/Say) how many "
        "(shapes/things) there are.; What is the number of (shapes/things/figures)?",
        "fr": "Combien (de formes/d'objets/de choses/de figures) (y a-t-il/vois-tu/voit-on/sont là/sont "
        "dessinées/voyez-vous/comptes-tu) (/ici/en tout/sur ce dessin) ?; (Compte/Comptez) (les/toutes "
        "les/ces) (formes/choses/figures) (/ici).; Combien (y en a-t-il/sont-elles) ?; Dis-moi combien il y a "
        "de (formes/choses).; Quel est le nombre de (formes/choses/figures) ?",
    },
    "count things": {
        "en": "How many (things/objects/items/of them/of these) (are there/do you see/can you see/can you count/are "
        "here/are shown/are drawn/does it show) (/here/altogether/in all/on the image)?; How many (are "
        "there/do you see/are shown/are here/can you see/do you count)?; Count (them/the objects/the "
        "things/all of them/these/how many there are) (/here).; (Tell me/Say) how many (there are/you "
        "see/things there are).; What is the number of (objects/things/items)?",
        "fr": "Combien (d'objets/de choses/d'éléments) (y a-t-il/vois-tu/voit-on/sont là/sont "
        "dessinés/voyez-vous/comptes-tu) (/ici/en tout/sur ce dessin) ?; Combien en "
        "(vois-tu/voit-on/voyez-vous/comptes-tu) (/ici/en tout) ?; Combien y en a-t-il (/ici/en tout) ?; "
        "(Compte-les/Comptez-les/Compte les objets/Compte tout/Compte ce que tu vois).; Dis-moi combien (il y "
        "en a/tu en vois).; Quel est le nombre d'objets ?",
    },
    "count some": {
        "en": "How many {x} (are there/do you see/can you see/are shown/can you count/does it show/are here) "
        "(/here/in all/on the image)?; (Count/Count all) (the/these) {x}.; (Tell me/Say) how many {x} there "
        "are.; The number of {x}?; What is the number of {x}?",
        "fr": "Combien {y} (y a-t-il/vois-tu/voit-on/voyez-vous/comptes-tu/sont là) (/ici/en tout/sur ce dessin) ?; "
        "(Compte/Comptez) (les/tous les/ces) {x}.; Dis-moi combien il y a {y}.; Quel est le nombre {y} ?",
    },
    "colour": {
        "en": "(What/Which) colour (is/has/does one see on) the {x}?; What is the colour of the {x}?; "
        "(Name/Say/Give) the colour of the {x}.; The {x} (is/has) what colour?; How is the {x} coloured?; "
        "(Tell me/Say) (what/which) colour the {x} (is/has).",
        "fr": "De quelle couleur est {y} (/ici/là) ?; Quelle (est la couleur de/couleur a/couleur porte) {y} ?; "
        "(Nomme/Donne/Dis) la couleur de {y}.; {y} est de quelle couleur ?; Dis-moi de quelle couleur est {y}.",
    },
    "shape": {
        "en": "(Which/What) (shape/figure/thing) is {x}?; What is the {x} (shape/figure/one/thing)?; (Tell "
        "me/Say/Describe) the {x} (shape/figure/one/thing).; What is {x} (here/in the picture/)?; Which is the "
        "{x} one?",
        "fr": "Quelle forme est {x} (/ici) ?; Quelle est la (forme/figure) {x} ?; Qu'est-ce qui est {x} (/ici/sur "
        "l'image) ?; (Dis-moi/Décris/Donne) (la forme/la figure) {x}.; Quelle figure est {x} ?",
    },
    "where": {
        "en": "Where (is/can I find/stands/lies) the {x} (/here)?; In (which/what) (part/corner/area) (of the "
        "picture/of the image/) is the {x}?; (Find/Locate) the {x}.; (Tell me/Say) where the {x} is.; The {x} "
        "is where?",
        "fr": "Où (est/se trouve/voit-on/puis-je voir/voyez-vous/se situe) {y} (/ici) ?; Dans quelle partie (/de "
        "l'image) est {y} ?; (Dis-moi/Dis) où (est/se trouve) {y}.; (Trouve/Cherche) {y}.; {y} est où ?",
    },
    "there": {
        "en": "(Is there/Do you see/Can you see/Does it show/Do you find/Is here) a {x} (/here/there/on the image)?; "
        "Is a {x} (there/here/shown/drawn/in it)?; (Tell me/Say) if there is a {x}.; Any {x}?; A {x}, yes or "
        "no?",
        "fr": "(Y a-t-il/Vois-tu/Voit-on/Voyez-vous/Trouves-tu/Est-ce qu'il y a) un {x} (/ici/là/dans l'image) ?; Y "
        "a-t-il ici un {x} ?; (Dis-moi/Dis) s'il y a un {x}.; Un {x}, oui ou non ?",
    },
    "side": {
        "en": "Is the {x} (left or right/on the left or on the right/on the left or right side) of the {y}?; (The "
        "{x}:/The {x} is) left or right of the {y}?; (Say/Tell me) if the {x} is (left/on the left) or right "
        "of the {y}.; On which side of the {y} is the {x}?",
        "fr": "{x} est(/-il) à gauche ou à droite de {y} ?; Où est {x} par rapport à {y} ?; {x} : à gauche ou à "
        "droite de {y} ?; De quel côté de {y} est {x} ?; Est-ce que {x} est à gauche ou à droite de {y} ?",
    },
    "largest": {
        "en": "(Which/What) (shape/one/figure/thing) is (larger/the larger/bigger/the biggest/the largest/greater) "
        "(/here)?; (Which/What) is the (larger/bigger/largest/biggest) (shape/one/figure/thing)?; (Name/Tell "
        "me/Say/Find) the (larger/bigger/largest/biggest) (shape/one/figure).; Which of (the two/these/these "
        "shapes/them/both) is (larger/bigger/the largest)?",
        "fr": "Quelle (forme/figure/chose) est la plus (grande/grosse) (/ici) ?; Laquelle est la plus "
        "(grande/grosse) ?; Quelle est la plus (grande/grosse) (forme/figure/des deux/) ?; "
        "(Nomme/Dis-moi/Donne/Trouve) la plus (grande/grosse) (forme/figure/).; Laquelle (des deux/de ces "
        "formes/des figures) est la plus (grande/grosse) ?",
    },
    "smallest": {
        "en": "(Which/What) (shape/one/figure/thing) is (smaller/the smaller/the smallest/less large/littler) "
        "(/here)?; (Which/What) is the (smaller/smallest/littlest) (shape/one/figure/thing)?; (Name/Tell "
        "me/Say/Find) the (smaller/smallest) (shape/one/figure).; Which of (the two/these/these "
        "shapes/them/both) is (smaller/the smallest)?",
        "fr": "Quelle (forme/figure/chose) est la plus petite (/ici) ?; Laquelle est la plus petite ?; Quelle est la "
        "plus petite (forme/figure/des deux/) ?; (Nomme/Dis-moi/Donne/Trouve) la plus petite (forme/figure/).; "
        "Laquelle (des deux/de ces formes/des figures) est la plus petite ?",
    },
    "more side": {
        "en": "(Which/What) side (has/shows/holds) more (dots/points)?; On (which/what) side are (there/) more "
        "(dots/points)?; Where are more (dots/points)(, left or right/)?; Are there more (dots/points) (on the "
        "left or on the right/left or right)?; (Which/What) part (has/shows) more (dots/points)?; More dots on "
        "(which/what) side?",
        "fr": "Quel côté a le plus de points ?; (De/Sur) quel côté (y a-t-il/vois-tu/voit-on) (le plus/plus) de "
        "points ?; Où (y a-t-il/vois-tu) (le plus/plus) de points (/, à gauche ou à droite) ?; Quelle "
        "(partie/zone) a le plus de points ?; Plus de points à gauche ou à droite ?",
    },
    "how many more": {
        "en": "How many more (dots/points) are (there/) on the {x} (/side)?; How many more are (there/) on the {x} "
        "(/side)?; (Count/Say/Tell me) how many more (dots/points) are on the {x}.; How many (dots/points) "
        "more (has/does) the {x} (/side) (have/)?",
        "fr": "Combien de points (de plus/en plus) (à/sont à) {x} ?; Combien y en a-t-il de plus à {x} ?; Dis-moi "
        "combien de points de plus sont à {x}.; Combien de points de plus (vois-tu/voit-on) à {x} ?",
    },
    "tallest bar": {
        "en": "(Which/What) bar is (the tallest/tallest/the highest/highest/the longest/the biggest) (/here)?; What "
        "colour (is/has) the (tallest/highest/longest/biggest) bar?; (Name/Tell me/Find) the "
        "(tallest/highest/longest/biggest/largest) bar.; Which is the (tallest/highest/biggest/largest) bar?",
        "fr": "Quelle barre est la plus (haute/longue/élevée) ?; Quelle est la barre la plus "
        "(haute/longue/grande/élevée) ?; De quelle couleur est la plus (haute/grande) barre ?; "
        "(Nomme/Dis-moi/Trouve) la (barre la plus haute/plus haute barre/plus grande barre).; Quelle est la "
        "plus (haute/grande) barre ?",
    },
    "shortest bar": {
        "en": "(Which/What) bar is (the shortest/shortest/the lowest/lowest/the least/the littlest) (/here)?; What "
        "colour (is/has) the (shortest/lowest/smallest) bar?; (Name/Tell me/Find) the "
        "(shortest/lowest/smallest) bar.; Which is the (shortest/lowest/smallest) bar?",
        "fr": "Quelle barre est la plus (basse/courte) ?; Quelle est la barre la plus (basse/courte/petite) ?; De "
        "quelle couleur est la plus (basse/petite) barre ?; (Nomme/Dis-moi/Trouve) la (barre la plus "
        "basse/plus basse barre/plus petite barre).; Quelle est la plus (basse/petite) barre ?",
    },
    "bars": {
        "en": "How many bars (are there/do you see/can you see/are shown/does the plot have/are drawn/does it have) "
        "(/here)?; Count (the/all/all the) bars.; (Say/Tell me) how many bars there are.; What is the number "
        "of bars?; How many bars has the (chart/plot/diagram)?",
        "fr": "Combien de barres (y a-t-il/vois-tu/voit-on/a-t-il/sont là/sont dessinées) (/ici) ?; (Compte/Comptez) "
        "(les/toutes les) barres.; Dis-moi combien il y a de barres.; Quel est le nombre de barres ?; Combien "
        "de barres (a le dessin/a le diagramme/contient le graphique) ?",
    },
    "line": {
        "en": "What (does/is) the (line/graph/plot) (do/doing/like)?; How does the (line/curve/graph) "
        "(go/move/run/change/look)?; Does the (line/curve/graph) (rise or fall/go up or down/climb or drop)?; "
        "What is the (trend/course/tendency) (/here/of the line)?; (Describe/Follow) the "
        "(line/curve/trend/graph).; (Tell me/Say) how the (line/curve) goes.; Where does the (line/curve) go?",
        "fr": "Que fait (la courbe/cette courbe/le graphique/cette ligne/le tracé) ?; Comment (va/évolue/bouge/est) "
        "la (courbe/ligne) ?; La (courbe/ligne) monte ou descend ?; Quelle est (la tendance/l'évolution/sa "
        "tendance/l'allure) (/ici/de la courbe) ?; (Décris/Suis) la (courbe/ligne/tendance).; Dis-moi comment "
        "va la (courbe/ligne).; Où va la (courbe/ligne) ?",
    },
}  # fmt: skip

# What people say around a question.
FRAMES = {
    "en": ("please: {}", "{} please", "hello! {}", "tell me: {}", "can you say {}", "could you tell me {}",
           "look at this: {}", "in the picture, {}", "I would like to know {}", "here is an image. {}", "the image: {}",
           "so, {}", "{} thank you", "{} answer in English", "{} one word is enough", "I took this photo. {}", "hi, {}",
           "my friend sent me this. {}", "{} I can't tell", "question: {}", "quick question: {}", "{} be brief",
           "you are looking at an image. {}", "{} look closely", "from this picture, {}"),
    "fr": ("s'il te plaît : {}", "{} merci", "bonjour ! {}", "dis-moi : {}", "peux-tu dire {}",
           "pouvez-vous me dire {}", "regarde : {}", "sur l'image, {}", "je voudrais savoir {}", "voici une image. {}",
           "l'image : {}", "alors, {}", "{} merci d'avance",
           "{} réponds en français", "{} un mot suffit", "j'ai pris cette photo. {}", "salut, {}",
           "mon ami m'a envoyé ceci. {}", "{} je ne sais pas", "question : {}", "petite question : {}", "{} sois bref",
           "tu regardes une image. {}", "{} regarde bien", "d'après cette image, {}"),
}  # fmt: skip
# Words that tell nothing but the language.
EVERYDAY = {
    "en": """the a an and but or if so then this that these those here there now just only also very really quite well I
    you he she we they me him her us them my your his our their is are was were be been am do does did have has had can
    could will would should may might must go come get make take give know think want need like look looking
    see find show showing tell ask say work try help please thanks hello hi yes of in on at by for with from into about
    over under after before because while when who someone something anything nothing everyone friend people child
    day time way today again still always never maybe image picture photo drawing screen object thing animal piece
    small big good new old little great actually exactly perhaps simply kindly question answer word name""".split(),
    "fr": """le la les un une des du de et mais ou si donc alors ce cet cette ces ceci cela ça ici là maintenant juste
    aussi très vraiment bien je tu il elle nous vous ils elles me te se lui leur mon ma mes ton ta tes son sa ses notre
    votre est sont était suis es sommes êtes être ai as a avons avez ont avoir fait faire peut peux pouvez va vais
    veux voudrais dois sais savez crois pense aime regarde cherche trouve montre représente demande aide dans sur
    sous par pour avec sans vers chez après avant parce que quand qui quelqu'un quelque chose rien tout tous
    toujours jamais peut-être encore image photo dessin écran objet animal petit grand bon bonne nouveau vieux
    exactement simplement merci bonjour oui question réponse mot nom ami gens enfant jour temps""".split(),
}  # fmt: skip
TELLING = set(
    "how many more left right flag bar bars last even odd mot où top low say plus pays less dots line".split()
)


@cache
def wordings(kind: str, language: str) -> list[str]:
    """All words that a kind of question is asked in while training, the plain ones too, but none kept for testing."""
    rows = [*phrasings(kind, language, False), *WORDINGS[kind][language].split(";")]
    mark = "?" if language == "en" else " ?"
    found = dict.fromkeys(re.sub(r" *\?", mark, " ".join(one.split())) for row in rows for one in expand(row))
    kept = {one.casefold() for one in phrasings(kind, language, True)}
    return [one for one in found if one and one.casefold() not in kept]


def expand(text: str) -> list[str]:
    """What becomes of a text when of the words in each bracket, divided by "/", one is taken."""
    pieces = [piece.split("/") if i % 2 else [piece] for i, piece in enumerate(re.split(r"\(([^)]*)\)", text))]
    return [re.sub(r" (?=[.,]|$)", "", "".join(one)) for one in product(*pieces)]


def ask(random: Random, kind: str, language: str, held: bool = False, x: str = "", y: str = "") -> str:
    """A question of a kind: in words kept for testing as they stand, or as people type, in which those never are."""
    kept = [one.format(x=x, y=y) for one in phrasings(kind, language, True)]
    if held:
        text = random.choice(kept)
        return text[:1].upper() + text[1:]
    while True:
        text = type_out(random, random.choice(wordings(kind, language)).format(x=x, y=y), language, f"{x} {y}".split())
        if not any(f" {bare(one)} " in f" {bare(text)} " for one in kept):
            return text


def bare(text: str) -> str:
    """The words of a text alone."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def type_out(random: Random, text: str, language: str, names: list[str]) -> str:
    """A question as people type it: now and then without a capital letter, a final mark or words that it can do
    without, which `names` are not, or with more of them."""
    if random.random() < 0.25:
        text = random.choice(FRAMES[language]).format(text[:1].lower() + text[1:])
    text = text[:1].upper() + text[1:]
    if random.random() < 0.3:
        text = leave_out(random, text, names)
    if random.random() < 0.3:
        text = put_in(random, text, language)
    if random.random() < 0.15:
        text = text[:1].lower() + text[1:]
    if random.random() < 0.15:
        text = text.rstrip(" ?.")
    return text


def leave_out(random: Random, text: str, names: list[str]) -> str:
    """A question without some of its short words, so that what is asked is told by the others, in whatever order."""
    words = text.split()
    kept = [w for w in words if w in names or len(w) > 4 or w.lower() in TELLING or random.random() < 0.6]
    return " ".join(kept) or text


def put_in(random: Random, text: str, language: str) -> str:
    """A question with some everyday words more, before, within or behind it, so that words that were never asked with
    change nothing, and each tells the language."""
    words = text.split()
    at = random.choice((0, random.randint(0, len(words)), len(words)))
    words[at:at] = random.choices(EVERYDAY[language], k=random.choice((1, 1, 2, 2, 3, 4)))
    return " ".join(words)
