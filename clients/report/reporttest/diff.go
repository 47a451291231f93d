package reporttest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderprocessing/orderprocessing/clients/report"
)

// DiffRetail tells where a section differs from the published figures of Online Retail; nothing
// when it does not. Without matching, what the server makes of returns is left out.
func DiffRetail(want *Retail, got report.Section, matching bool) string {
	wanted, have := *want, retailOf(got)
	wanted.Lines = map[string]Sum{}
	for kind := range have.Lines {
		wanted.Lines[kind] = want.Lines[kind]
	}
	if !matching {
		wanted.Cancellations.Matching, have.Cancellations.Matching = Matching{}, Matching{}
	}
	return cmp.Diff(wanted, have)
}

// DiffNorthwind tells where a section differs from the published figures of Northwind.
func DiffNorthwind(want *Northwind, got report.Section) string {
	orders := got.Orders
	return cmp.Diff(*want, Northwind{
		Currency: got.CurrencyCode, Orders: orders.Count, Lines: orders.Lines, Units: orders.Units,
		GrossMinor: orders.GrossMinor, AmountMinor: orders.AmountMinor, ShippingMinor: orders.ShippingMinor,
		DistinctCustomers: orders.DistinctCustomers, DistinctProducts: got.DistinctSKUs,
		DiscountedLines: orders.DiscountedLines, Unfulfilled: orders.Unfulfilled,
		FirstDate: format(orders.FirstTime, time.DateOnly), LastDate: format(orders.LastTime, time.DateOnly),
		TopSKUs: list(got.TopSKUsByUnits, func(s report.TopSKU) Top {
			return Top{SKU: s.SKU, Name: s.Description, Units: s.Units}
		}),
	})
}

// retailOf brings a section into the words of the published figures.
func retailOf(got report.Section) Retail {
	orders, free, back := got.Orders, got.NoChargeOnly, got.Cancellations
	return Retail{
		Currency:  got.CurrencyCode,
		Documents: Documents{Order: orders.Count, NoChargeOnly: free.Count, Cancellation: back.Count},
		Lines: map[string]Sum{
			"cancellation": {Lines: back.Lines, Units: back.Units, AmountMinor: back.AmountMinor},
		},
		Orders: RetailOrders{
			Orders: orders.Count, Lines: orders.Lines, Units: orders.Units, AmountMinor: orders.AmountMinor,
			WithCustomer: orders.WithCustomer, WithoutCustomer: orders.WithoutCustomer,
			DistinctCustomers: orders.DistinctCustomers,
			FirstTime:         format(orders.FirstTime, time.DateTime),
			LastTime:          format(orders.LastTime, time.DateTime), Digest: got.OrdersDigest,
		},
		Cancellations: RetailReturns{
			Documents: back.Count, Lines: back.Lines, Units: back.Units, AmountMinor: back.AmountMinor,
			WithCustomer: back.WithCustomer, ServiceOnly: back.ServiceOnly, ProductLines: back.ProductLines,
			Digest: got.CancellationsDigest,
			Matching: Matching{
				LinesCovered: back.ProductLinesCovered, UnitsCovered: back.ProductUnitsCovered,
				LinesNotCovered: back.ProductLinesBlind, UnitsNotCovered: back.ProductUnitsBlind,
				DocumentsCovered: back.EveryProductLine,
			},
		},
		TopSKUs: list(got.TopSKUsByUnits, func(s report.TopSKU) Top {
			return Top{SKU: s.SKU, Units: s.Units, Description: s.Description}
		}),
		TopSKUsUpperCased: list(got.TopSKUsByUnitsUpper, func(s report.TopSKU) Top {
			return Top{SKU: s.SKU, Units: s.Units}
		}),
		TopSKUsByAmount: list(got.TopSKUsByAmount, func(s report.TopSKU) Top {
			return Top{SKU: s.SKU, AmountMinor: s.AmountMinor}
		}),
		TopCustomers: list(got.TopCustomersByAmount, func(e report.TopEntry) Top {
			return Top{Customer: e.CustomerID, AmountMinor: e.AmountMinor}
		}),
		ByMonth: list(got.ByMonth, func(m report.Month) RetailMonth {
			return RetailMonth{Month: m.Month, Orders: m.Orders, Lines: m.OrderLines, Units: m.Units,
				AmountMinor: m.AmountMinor, Cancellations: m.Cancellations,
				CancellationAmountMinor: m.CancellationAmountMinor}
		}),
		ByCountry: list(got.ByCountry, func(c report.ByCountry) RetailByCountry {
			return RetailByCountry{Country: c.Country, Orders: c.Orders, Lines: c.Lines, AmountMinor: c.AmountMinor}
		}),
	}
}

func list[From, To any](from []From, convert func(From) To) []To {
	made := make([]To, len(from))
	for i := range from {
		made[i] = convert(from[i])
	}
	return made
}

func format(t *time.Time, layout string) string {
	if t == nil {
		return ""
	}
	return t.Format(layout)
}
