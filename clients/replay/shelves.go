package replay

import (
	"slices"
	"strings"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// shelves know what each customer has bought. They are for one goroutine.
type shelves struct {
	orders int
	sold   map[shelf][]place // oldest first
}

// shelf is where goods come from that a customer sends back.
type shelf struct{ customerID, sku string }

// place is a line of an order, from 0.
type place struct {
	sale *sale
	line int
}

// part is what comes back from one order.
type part struct {
	sale  *sale
	lines []*ordersv1.ShipmentLine
}

func newShelves() *shelves { return &shelves{sold: map[shelf][]place{}} }

func (s *shelves) add(o *ordersv1.Order) *sale {
	added := &sale{number: s.orders, order: o, left: make([]int64, len(o.GetLines())), done: make(chan struct{})}
	s.orders++
	for i, line := range o.GetLines() {
		if o.GetCustomerId() != "" && line.GetKind() == ordersv1.LineKind_LINE_KIND_GOODS {
			added.left[i] = line.GetQuantity()
			at := shelf{o.GetCustomerId(), strings.ToUpper(line.GetSku())}
			s.sold[at] = append(s.sold[at], place{added, i})
		}
	}
	return added
}

// take finds the orders that goods come back from, the newest first, as far as there are any.
func (s *shelves) take(back *ordersv1.Return) (parts []part) {
	for _, line := range back.GetLines() {
		at := shelf{back.GetCustomerId(), strings.ToUpper(line.GetSku())}
		quantity := line.GetQuantity()
		for quantity > 0 && len(s.sold[at]) > 0 {
			last := s.sold[at][len(s.sold[at])-1]
			taken := min(quantity, last.sale.left[last.line])
			quantity -= taken
			last.sale.left[last.line] -= taken
			if last.sale.left[last.line] == 0 {
				s.sold[at] = s.sold[at][:len(s.sold[at])-1]
			}
			parts = add(parts, last, taken)
		}
	}
	return parts
}

func add(parts []part, from place, quantity int64) []part {
	at := slices.IndexFunc(parts, func(p part) bool { return p.sale == from.sale })
	if at < 0 {
		at, parts = len(parts), append(parts, part{sale: from.sale})
	}
	position := int32(from.line + 1) //nolint:gosec // at most 1,000 lines
	for _, line := range parts[at].lines {
		if line.GetPosition() == position { // the document has the SKU twice
			line.Quantity += quantity
			return parts
		}
	}
	parts[at].lines = append(parts[at].lines, &ordersv1.ShipmentLine{Position: position, Quantity: quantity})
	return parts
}
