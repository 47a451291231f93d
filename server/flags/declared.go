package flags

// The keys of the flags. Each is a promise to operators: it goes when its flag goes, and means nothing
// else before.
const (
	RiskMode    = "risk-mode"
	Amendments  = "order-amendments"
	CachedReads = "cached-reads"
)

// The variants of a switch.
const (
	On  = "on"
	Off = "off"
)

// Declare lists every flag there is, by key. riskMode is how odd orders are treated by the
// configuration.
func Declare(riskMode string) []Flag {
	return []Flag{
		{
			Key: CachedReads, Variants: []string{On, Off}, Default: On, Killed: Off,
			Description: "Whether orders that are only shown may be copies from memory or Redis. " +
				"Killed, every read asks the database: for when copies are wrong or Redis is slow.",
		},
		{
			Key: Amendments, Variants: []string{On, Off}, Default: On, Killed: Off,
			Description: "Whether the lines of confirmed orders may be changed. " +
				"Killed, that is refused with AMENDMENTS_OFF; what is under way goes on.",
		},
		{
			Key: RiskMode, Variants: []string{"enforce", "shadow", "off"}, Default: riskMode, Killed: "shadow",
			Description: "What odd orders lead to: they are held or rejected, that is only noted, or nobody looks. " +
				"Killed, it is only noted: for when good orders are held.",
		},
	}
}
