"""What can be named: emoji by the slug that icon sets know them by, flags, colours, shapes and words, in English and
French."""

from __future__ import annotations

from typing import NamedTuple

LANGUAGES = ("en", "fr")


class NamedThing(NamedTuple):
    """A thing's key, and what it is called in each language."""

    key: str
    en: str
    fr: str

    def of(self, language: str) -> str:
        """In "en" or "fr"."""
        return self.en if language == "en" else self.fr


def table(text: str) -> list[NamedThing]:
    """Rows of `key|English|French`; without English, the key is the name."""
    rows = [row.split("|") for row in text.replace("\n", ";").split(";") if row.strip()]
    return [NamedThing(row[0].strip(), (row[1] or row[0].replace("-", " ")).strip(), row[2].strip()) for row in rows]


EMOJI = table("""\
monkey||singe; gorilla||gorille; dog||chien; poodle||caniche; wolf||loup; fox||renard; cat||chat; lion||lion
tiger||tigre; leopard||léopard; horse||cheval; unicorn||licorne; deer||cerf; cow||vache; pig||cochon; boar||sanglier
goat||chèvre; camel||dromadaire; elephant||éléphant; rhinoceros||rhinocéros; mouse||souris; rabbit||lapin
hamster||hamster; bat||chauve-souris; bear||ours; koala||koala; panda||panda; turkey||dindon; rooster||coq
hatching-chick|chick|poussin; penguin||pingouin; eagle||aigle; duck||canard; owl||chouette; frog||grenouille
crocodile||crocodile; turtle||tortue; lizard||lézard; snake||serpent; dragon||dragon; whale||baleine
dolphin||dauphin; fish||poisson; shark||requin; octopus||pieuvre; spiral-shell|shell|coquillage; crab||crabe
squid||calamar; snail||escargot; butterfly||papillon; ant||fourmi; honeybee|bee|abeille; lady-beetle|ladybird|coccinelle
spider||araignée; scorpion||scorpion; rose||rose; sunflower||tournesol; tulip||tulipe; evergreen-tree|fir tree|sapin
palm-tree||palmier; cactus||cactus; four-leaf-clover|clover|trèfle; maple-leaf||feuille d'érable; mushroom||champignon
grapes||raisin; watermelon||pastèque; lemon||citron; banana||banane; pineapple||ananas; red-apple|apple|pomme
pear||poire; peach||pêche; cherries||cerises; strawberry||fraise; kiwi-fruit|kiwi|kiwi; tomato||tomate
avocado||avocat; eggplant|aubergine|aubergine; carrot||carotte; ear-of-corn|corn|maïs; hot-pepper|pepper|piment
cucumber||concombre; peanuts||cacahuètes; croissant||croissant; baguette-bread|baguette|baguette; cheese-wedge|cheese|fromage
hamburger||hamburger; french-fries|chips|frites; pizza||pizza; hot-dog||hot-dog; taco||taco; egg||œuf; popcorn||pop-corn
spaghetti||spaghetti; sushi||sushi; doughnut||beignet; cookie||biscuit; birthday-cake||gâteau d'anniversaire
chocolate-bar|chocolate|chocolat; lollipop||sucette; honey-pot|honey|miel; baby-bottle||biberon; hot-beverage|cup of coffee|tasse de café
wine-glass|glass of wine|verre de vin; beer-mug|beer|bière; fork-and-knife||couverts; spoon||cuillère; volcano||volcan
house||maison; castle||château; church||église; tent||tente; ferris-wheel||grande roue; locomotive|steam train|locomotive
tram||tramway; bus||bus; ambulance||ambulance; fire-engine||camion de pompiers; police-car||voiture de police; taxi||taxi
automobile|car|voiture; tractor||tracteur; racing-car||voiture de course; motorcycle|motorbike|moto; bicycle||vélo
vertical-traffic-light|traffic light|feu tricolore; stop-sign||panneau stop; anchor||ancre; sailboat|sailing boat|voilier
ship||navire; airplane|aeroplane|avion; helicopter||hélicoptère; satellite||satellite; rocket||fusée
hourglass-done|hourglass|sablier; watch||montre; alarm-clock||réveil; crescent-moon|moon|lune; thermometer||thermomètre
sun||soleil; star||étoile; cloud||nuage; tornado||tornade; rainbow||arc-en-ciel; umbrella||parapluie; high-voltage|lightning|éclair
snowflake||flocon de neige; snowman||bonhomme de neige; fire||feu; droplet|drop|goutte; water-wave|wave|vague
jack-o-lantern|pumpkin|citrouille; christmas-tree||sapin de Noël; balloon||ballon; wrapped-gift|gift|cadeau; trophy||trophée
soccer-ball|football|ballon de football; basketball||ballon de basket; tennis|tennis ball|balle de tennis
boxing-glove||gant de boxe; pool-8-ball|billiard ball|boule de billard; game-die|die|dé; joystick||manette
artist-palette|palette|palette; glasses||lunettes; necktie|tie|cravate; t-shirt|T-shirt|T-shirt; jeans||jean; dress||robe
handbag||sac à main; backpack||sac à dos; high-heeled-shoe||chaussure à talon; crown||couronne; top-hat||haut-de-forme
graduation-cap|square cap|toque; lipstick||rouge à lèvres; ring||bague; gem-stone|diamond|diamant; bell||cloche
musical-note|note|note de musique; microphone||micro; headphone|headphones|casque; saxophone||saxophone; trumpet||trompette
guitar||guitare; violin||violon; drum||tambour; mobile-phone|phone|téléphone; battery||pile; laptop|computer|ordinateur
printer||imprimante; floppy-disk||disquette; television||télévision; camera||appareil photo; candle||bougie
light-bulb||ampoule; books||livres; newspaper||journal; money-bag||sac d'argent; envelope||enveloppe; package|parcel|colis
pencil||crayon; paintbrush|brush|pinceau; calendar||calendrier; paperclip||trombone; scissors||ciseaux; locked|padlock|cadenas
key||clé; hammer||marteau; crossed-swords|swords|épées; bomb||bombe; bow-and-arrow|bow|arc; shield||bouclier; wrench|spanner|clé plate
gear||engrenage; balance-scale|scales|balance; microscope||microscope; telescope||télescope; syringe||seringue
pill||pilule; door||porte; bathtub||baignoire; toilet||toilettes; shopping-cart|trolley|chariot; red-heart|heart|cœur
skull||crâne; ghost||fantôme; robot||robot; eye||œil; ear||oreille; nose||nez; tooth||dent; footprints||empreintes
""")

