package risk_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/risk"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func strict() risk.Rules {
	return risk.Rules{
		HoldAt: 60, DenyAt: 100, OrdersPerHour: 2, OrdersPerDay: 4,
		LargeTotal: 1000, GuestTotal: 100, TimesAverage: 5, DisposableDomains: []string{"bin.example"},
		Points: risk.Points{
			Velocity: 40, LargeTotal: 30, GuestTotal: 35, AboveAverage: 20, OtherCountry: 15, DisposableEmail: 45, FirstOrder: 10,
		},
	}
}

// known are the facts of an order with nothing odd about it.
func known() risk.Facts {
	return risk.Facts{
		Total: 5000, Currency: "GBP", Country: "GB",
		Sold: 3, SameCurrency: 3, Average: 4000, Countries: []string{"FR", "GB"},
	}
}

func TestRules_Assess(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*risk.Facts)
		rules   []string // most points first
		score   int
		outcome risk.Outcome
	}{
		"an ordinary order passes":              {func(*risk.Facts) {}, nil, 0, risk.Pass},
		"a first order alone passes":            {func(f *risk.Facts) { *f = risk.Facts{Total: 5000, Currency: "GBP"} }, []string{"FIRST_ORDER"}, 10, risk.Pass},
		"one order in the hour is fine":         {func(f *risk.Facts) { f.LastHour, f.LastDay = 1, 1 }, nil, 0, risk.Pass},
		"many in the hour are odd":              {func(f *risk.Facts) { f.LastHour, f.LastDay = 2, 2 }, []string{"VELOCITY"}, 40, risk.Pass},
		"many in the day are odd":               {func(f *risk.Facts) { f.LastDay = 4 }, []string{"VELOCITY"}, 40, risk.Pass},
		"many in both count once":               {func(f *risk.Facts) { f.LastHour, f.LastDay = 9, 9 }, []string{"VELOCITY"}, 40, risk.Pass},
		"almost large is not":                   {func(f *risk.Facts) { f.Total, f.Average = 99999, 90000 }, nil, 0, risk.Pass},
		"large is odd":                          {func(f *risk.Facts) { f.Total, f.Average = 100000, 90000 }, []string{"LARGE_TOTAL"}, 30, risk.Pass},
		"large where there is no minor unit":    {func(f *risk.Facts) { f.Total, f.Average, f.Currency = 100000, 90000, "JPY" }, []string{"LARGE_TOTAL"}, 30, risk.Pass},
		"almost large in thousandths is not":    {func(f *risk.Facts) { f.Total, f.Average, f.Currency = 999999, 900000, "KWD" }, nil, 0, risk.Pass},
		"large in thousandths":                  {func(f *risk.Facts) { f.Total, f.Average, f.Currency = 1000000, 900000, "KWD" }, []string{"LARGE_TOTAL"}, 30, risk.Pass},
		"a small guest passes":                  {func(f *risk.Facts) { *f = risk.Facts{Guest: true, Total: 9999, Currency: "GBP"} }, nil, 0, risk.Pass},
		"a guest with much is odd":              {func(f *risk.Facts) { *f = risk.Facts{Guest: true, Total: 10000, Currency: "GBP"} }, []string{"GUEST_LARGE_TOTAL"}, 35, risk.Pass},
		"a guest with very much waits":          {func(f *risk.Facts) { *f = risk.Facts{Guest: true, Total: 100000, Currency: "GBP"} }, []string{"GUEST_LARGE_TOTAL", "LARGE_TOTAL"}, 65, risk.Hold},
		"almost five times the average is not":  {func(f *risk.Facts) { f.Total = 19999 }, nil, 0, risk.Pass},
		"five times the average is odd":         {func(f *risk.Facts) { f.Total = 20000 }, []string{"ABOVE_AVERAGE"}, 20, risk.Pass},
		"two orders make no average":            {func(f *risk.Facts) { f.Total, f.SameCurrency = 20000, 2 }, nil, 0, risk.Pass},
		"an average of nothing is none":         {func(f *risk.Facts) { f.Average = 0 }, nil, 0, risk.Pass},
		"a new country is odd":                  {func(f *risk.Facts) { f.Country = "US" }, []string{"OTHER_COUNTRY"}, 15, risk.Pass},
		"a known country in other letters":      {func(f *risk.Facts) { f.Country = "fr" }, nil, 0, risk.Pass},
		"no country is none":                    {func(f *risk.Facts) { f.Country = "" }, nil, 0, risk.Pass},
		"without earlier countries none is new": {func(f *risk.Facts) { f.Countries = nil }, nil, 0, risk.Pass},
		"an address to throw away":              {func(f *risk.Facts) { f.EmailDomain = "mailinator.com" }, []string{"DISPOSABLE_EMAIL"}, 45, risk.Pass},
		"one below such a domain":               {func(f *risk.Facts) { f.EmailDomain = "a.b.mailinator.com" }, []string{"DISPOSABLE_EMAIL"}, 45, risk.Pass},
		"one that only ends alike":              {func(f *risk.Facts) { f.EmailDomain = "notmailinator.com" }, nil, 0, risk.Pass},
		"one of the shop's own list":            {func(f *risk.Facts) { f.EmailDomain = "bin.example" }, []string{"DISPOSABLE_EMAIL"}, 45, risk.Pass},
		"an ordinary address":                   {func(f *risk.Facts) { f.EmailDomain = "gmail.com" }, nil, 0, risk.Pass},
		"three oddities wait": {
			func(f *risk.Facts) { f.EmailDomain, f.Country, f.Sold = "yopmail.com", "US", 0 },
			[]string{"DISPOSABLE_EMAIL", "OTHER_COUNTRY", "FIRST_ORDER"}, 70, risk.Hold,
		},
		"many oddities are denied": {
			func(f *risk.Facts) { f.EmailDomain, f.LastHour, f.Total, f.Average = "yopmail.com", 5, 100000, 90000 },
			[]string{"DISPOSABLE_EMAIL", "VELOCITY", "LARGE_TOTAL"}, 115, risk.Deny,
		},
	} {
		t.Run(name, func(t *testing.T) {
			facts := known()
			tt.change(&facts)
			a := strict().Assess(facts)
			var rules []string
			for _, r := range a.Reasons {
				rules = append(rules, r.Rule)
				require.NotEmpty(t, r.Explanation)
			}
			require.Equal(t, tt.rules, rules)
			require.Equal(t, tt.score, a.Score)
			require.Equal(t, tt.outcome, a.Outcome)
		})
	}
	t.Run("in shadow mode the outcome is what it would be, and says so", func(t *testing.T) {
		rules := strict()
		rules.Shadow = true
		a := rules.Assess(risk.Facts{Guest: true, Total: 100000, Currency: "GBP"})
		require.True(t, a.Shadow)
		require.Equal(t, risk.Hold, a.Outcome)
	})
	t.Run("a rule without points is off", func(t *testing.T) {
		rules := strict()
		rules.Points.LargeTotal = 0
		a := rules.Assess(risk.Facts{Sold: 1, Total: 100000, Currency: "GBP"})
		require.Empty(t, a.Reasons)
	})
	t.Run("an explanation says what was found", func(t *testing.T) {
		facts := known()
		facts.LastHour, facts.Total, facts.Average, facts.Currency = 3, 100000, 90000, "JPY"
		var explanations []string
		for _, r := range strict().Assess(facts).Reasons {
			explanations = append(explanations, r.Explanation)
		}
		require.Equal(t, []string{"the customer ordered 3 times in the hour before", "the total is 100000 JPY or more"}, explanations)
	})
}

