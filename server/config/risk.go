package config

// What risk.mode may be.
const (
	RiskEnforce = "enforce"
	RiskShadow  = "shadow"
	RiskOff     = "off"
)

// Risk says what is odd about an order, and what that leads to.
type Risk struct {
	Mode   string `mapstructure:"mode" help:"what odd orders lead to: enforce, shadow (only note it) or off"`
	NoteAt int    `mapstructure:"note_at" help:"score from which it is kept what was odd about an order"`
	HoldAt int    `mapstructure:"hold_at" help:"score from which an order waits for staff"`
	DenyAt int    `mapstructure:"deny_at" help:"score from which an order is rejected"`

	OrdersPerHour     int      `mapstructure:"orders_per_hour" help:"how many orders a customer may place within an hour before the next is odd"`
	OrdersPerDay      int      `mapstructure:"orders_per_day" help:"how many orders a customer may place within a day before the next is odd"`
	LargeTotal        int      `mapstructure:"large_total" help:"total from which an order is odd, in whole units of its currency, or in hundreds where it has no minor unit"`
	GuestTotal        int      `mapstructure:"guest_total" help:"total from which an order of a guest is odd, as risk.large_total"`
	TimesAverage      int      `mapstructure:"times_average" help:"how many times the customer's own average makes an order odd"`
	DisposableDomains []string `mapstructure:"disposable_domains" help:"domains of e-mail addresses to throw away, comma separated, beside the well-known ones"`

	Points RiskPoints `mapstructure:"points"`
}

// RiskPoints is what each rule adds to the score; 0 turns a rule off.
type RiskPoints struct {
	Velocity        int `mapstructure:"velocity" help:"points of too many orders of one customer in a short time; 0 turns a rule off"`
	LargeTotal      int `mapstructure:"large_total" help:"points of a large total"`
	GuestTotal      int `mapstructure:"guest_total" help:"points of a large total of a guest"`
	AboveAverage    int `mapstructure:"above_average" help:"points of a total far above the customer's average"`
	OtherCountry    int `mapstructure:"other_country" help:"points of a country where no earlier order of the customer went"`
	DisposableEmail int `mapstructure:"disposable_email" help:"points of a customer with an e-mail address to throw away"`
	FirstOrder      int `mapstructure:"first_order" help:"points of a customer without an earlier order"`
}

func defaultRisk() Risk {
	return Risk{
		Mode: RiskEnforce, NoteAt: 30, HoldAt: 60, DenyAt: 100,
		OrdersPerHour: 10, OrdersPerDay: 30, LargeTotal: 10_000, GuestTotal: 2_000, TimesAverage: 10,
		DisposableDomains: []string{},
		Points: RiskPoints{
			Velocity: 40, LargeTotal: 30, GuestTotal: 35, AboveAverage: 20, OtherCountry: 20, DisposableEmail: 45, FirstOrder: 10,
		},
	}
}

// maxPoints keeps every score far from the end of the numbers.
const maxPoints = 10_000

func (p *problems) risk(r Risk) {
	p.oneOf("risk.mode", r.Mode, RiskEnforce, RiskShadow, RiskOff)
	p.check("risk.note_at", r.NoteAt >= 1 && r.NoteAt <= r.HoldAt, "must be from 1 to risk.hold_at: what leads to something is kept")
	p.check("risk.hold_at", r.HoldAt <= r.DenyAt, "must not be above risk.deny_at")
	p.between("risk.deny_at", r.DenyAt, 1, maxPoints)
	p.between("risk.orders_per_hour", r.OrdersPerHour, 1, 500)
	p.between("risk.orders_per_day", r.OrdersPerDay, 1, 500)
	p.between("risk.large_total", r.LargeTotal, 1, 1_000_000_000)
	p.between("risk.guest_total", r.GuestTotal, 1, 1_000_000_000)
	p.between("risk.times_average", r.TimesAverage, 2, 1000)
	for _, rule := range []struct {
		key    string
		points int
	}{
		{"velocity", r.Points.Velocity},
		{"large_total", r.Points.LargeTotal},
		{"guest_total", r.Points.GuestTotal},
		{"above_average", r.Points.AboveAverage},
		{"other_country", r.Points.OtherCountry},
		{"disposable_email", r.Points.DisposableEmail},
		{"first_order", r.Points.FirstOrder},
	} {
		p.between("risk.points."+rule.key, rule.points, 0, maxPoints)
	}
}