FLAGS = table("""\
fr|France|la France; de|Germany|l'Allemagne; it|Italy|l'Italie; es|Spain|l'Espagne; pt|Portugal|le Portugal
gb|the United Kingdom|le Royaume-Uni; ie|Ireland|l'Irlande; be|Belgium|la Belgique; ch|Switzerland|la Suisse
at|Austria|l'Autriche; gr|Greece|la Grèce; se|Sweden|la Suède; no|Norway|la Norvège; dk|Denmark|le Danemark
fi|Finland|la Finlande; pl|Poland|la Pologne; cz|Czechia|la Tchéquie; ua|Ukraine|l'Ukraine; tr|Turkey|la Turquie
us|the United States|les États-Unis; ca|Canada|le Canada; mx|Mexico|le Mexique; br|Brazil|le Brésil
ar|Argentina|l'Argentine; cl|Chile|le Chili; cu|Cuba|Cuba; jm|Jamaica|la Jamaïque; jp|Japan|le Japon; cn|China|la Chine
kr|South Korea|la Corée du Sud; in|India|l'Inde; vn|Vietnam|le Viêt Nam; th|Thailand|la Thaïlande; il|Israel|Israël
ng|Nigeria|le Nigeria; za|South Africa|l'Afrique du Sud; dz|Algeria|l'Algérie; ma|Morocco|le Maroc; tn|Tunisia|la Tunisie
sn|Senegal|le Sénégal; ci|Ivory Coast|la Côte d'Ivoire; eu|the European Union|l'Union européenne
""")

COLOURS = table("""\
red||rouge; green||vert; blue||bleu; yellow||jaune; orange||orange; purple||violet; pink||rose; brown||marron
black||noir; white||blanc; grey||gris
""")
RGB = {
    "red": (214, 32, 32), "green": (34, 150, 52), "blue": (36, 76, 216), "yellow": (244, 220, 28),
    "orange": (246, 138, 20), "purple": (128, 44, 168), "pink": (246, 140, 190), "brown": (120, 72, 34),
    "black": (16, 16, 16), "white": (250, 250, 250), "grey": (130, 130, 130),
}  # fmt: skip

SHAPES = table("""\
circle||cercle; square||carré; triangle||triangle; star||étoile; cross||croix; diamond||losange; hexagon||hexagone
ring||anneau
""")
FEMININE = ("étoile", "croix")  # of the names of shapes
FEMININE_COLOURS = {"vert": "verte", "bleu": "bleue", "violet": "violette", "noir": "noire", "blanc": "blanche",
                    "gris": "grise"}  # fmt: skip

WORDS = """\
stop exit open closed push pull danger sale free hello welcome thanks please coffee tea bread water milk sugar salt
pizza menu hotel taxi bus train metro airport station ticket toilet women men lift stairs north south east west left
right up down red green blue black white yellow one two three four five six seven eight nine ten hot cold new old big
small fast slow yes no on off start end play pause home school bank shop market garden park beach river city street
road bridge house door window table chair book paper music film cinema museum police doctor hospital fire help
sortie entrée ouvert fermé pousser tirer danger soldes gratuit bonjour merci café thé pain eau lait sucre sel gare
billet hommes femmes nord sud est ouest gauche droite rouge vert bleu noir blanc jaune un deux trois quatre cinq sept
huit neuf dix chaud froid nouveau vieux grand petit vite oui non début fin maison école banque magasin marché jardin
parc plage rivière ville rue route pont porte fenêtre livre papier musique cinéma musée médecin hôpital feu aide
pharmacie boulangerie fromage poisson viande fruit soupe salade dessert vin bière soleil lune étoile fleur arbre chat
chien cheval oiseau monday friday sunday lundi mardi samedi dimanche love peace time world light night day year money
price summer winter spring autumn apple lemon banana orange cheese fish meat soup salad wine beer sun moon star flower
tree cat dog horse bird""".split()
WORDS = list(dict.fromkeys(WORDS))
