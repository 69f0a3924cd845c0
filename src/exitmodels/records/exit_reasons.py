"""The shipped codebook, exit-reasons-1: what clerks write as the reason of an exit, in English and Arabic.

Third floor, in the room of records. Cues are starting stems, not decisions: they send a text to a reason for a
person to confirm. A longer cue takes a text away from a shorter one, so the treatment of a relative is a family
emergency.

Called by: codebook.py.
"""

from __future__ import annotations

__all__ = ["DOUBTFUL", "HIERARCHY", "REASONS", "VERSION_1"]

VERSION_1 = "exit-reasons-1"

_KIN = (
    "mother* father* parent* brother* sister* wife* wives* husband* son* daughter* child* famil* relative* uncle* aunt*"
)
_KIN_ARABIC = (
    "اهل* عائل* عايل* اسرته* امه امي والد* ابوه ابيه ابي اخوه اخيه اخته زوج* ابنه ابنته ابنا* اولاد* طفل* اقارب* قريب*"
)
_KIN_ALL = "|".join(_KIN.split())
_AHL = "|".join(_KIN_ARABIC.split())
_FETCHED = "|".join("brother" if kin == "brother*" else kin for kin in _KIN.split())  # "brothers" are recruits
_OWN = "|".join(kin for kin in _KIN_ARABIC.split() if kin != "اخوه")  # folded, "his brother" is also "brothers"
_ILL = (
    "ill|sick*|illness|dying|dead|died|death|kill*|hospital*|"
    "injur*|wound*|imprison*|jail*|prison*|arrest*|detain*|surgery|operation"
)
_ILL_ARABIC = "مريض*|مرض*|مسجون*|سجين*|معتقل*|متوفي*|توفي*|متوفا*|جريح*|مصاب*"
_SHOCK_ARABIC = "سجن*|اعتقال*|اسر|وفاه|موت|مرض*|قتل|استشهاد|علاج|معالجه|اصابه|عمليه"

REASONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "MED",
        "treatment",
        "medical",
        (
            "treat*",
            "medical*",
            "medicine*",
            "surger*",
            "wound*",
            "injur*",
            "hospital*",
            "clinic*",
            "doctor*",
            "illness",
            "sick*",
            "ill",
            "check up",
            "checkup*",
            "علاج*",
            "للتداوي",
            "تداوي",
            "مرض*",
            "مريض*",
            "اصابه",
            "اصابته",
            "مصاب*",
            "جريح*",
            "عمليه جراحيه",
            "جراحه",
            "مستشفي*",
            "مشفي",
            "طبي",
            "طبيه",
            "طبيب*",
        ),
    ),
    (
        "VIS",
        "family visit",
        "family",
        (
            "visit*",
            f"meet|meeting|see|seeing .. {_KIN_ALL}",
            "زياره*",
            "زيارت*",
            f"لقا*|روي*|يري|مقابله .. {_AHL}",
            "صله رحم",
            "صله الرحم",
        ),
    ),
    (
        "FEM",
        "family emergency",
        "family",
        (
            f"{_KIN_ALL} .. {_ILL}",
            f"{_ILL} .. {_KIN_ALL}",
            f"treat*|medical* .. {_KIN_ALL}",
            "family emergenc*",
            "family circumstance*|problem*",
            f"{_AHL} .. {_ILL_ARABIC}",
            f"{_SHOCK_ARABIC} .. {_AHL}",
            "ظرف|ظروف عائلي*",
            "ظرف|ظروف عايلي*",
        ),
    ),
    (
        "FET",
        "fetch family",
        "family",
        (f"bring*|fetch*|collect*|get .. {_FETCHED}", f"احضار*|جلب*|ادخال*|اخراج .. {_OWN}"),
    ),
    ("MAR", "marriage", "family", ("marr*", "engage*", "wedding*", "زواج*", "يتزوج", "خطوب*", "خطبه", "عقد قران*")),
    (
        "WRK",
        "work for the group",
        "group business",
        ("work*", "mission*", "task*", "assign*", "عمل", "عمله", "مهمه", "مهمته", "مهام", "تكليف*", "مكلف*", "دعوه"),
    ),
    (
        "TRD",
        "trade",
        "private business",
        (
            "trad*",
            "goods",
            "buy*",
            "sell*",
            "merchant*",
            "import*",
            "تاجر*",
            "تجار*",
            "استيراد*",
            "بضاع*",
            "بضايع",
            "شرا",
            "يشتري",
            "بيع",
        ),
    ),
    (
        "LOG",
        "logistics",
        "group business",
        (
            "smuggl*",
            "coordinat*",
            "bring*|escort* .. brothers|recruits|fighters",
            "تهريب*",
            "مهرب*",
            "تنسيق*",
            "ادخال|احضار|جلب .. =اخوه|الاخوه",
        ),
    ),
    (
        "DOC",
        "papers or money",
        "private business",
        (
            "passport*",
            "renew*",
            "papers",
            "document*",
            "salary",
            "bank",
            "transfer .. money",
            "money transfer*",
            "bank transfer*",
            "تجديد جواز*",
            "جواز|جوازه سفر*",
            "جوازه",
            "اوراق*",
            "حواله*",
            "راتب*",
        ),
    ),
    (
        "STU",
        "study",
        "private business",
        ("stud*", "exam", "exams", "universit*", "school*", "دراس*", "امتحان*", "جامعه*"),
    ),
    (
        "RED",
        "redeployment",
        "group business",
        ("redeploy*", "transfer*", "posted", "reassign*", "نقل|نقله الي|من ولايه*", "ولايه اخري", "فرز", "تحويل*"),
    ),
    (
        "RET",
        "return for good",
        "final",
        (
            "going|go|return* home",
            "return* to .. country",
            "not want to stay",
            "for good",
            "leav* .. permanent*",
            "permanent*",
            "عوده|عودته|يعود .. بلد*|بيت*",
            "رجوع*",
            "خروج نهايي",
            "نهايي*",
            "ترك",
        ),
    ),
    (
        "FLT",
        "flight",
        "final",
        (
            "fled",
            "flee*",
            "flight",
            "desert*",
            "escap*",
            "caught|arrested .. leaving",
            "outside the caliphate*",
            "هروب*",
            "هارب*",
            "هرب",
            "فرار*",
            "=فر",
            "خارج ارض الخلافه",
            "محاوله .. خروج|هروب|فرار",
        ),
    ),
    ("EXP", "expelled", "involuntary", ("expel*", "expuls*", "dismiss*", "طرد*", "مطرود*", "فصل", "مفصول")),
    (
        "DTH",
        "death",
        "involuntary",
        ("killed", "martyr*", "died", "death", "dead", "استشهد*", "شهيد*", "قتل", "وفاه", "توفي", "متوفي"),
    ),
    ("OTH", "other", "other", ()),
    (
        "UNK_blank",
        "unknown: blank",
        "unknown",
        (
            "unknown",
            "not known",
            "not stated",
            "illegible",
            "no reason",
            "none",
            "غير معروف*",
            "مجهول*",
            "لايوجد",
            "لا يوجد",
            "غير مقرو*",
        ),
    ),
    ("UNK_nofield", "unknown: no such field", "unknown", ()),
)
"""Code, reason, group and cues."""

HIERARCHY = (
    "DTH",
    "EXP",
    "FLT",
    "RET",
    "RED",
    "FEM",
    "MED",
    "FET",
    "MAR",
    "VIS",
    "STU",
    "TRD",
    "DOC",
    "LOG",
    "WRK",
    "OTH",
    "UNK_blank",
    "UNK_nofield",
)
"""Highest first: what ends membership, then what the person did not choose, then the rest."""

DOUBTFUL: tuple[tuple[str, str], ...] = (
    ("عمليه", "an operation, medical or military"),
    ("operation*", "an operation, medical or military"),
    ("نقل", "transfer or transport"),
    ("transfer*", "of a person or of money"),
    ("فصل", "dismissal, or a term of study"),
    ("not|no|never|without", "a negation"),
    ("لا|ليس|بدون|لم|لن", "a negation"),
)
"""Words at which a person should look, whatever was coded, and why."""