func TestFactsOf(t *testing.T) {
	placed := func(before time.Duration, l order.Lifecycle, total money.Minor, country string) order.Order {
		o := order.Order{Lifecycle: l, Created: noon.Add(-before)}
		o.CustomerID, o.Currency, o.ShipTo.Country = "cus_1", "GBP", country
		o.Lines = []order.Line{{SKU: "A", Quantity: 1, UnitPrice: total}}
		return o
	}
	now := placed(0, order.Pending, 700, " GB ")

	t.Run("a guest has no history", func(t *testing.T) {
		guest := now
		guest.CustomerID = ""
		f, err := risk.FactsOf(guest, nil)
		require.NoError(t, err)
		require.Equal(t, risk.Facts{Guest: true, Total: 700, Currency: "GBP", Country: "GB"}, f)
	})
	t.Run("orders are counted by their age, and sold ones make habits", func(t *testing.T) {
		dollars := placed(40*time.Hour, order.Completed, 9000, "US")
		dollars.Currency = "USD"
		f, err := risk.FactsOf(now, []order.Order{
			placed(time.Minute, order.Draft, 1, "XX"),
			placed(time.Hour, order.Pending, 1, "XX"),
			placed(time.Hour+1, order.Rejected, 1, "XX"),
			placed(24*time.Hour, order.Confirmed, 100, "FR"),
			placed(24*time.Hour+1, order.Completed, 200, "fr"),
			dollars,
		})
		require.NoError(t, err)
		require.Equal(t, risk.Facts{
			Total: 700, Currency: "GBP", Country: "GB",
			LastHour: 1, LastDay: 3, Sold: 3, SameCurrency: 2, Average: 150, Countries: []string{"FR", "US"},
		}, f)
	})
	t.Run("a customer may go by an e-mail address", func(t *testing.T) {
		for customer, want := range map[string]string{
			"cus_1": "", "a@b": "", "@b.example": "", "a@B.Example": "b.example", "a@x@b.example.": "b.example", "a@": "",
		} {
			o := now
			o.CustomerID = customer
			f, err := risk.FactsOf(o, nil)
			require.NoError(t, err)
			require.Equal(t, want, f.EmailDomain, customer)
		}
	})
	t.Run("a total that is no amount is refused", func(t *testing.T) {
		broken := placed(time.Hour, order.Confirmed, math.MaxInt64, "GB")
		broken.Shipping = 1
		_, err := risk.FactsOf(now, []order.Order{broken})
		require.Error(t, err)
		_, err = risk.FactsOf(broken, nil)
		require.Error(t, err)
	})
}

