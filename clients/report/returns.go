package report

import (
	"cmp"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func (s *section) addReturn(back *ordersv1.Return) {
	figures := &s.made.Cancellations
	created := back.CreateTime.AsTime()
	figures.Count++
	figures.Lines += int64(len(back.Lines))
	widen(&figures.FirstTime, &figures.LastTime, created)
	if s.customer(back.CustomerId) == nil {
		figures.WithoutCustomer++
	} else {
		figures.WithCustomer++
	}
	units, amount := s.addReturnLines(back)
	figures.Units -= units
	s.add(&figures.AmountMinor, -amount)
	month := s.month(created)
	month.Cancellations++
	s.add(&month.CancellationAmountMinor, -amount)
	s.returnDigest.add(cmp.Or(back.Number, back.Id), back.CustomerId, len(back.Lines), -units, -amount)
}

// addReturnLines adds up the lines, and what of them earlier orders cover.
func (s *section) addReturnLines(back *ordersv1.Return) (units, amount int64) {
	figures := &s.made.Cancellations
	var goods, products, covered int
	for _, line := range back.Lines {
		s.sku(line.Sku)
		units += line.Quantity
		s.add(&amount, line.AmountMinor)
		if line.Kind == ordersv1.LineKind_LINE_KIND_SERVICE {
			continue
		}
		goods++
		if back.CustomerId == "" {
			continue
		}
		products++
		var matched int64
		for _, match := range line.Matches {
			matched += match.Quantity
		}
		switch {
		case matched >= line.Quantity:
			covered++
			figures.ProductUnitsCovered += line.Quantity
			continue
		case matched > 0:
			figures.ProductLinesPartial++
		}
		figures.ProductUnitsBlind += line.Quantity
	}
	figures.ProductLines += int64(products)
	figures.ProductLinesCovered += int64(covered)
	figures.ProductLinesBlind += int64(products - covered)
	if goods == 0 {
		figures.ServiceOnly++
	}
	if products > 0 && covered == products {
		figures.EveryProductLine++
	}
	return units, amount
}
