"""How much a word tells: everyday words of names and companies, which must never decide a match.

Rarity within the lists gives a word's weight (match.py); the tables here lower it for words that are rare in
lists and common in life.
"""

PARTICLE_WEIGHT = 0.05
GENERIC_WEIGHT = 0.12
TELLING_WEIGHT = 0.15  # lighter words say nothing about who is meant


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Articles, kinship words, titles and honorifics, as words() writes them.
PARTICLES = _words(
    """
    al el ul ur ad ed ud as es ash ar er az ez an at bn bw wld bin ben ibn bint binti wa walad ould ouled of
    abu abou abi umm um de da do dos del della di la le los van von der den du and
    mr mrs ms miss dr prof sir eng hon jr sr ii iii haji hajji haj hajj hadji alhaji alhaj sheikh shaykh
    shaikh sheik cheikh mullah mulla maulavi mawlawi maulawi mawlavi molvi moulavi ustad ustaz qari
    mufti general gen colonel col major maj captain capt commander
    """
)

# Legal forms, in the spellings of the countries the registry serves.
LEGAL_FORMS = _words(
    """
    ltd limited ltda llc llp lp plc pty pte pvt private inc incorporated corp corporation co company cie
    compagnie sa sarl sas sasu snc scs sca sau gie eurl suarl ag gmbh kg ohg bv nv ab as oy aps spa srl
    ooo oao zao pao ao tov jsc pjsc ojsc cjsc fze fzco fzc dmcc est wll bsc saog saoc sdn bhd berhad pt tbk cv
    sociedad anonima limitada lda eirl ev ong ngo public the of and et de la le les du des di el
    for pour y e dba
    """
)

# What companies are called after their trade and place.
GENERIC_WORDS = _words(
    """
    trading trade traders general international intl global world worldwide national group holding holdings
    enterprise enterprises industry industries industrial manufacturing services service solutions systems
    bank banking banque finance financial investment investments capital credit fund insurance exchange money
    transfer remittance hawala currency changer bureau shipping maritime marine line lines navigation
    transport transportation logistics airlines air aviation travel export exports import imports impex
    commercial commerce business construction engineering technology technologies tech technical research
    development science sciences centre center institute university organization organisation association
    foundation fund trust society union committee council office agency branch network movement front army
    party islamic muslim people peoples united new first star gold golden diamond silver sun east west
    north south eastern western northern southern central africa african asia asian arab middle gulf america
    european korea korean iran iranian china hong kong kenya uganda tanzania somalia sudan libya iraq syria
    yemen afghanistan pakistan india indonesia turkey egypt rwanda congo democratic republic city green blue
    red sea ocean energy oil gas petroleum mining minerals mineral metal metals steel electric power water
    food foods agriculture farm farms shop store stores supermarket market hotel restaurant cafe pharmacy
    medical hospital clinic school college education media communication communications telecom electronics
    textile textiles garments motors auto parts spare building materials real estate properties property
    security securities management consulting consultants marketing sales supply suppliers supplies equipment
    machinery tools products production project projects design art studio brothers sons family ventures
    resources partners associates development developments relief aid charity humanitarian cooperative
    cooperation coop sacco microfinance leasing housing life health care green complex factory factories
    company companies special purpose alliance
    """
)
