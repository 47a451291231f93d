package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// topCount is how many entries the top lists have.
const topCount = 5

// finish makes the lists and counts that need everything to be there.
func (s *section) finish() Section {
	made := &s.made
	made.Documents = made.Orders.Count + made.NoChargeOnly.Count + made.Cancellations.Count
	made.DistinctCustomers = int64(len(s.customers))
	made.DistinctSKUs = int64(len(s.skus))
	made.OrdersDigest = s.orderDigest.sum()
	made.CancellationsDigest = s.returnDigest.sum()
	s.finishSKUs()
	s.finishCustomers()
	made.ByMonth = []Month{}
	for _, name := range slices.Sorted(maps.Keys(s.months)) {
		s.months[name].Month = name
		made.ByMonth = append(made.ByMonth, *s.months[name])
	}
	made.ByCountry = []ByCountry{}
	for name, country := range s.countries {
		country.Country = name
		made.ByCountry = append(made.ByCountry, *country)
	}
	slices.SortFunc(made.ByCountry, func(x, y ByCountry) int {
		return cmp.Or(cmp.Compare(y.AmountMinor, x.AmountMinor), cmp.Compare(x.Country, y.Country))
	})
	return *made
}

func (s *section) finishSKUs() {
	exact := make([]TopSKU, 0, len(s.skus))
	upper := map[string]*TopSKU{}
	for _, name := range slices.Sorted(maps.Keys(s.skus)) {
		one := s.skus[name].TopSKU
		one.SKU = name
		folded := entry(upper, strings.ToUpper(name))
		folded.SKU = strings.ToUpper(name)
		folded.Description = cmp.Or(folded.Description, one.Description)
		folded.Units += one.Units
		s.add(&folded.AmountMinor, one.AmountMinor)
		exact = append(exact, one)
	}
	folded := make([]TopSKU, 0, len(upper))
	for _, one := range upper {
		folded = append(folded, *one)
	}
	units := func(one TopSKU) int64 { return one.Units }
	amount := func(one TopSKU) int64 { return one.AmountMinor }
	s.made.DistinctSKUsUpperCase = int64(len(upper))
	s.made.TopSKUsByUnits = top(exact, units)
	s.made.TopSKUsByUnitsUpper = top(folded, units)
	s.made.TopSKUsByAmount = top(exact, amount)
}

func (s *section) finishCustomers() {
	all := make([]TopEntry, 0, len(s.customers))
	for id, who := range s.customers {
		who.CustomerID = id
		if who.free {
			s.made.NoChargeOnly.DistinctCustomers++
		}
		if who.Orders > 0 {
			all = append(all, who.TopEntry)
		}
	}
	slices.SortFunc(all, func(x, y TopEntry) int {
		return cmp.Or(cmp.Compare(y.AmountMinor, x.AmountMinor), cmp.Compare(x.CustomerID, y.CustomerID))
	})
	s.made.Orders.DistinctCustomers = int64(len(all))
	s.made.TopCustomersByAmount = slices.Clip(all[:min(topCount, len(all))])
}

// top gives the first few by a figure, ties by ascending SKU, without those that have none.
func top(all []TopSKU, figure func(TopSKU) int64) []TopSKU {
	slices.SortFunc(all, func(x, y TopSKU) int {
		return cmp.Or(cmp.Compare(figure(y), figure(x)), cmp.Compare(x.SKU, y.SKU))
	})
	best := []TopSKU{}
	for _, one := range all[:min(topCount, len(all))] {
		if figure(one) > 0 {
			best = append(best, one)
		}
	}
	return best
}
