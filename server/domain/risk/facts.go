package risk

import (
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Facts is what the rules look at. It depends on the order and on those before it alone, not on when
// they are looked at.
type Facts struct {
	Guest       bool
	EmailDomain string // lower case; empty unless the customer goes by an e-mail address
	Total       money.Minor
	Currency    money.Currency
	Country     string // where it goes; may be empty

	LastHour, LastDay int         // orders of the customer in the hour and the day before this one
	Sold              int         // earlier orders that were confirmed
	SameCurrency      int         // of these, in the currency of this order
	Average           money.Minor // of those in the same currency
	Countries         []string    // where the sold ones went, each once
}

// FactsOf gathers facts about an order. earlier is what the same customer ordered before it; drafts
// among it do not count. It fails with AMOUNT_OVERFLOW when a total is no amount.
func FactsOf(o order.Order, earlier []order.Order) (f Facts, err error) {
	f = Facts{
		Guest: o.CustomerID == "", EmailDomain: emailDomain(o.CustomerID),
		Currency: o.Currency, Country: country(o),
	}
	if f.Total, err = o.Total(); err != nil {
		return f, err
	}
	var totals []money.Minor
	for _, e := range earlier {
		if e.Lifecycle == order.Draft {
			continue
		}
		f.count(o.Created.Sub(e.Created))
		if e.Lifecycle != order.Confirmed && e.Lifecycle != order.Completed {
			continue
		}
		f.Sold++
		f.visit(country(e))
		if e.Currency != o.Currency {
			continue
		}
		total, err := e.Total()
		if err != nil {
			return f, err
		}
		totals = append(totals, total)
	}
	f.SameCurrency, f.Average = len(totals), average(totals)
	return f, nil
}

func (f *Facts) count(before time.Duration) {
	if before <= time.Hour {
		f.LastHour++
	}
	if before <= 24*time.Hour {
		f.LastDay++
	}
}

func (f *Facts) visit(place string) {
	if place != "" && !contains(f.Countries, place) {
		f.Countries = append(f.Countries, place)
	}
}

// average rounds each amount down rather than overflow.
func average(amounts []money.Minor) (mean money.Minor) {
	for _, a := range amounts {
		mean += a / money.Minor(len(amounts))
	}
	return mean
}

func country(o order.Order) string { return strings.TrimSpace(o.ShipTo.Country) }

// emailDomain gives the domain of what looks like an e-mail address, lower case.
func emailDomain(customerID string) string {
	at := strings.LastIndexByte(customerID, '@')
	if at < 1 {
		return ""
	}
	domain := strings.ToLower(strings.Trim(customerID[at+1:], ". "))
	if !strings.Contains(domain, ".") {
		return ""
	}
	return domain
}

func contains(places []string, place string) bool {
	for _, p := range places {
		if strings.EqualFold(p, place) {
			return true
		}
	}
	return false
}