func TestRules_History(t *testing.T) {
	t.Run("is enough for every rule", func(t *testing.T) {
		require.Equal(t, 20, strict().History())
		require.Equal(t, 50, risk.Rules{OrdersPerDay: 50}.History())
	})
}

// FuzzAssess holds what every assessment promises, whatever the facts and the rules.
func FuzzAssess(f *testing.F) {
	f.Add("a@mailinator.com", "GB", "FR", int64(5000), int64(100), int64(1000), uint8(3), uint8(40), uint8(5))
	f.Add("", "", "", int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), uint8(255), uint8(255), uint8(0))
	f.Fuzz(func(t *testing.T, customer, country, before string, total, earlier, limit int64, count, points, times uint8) {
		o := order.Order{ID: order.NewID(noon, customer, ""), Created: noon}
		o.CustomerID, o.Currency, o.ShipTo.Country = customer, "KWD", country
		o.Lines = []order.Line{{Quantity: 1, UnitPrice: money.Minor(total & math.MaxInt64)}}
		var history []order.Order
		for i := range int(count) {
			e := o
			e.ID, e.Lifecycle = order.ID{UUID: id.New(noon, 0)}, order.Lifecycle(i%10+1) //nolint:gosec // small
			e.Created = noon.Add(-time.Duration(i) * time.Hour / 7)
			e.ShipTo.Country, e.Lines = before, []order.Line{{Quantity: 1, UnitPrice: money.Minor(earlier & math.MaxInt64)}}
			history = append(history, e)
		}
		facts, err := risk.FactsOf(o, history)
		require.NoError(t, err)
		require.LessOrEqual(t, facts.LastHour, facts.LastDay)
		require.GreaterOrEqual(t, facts.Average, money.Minor(0))

		rules := strict()
		rules.LargeTotal, rules.GuestTotal, rules.TimesAverage = limit, limit, int(times)
		rules.Points.Velocity, rules.Points.AboveAverage = int(points), int(points)/2
		a := rules.Assess(facts)
		sum := 0
		for _, r := range a.Reasons {
			require.Positive(t, r.Points)
			require.NotEmpty(t, r.Explanation)
			sum += r.Points
		}
		require.Equal(t, sum, a.Score)
		require.True(t, slices.IsSortedFunc(a.Reasons, func(x, y risk.Reason) int { return y.Points - x.Points }))
		require.Equal(t, a.Score >= rules.DenyAt, a.Outcome == risk.Deny)
		require.Equal(t, a.Score < rules.HoldAt, a.Outcome == risk.Pass)
		require.Equal(t, a, rules.Assess(facts))
	})
}
