package replay

import (
	"testing"

	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func TestShelves_Take(t *testing.T) {
	order := func(customerID string, lines ...*ordersv1.Line) *ordersv1.Order {
		return &ordersv1.Order{CustomerId: customerID, Lines: lines}
	}
	line := func(sku string, quantity int64) *ordersv1.Line {
		return &ordersv1.Line{Sku: sku, Quantity: quantity, Kind: ordersv1.LineKind_LINE_KIND_GOODS}
	}
	back := func(customerID string, lines ...*ordersv1.Line) *ordersv1.Return {
		r := &ordersv1.Return{CustomerId: customerID}
		for _, l := range lines {
			r.Lines = append(r.Lines, &ordersv1.ReturnLine{Sku: l.GetSku(), Quantity: l.GetQuantity(), Kind: l.GetKind()})
		}
		return r
	}
	type taken struct {
		order, position int
		quantity        int64
	}
	for name, test := range map[string]struct {
		orders []*ordersv1.Order
		backs  []*ordersv1.Return
		want   []taken
	}{
		"goods come back from the newest order": {
			[]*ordersv1.Order{order("a", line("x", 2)), order("a", line("y", 1), line("x", 2)), order("b", line("x", 2))},
			[]*ordersv1.Return{back("a", line("x", 1))}, []taken{{1, 2, 1}},
		},
		"and then from the one before": {
			[]*ordersv1.Order{order("a", line("x", 2)), order("a", line("x", 2))},
			[]*ordersv1.Return{back("a", line("x", 1)), back("a", line("x", 2))}, []taken{{1, 1, 1}, {1, 1, 1}, {0, 1, 1}},
		},
		"as far as there are any": {
			[]*ordersv1.Order{order("a", line("x", 2))},
			[]*ordersv1.Return{back("a", line("x", 3), line("y", 1)), back("a", line("x", 1))}, []taken{{0, 1, 2}},
		},
		"a SKU that is named twice comes back once": {
			[]*ordersv1.Order{order("a", line("x", 3))},
			[]*ordersv1.Return{back("a", line("x", 1), line("X", 1))}, []taken{{0, 1, 2}},
		},
		"services and what guests bought never do": {
			[]*ordersv1.Order{order("", line("x", 1)), order("a", &ordersv1.Line{Sku: "x", Quantity: 1, Kind: ordersv1.LineKind_LINE_KIND_SERVICE})},
			[]*ordersv1.Return{back("", line("x", 1)), back("a", line("x", 1))}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelves()
			for _, o := range test.orders {
				s.add(o)
			}
			var got []taken
			for _, b := range test.backs {
				for _, p := range s.take(b) {
					for _, l := range p.lines {
						got = append(got, taken{p.sale.number, int(l.GetPosition()), l.GetQuantity()})
					}
				}
			}
			require.Equal(t, test.want, got)
		})
	}
}
