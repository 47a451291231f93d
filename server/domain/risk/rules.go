package risk

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Rules say what is odd, how odd it is, and what that leads to.
type Rules struct {
	HoldAt, DenyAt int  // the scores from which an order is held or denied
	Shadow         bool // only note the outcome

	OrdersPerHour, OrdersPerDay int // a customer's next order is odd after as many
	// Totals from which an order is large, and one of a guest is, in whole units of its currency. Where
	// the currency has no minor unit, a hundred of it count as one.
	LargeTotal, GuestTotal int64
	TimesAverage           int      // how many times the customer's average is odd
	DisposableDomains      []string // lower case; beside those that are built in
	Points                 Points
}

// Points is how much each rule adds to the score; 0 turns a rule off.
type Points struct {
	Velocity, LargeTotal, GuestTotal, AboveAverage, OtherCountry, DisposableEmail, FirstOrder int
}

// minHistory is how many earlier orders tell a customer's habits.
const minHistory = 20

// minForAverage is from how many orders on an average means something.
const minForAverage = 3

// History is how many earlier orders, newest first, the rules need to see.
func (r Rules) History() int { return max(minHistory, r.OrdersPerHour, r.OrdersPerDay) }

// Assess applies every rule. The same facts make the same assessment. What it is about and when it
// was made is left to the caller.
func (r Rules) Assess(f Facts) Assessment {
	a := Assessment{Outcome: Pass, Shadow: r.Shadow}
	for _, rule := range []struct {
		name   string
		points int
		find   func(Facts) string
	}{
		{"VELOCITY", r.Points.Velocity, r.velocity},
		{"LARGE_TOTAL", r.Points.LargeTotal, r.largeTotal},
		{"GUEST_LARGE_TOTAL", r.Points.GuestTotal, r.guestTotal},
		{"ABOVE_AVERAGE", r.Points.AboveAverage, r.aboveAverage},
		{"OTHER_COUNTRY", r.Points.OtherCountry, otherCountry},
		{"DISPOSABLE_EMAIL", r.Points.DisposableEmail, r.disposableEmail},
		{"FIRST_ORDER", r.Points.FirstOrder, firstOrder},
	} {
		if rule.points == 0 {
			continue
		}
		if found := rule.find(f); found != "" {
			a.Score += rule.points
			a.Reasons = append(a.Reasons, Reason{Rule: rule.name, Points: rule.points, Explanation: found})
		}
	}
	slices.SortStableFunc(a.Reasons, func(x, y Reason) int { return cmp.Compare(y.Points, x.Points) })
	switch {
	case a.Score >= r.DenyAt:
		a.Outcome = Deny
	case a.Score >= r.HoldAt:
		a.Outcome = Hold
	}
	return a
}

func (r Rules) velocity(f Facts) string {
	switch {
	case f.LastHour >= r.OrdersPerHour:
		return fmt.Sprintf("the customer ordered %d times in the hour before", f.LastHour)
	case f.LastDay >= r.OrdersPerDay:
		return fmt.Sprintf("the customer ordered %d times in the day before", f.LastDay)
	}
	return ""
}

func (r Rules) largeTotal(f Facts) string {
	if f.Total < inMinor(r.LargeTotal, f.Currency) {
		return ""
	}
	return fmt.Sprintf("the total is %d %s or more", r.LargeTotal*unit(f.Currency), f.Currency)
}

func (r Rules) guestTotal(f Facts) string {
	if !f.Guest || f.Total < inMinor(r.GuestTotal, f.Currency) {
		return ""
	}
	return fmt.Sprintf("the total is %d %s or more, and nobody knows the customer", r.GuestTotal*unit(f.Currency), f.Currency)
}

func (r Rules) aboveAverage(f Facts) string {
	if r.TimesAverage < 1 || f.SameCurrency < minForAverage || f.Average <= 0 ||
		f.Total/money.Minor(r.TimesAverage) < f.Average {
		return ""
	}
	return fmt.Sprintf("the total is %d times the customer's average or more", r.TimesAverage)
}

func otherCountry(f Facts) string {
	if f.Country == "" || len(f.Countries) == 0 || contains(f.Countries, f.Country) {
		return ""
	}
	return fmt.Sprintf("the parcel goes to %q, earlier ones went to %q", f.Country, f.Countries[0])
}

func (r Rules) disposableEmail(f Facts) string {
	for domain := f.EmailDomain; domain != ""; {
		if slices.Contains(disposableDomains, domain) || slices.Contains(r.DisposableDomains, domain) {
			return fmt.Sprintf("%s gives e-mail addresses to throw away", domain)
		}
		_, domain, _ = strings.Cut(domain, ".") // a subdomain is as good
	}
	return ""
}

func firstOrder(f Facts) string {
	if f.Guest || f.Sold > 0 {
		return ""
	}
	return "no earlier order of the customer was confirmed"
}

// unit is how many of a currency count as one whole unit.
func unit(c money.Currency) int64 {
	if exponent, ok := c.Exponent(); ok && exponent == 0 {
		return 100
	}
	return 1
}

// inMinor gives whole units in minor units; more than fits is all that fits.
func inMinor(units int64, c money.Currency) money.Minor {
	factor := int64(100)
	if exponent, ok := c.Exponent(); ok {
		factor = int64(math.Pow10(max(exponent, 2)))
	}
	amount, err := money.Minor(units).Times(factor)
	if err != nil {
		return math.MaxInt64
	}
	return amount
}
