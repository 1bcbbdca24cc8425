package tpch

// The vocabulary of clause 4.2.2.13, shortened where its length plays no part.
var (
	regions = []string{"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}

	nations = []struct {
		name   string
		region int
	}{
		{"ALGERIA", 0}, {"ARGENTINA", 1}, {"BRAZIL", 1}, {"CANADA", 1}, {"EGYPT", 4}, {"ETHIOPIA", 0},
		{"FRANCE", 3}, {"GERMANY", 3}, {"INDIA", 2}, {"INDONESIA", 2}, {"IRAN", 4}, {"IRAQ", 4}, {"JAPAN", 2},
		{"JORDAN", 4}, {"KENYA", 0}, {"MOROCCO", 0}, {"MOZAMBIQUE", 0}, {"PERU", 1}, {"CHINA", 2}, {"ROMANIA", 3},
		{"SAUDI ARABIA", 4}, {"VIETNAM", 2}, {"RUSSIA", 3}, {"UNITED KINGDOM", 3}, {"UNITED STATES", 1},
	}

	colours = []string{
		"almond", "antique", "aquamarine", "azure", "beige", "bisque", "black", "blanched", "blue", "blush", "brown",
		"burlywood", "chartreuse", "chocolate", "coral", "cornflower", "cream", "cyan", "dark", "deep", "dim", "dodger",
		"drab", "firebrick", "floral", "forest", "frosted", "gainsboro", "ghost", "goldenrod", "green", "grey", "honeydew",
		"hot", "indian", "ivory", "khaki", "lace", "lavender", "lemon", "light", "lime", "linen", "magenta", "maroon",
		"medium", "metallic", "midnight", "mint", "misty", "navy", "olive", "orange", "orchid", "pale", "peach", "pink",
		"plum", "powder", "purple", "red", "rose", "royal", "salmon", "sandy", "seashell", "sienna", "sky", "slate",
		"smoke", "snow", "spring", "steel", "tan", "thistle", "tomato", "turquoise", "violet", "wheat", "white", "yellow",
	}
	typeSizes  = []string{"STANDARD", "SMALL", "MEDIUM", "LARGE", "ECONOMY", "PROMO"}
	typeFinish = []string{"ANODIZED", "BURNISHED", "PLATED", "POLISHED", "BRUSHED"}
	typeMetals = []string{"TIN", "NICKEL", "BRASS", "STEEL", "COPPER"}
	boxSizes   = []string{"SM", "LG", "MED", "JUMBO", "WRAP"}
	boxKinds   = []string{"CASE", "BOX", "BAG", "JAR", "PKG", "PACK", "CAN", "DRUM"}
	segments   = []string{"AUTOMOBILE", "BUILDING", "FURNITURE", "MACHINERY", "HOUSEHOLD"}
	priorities = []string{"1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"}
	instructs  = []string{"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"}
	modes      = []string{"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"}
	proseWords = []string{
		"foxes", "ideas", "theodolites", "pinto", "beans", "instructions", "dependencies", "excuses", "platelets",
		"asymptotes", "courts", "dolphins", "multipliers", "sauternes", "warthogs", "frets", "dinos", "attainments",
		"somas", "patterns", "forges", "braids", "frays", "warhorses", "dugouts", "notornis", "epitaphs", "pearls",
		"tithes", "waters", "orbits", "gifts", "sheaves", "depths", "sentiments", "decoys", "realms", "pains", "grouches",
		"escapades", "sleep", "wake", "are", "cajole", "haggle", "nag", "use", "boost", "affix", "detect", "integrate",
		"maintain", "nod", "was", "lose", "sublate", "solve", "thrash", "promise", "engage", "hinder", "print", "doze",
		"run", "dazzle", "snooze", "unwind", "kindle", "play", "hang", "believe", "doubt", "furious", "sly", "careful",
		"blithe", "quick", "fluffy", "slow", "quiet", "ruthless", "thin", "close", "dogged", "daring", "brave", "stealthy",
		"permanent", "enticing", "idle", "busy", "regular", "final", "ironic", "even", "bold", "silent", "special",
		"requests", "accounts", "packages", "deposits", "unusual", "pending", "express", "Customer", "Complaints",
	}
)

// proseBytes is the size of the pool that comments are cut from.
const proseBytes = 1 << 18

// newProse makes the pool, as dbgen does, from which a comment is any piece.
func newProse(seed uint64) string {
	r := random{seed}
	b := make([]byte, 0, proseBytes+16)
	for len(b) < proseBytes {
		b = append(b, r.pick(proseWords)...)
		b = append(b, ' ')
	}
	return string(b[:proseBytes])
}

func (g *Generator) prose(r *random, low, high int64) string {
	n := r.between(low, high)
	at := r.between(0, proseBytes-n)
	return g.text[at : at+n]
}
