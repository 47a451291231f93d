package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// filter is a question and which orders answer it.
type filter struct {
	query store.OrderQuery
	fits  func(order.Order) bool
}

func filters() map[string]filter {
	second := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	return map[string]filter{
		"a customer": {
			store.OrderQuery{CustomerID: "cus_1"}, func(o order.Order) bool { return o.CustomerID == "cus_1" },
		},
		"a customer without orders": {
			store.OrderQuery{CustomerID: "cus_none"}, func(order.Order) bool { return false },
		},
		"a lifecycle": {
			store.OrderQuery{Lifecycle: order.Canceled}, func(o order.Order) bool { return o.Lifecycle == order.Canceled },
		},
		"a payment": {
			store.OrderQuery{Payment: order.PaymentNone}, func(order.Order) bool { return true },
		},
		"a payment that none has": {
			store.OrderQuery{Payment: 4}, func(order.Order) bool { return false },
		},
		"a fulfillment": {
			store.OrderQuery{Fulfillment: order.Unfulfilled}, func(o order.Order) bool { return o.Fulfillment == order.Unfulfilled },
		},
		"a number": {
			store.OrderQuery{Number: "PO-3"}, func(o order.Order) bool { return o.Number == "PO-3" },
		},
		"a number in other letters": {
			store.OrderQuery{Number: "po-3"}, func(order.Order) bool { return false },
		},
		"from a time": {
			store.OrderQuery{From: second(7)}, func(o order.Order) bool { return !o.Created.Before(second(7)) },
		},
		"before a time": {
			store.OrderQuery{Before: second(7)}, func(o order.Order) bool { return o.Created.Before(second(7)) },
		},
		"an empty stretch of time": {
			store.OrderQuery{From: second(7), Before: second(7)}, func(order.Order) bool { return false },
		},
		"a stretch that ends before it begins": {
			store.OrderQuery{From: second(9), Before: second(7)}, func(order.Order) bool { return false },
		},
		"from just after a millisecond": {
			store.OrderQuery{From: second(7).Add(1)}, func(o order.Order) bool { return o.Created.After(second(7)) },
		},
		"before just after a millisecond": {
			store.OrderQuery{Before: second(7).Add(time.Microsecond)}, func(o order.Order) bool { return !o.Created.After(second(7)) },
		},
		"from the beginning of time": {
			store.OrderQuery{From: time.Unix(0, 0)}, func(order.Order) bool { return true },
		},
		"before the beginning of time": {
			store.OrderQuery{Before: time.Unix(0, 0)}, func(order.Order) bool { return false },
		},
		"from before 1970": {
			store.OrderQuery{From: time.Unix(-1, 0)}, func(order.Order) bool { return true },
		},
		"before a time before 1970": {
			store.OrderQuery{Before: time.Unix(-1, 0)}, func(order.Order) bool { return false },
		},
		"until the end of time": {
			store.OrderQuery{Before: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}, func(order.Order) bool { return true },
		},
		"all at once": {
			store.OrderQuery{
				CustomerID: "cus_1", Lifecycle: order.Pending, Payment: order.PaymentNone,
				Fulfillment: order.Unfulfilled, From: second(2), Before: second(20), Number: "PO-1",
			},
			func(o order.Order) bool {
				return o.CustomerID == "cus_1" && o.Lifecycle == order.Pending && o.Number == "PO-1" &&
					!o.Created.Before(second(2)) && o.Created.Before(second(20))
			},
		},
	}
}

func testFilter(t *testing.T, b bench) {
	s := b.new(t)
	var all []order.Order
	for i := range 24 {
		d := details(customer(i % 3))
		d.Number = fmt.Sprint("PO-", i%5)
		if i%8 == 7 {
			d.CustomerID, d.Number = "", ""
		}
		o := create(t, s, made(noon.Add(time.Duration(i)*time.Second), fmt.Sprint(i), order.Placed{Details: d}, d))
		if i%4 == 1 {
			o = change(t, s, o.ID, "cancel", canceling)
		}
		all = append(all, o)
	}
	for name, f := range filters() {
		t.Run("a list by "+name+" has what fits and nothing else", func(t *testing.T) {
			for _, ascending := range []bool{true, false} {
				want := byID(filtered(all, f.fits), ascending)
				f.query.Ascending = ascending
				for _, limit := range []int{1, 4, 50} {
					f.query.Limit = limit
					got := walk(t, s, f.query)
					requireSame(t, want, got)
				}
			}
		})
	}
}
