package order_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// shipped is a confirmed order of these lines, paid with what is set aside, of which this much of each
// line has left.
func shipped(t *testing.T, lines []order.Line, left ...order.LineQuantity) order.Order {
	t.Helper()
	o := begun(t, order.Placed{Details: order.Details{CustomerID: "cus_1", Currency: "GBP", Lines: lines}},
		order.Accepted{Payment: order.PaymentAuthorized})
	parcel := order.ShipmentID{UUID: o.ID.WithPart(1)}
	return after(t, o, order.ShipmentCreated{ShipmentID: parcel, Lines: left},
		order.ShipmentMoved{ShipmentID: parcel, State: order.ShipmentShipped})
}

func after(t *testing.T, o order.Order, changes ...order.Change) order.Order {
	t.Helper()
	o, _, err := o.Advance(o.ID, noon, changes...)
	require.NoError(t, err)
	return o
}

func of(position int, quantity int64) order.LineQuantity {
	return order.LineQuantity{Position: position, Quantity: quantity}
}

// threeLines are goods, a service and goods.
func threeLines() []order.Line {
	return []order.Line{
		{SKU: "A", Description: "one A", Quantity: 3, UnitPrice: 100, Discount: 10},
		{SKU: "POST", Service: true, Quantity: 1, UnitPrice: 1800},
		goods("B", 5),
	}
}

func requested(t *testing.T, o order.Order, lines ...order.LineQuantity) order.Return {
	t.Helper()
	r, err := order.RequestReturn(o, order.NewReturnID(noon, o.ID), lines, "too small", noon)
	require.NoError(t, err)
	return r
}

func TestRequestReturn(t *testing.T) {
	t.Run("its lines say what came back, what that is worth and where it was sold", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 2), of(3, 5))
		r := requested(t, o, of(3, 1), of(1, 1), of(3, 3))
		require.True(t, r.Equal(order.Return{
			ID: r.ID, OrderID: o.ID, CustomerID: "cus_1", Currency: "GBP", Status: order.ReturnRequested, Reason: "too small",
			Created: noon, Updated: noon,
			Lines: []order.ReturnLine{
				{
					Line:    order.Line{SKU: "A", Description: "one A", Quantity: 1, UnitPrice: 100, Discount: 3},
					Matches: []order.Match{{OrderID: o.ID, Position: 1, Quantity: 1}},
				},
				{Line: goods("B", 4), Matches: []order.Match{{OrderID: o.ID, Position: 3, Quantity: 4}}},
			},
		}), "%+v", r)
		amount, err := r.Total()
		require.NoError(t, err)
		require.Equal(t, money.Minor(97+4*255), amount)
	})
	t.Run("what cannot come back is refused with its reason", func(t *testing.T) {
		o := after(t, shipped(t, threeLines(), of(1, 2), of(3, 5)), order.GoodsReturned{Lines: []order.LineQuantity{of(3, 4)}})
		for name, bad := range map[string]struct {
			lines  []order.LineQuantity
			reason fault.Reason
		}{
			"nothing":                    {nil, fault.ReasonInvalidRequest},
			"a line before the first":    {[]order.LineQuantity{of(0, 1)}, fault.ReasonLineUnknown},
			"a line behind the last":     {[]order.LineQuantity{of(4, 1)}, fault.ReasonLineUnknown},
			"a service":                  {[]order.LineQuantity{of(2, 1)}, fault.ReasonLineUnknown},
			"none of a line":             {[]order.LineQuantity{of(1, 1), of(3, 0)}, fault.ReasonQuantityInvalid},
			"less than none of a line":   {[]order.LineQuantity{of(1, -1)}, fault.ReasonQuantityInvalid},
			"more than a line can have":  {[]order.LineQuantity{of(1, 1_000_001)}, fault.ReasonQuantityInvalid},
			"more than has left":         {[]order.LineQuantity{of(1, 3)}, fault.ReasonReturnTooLarge},
			"more than has left in sum":  {[]order.LineQuantity{of(1, 2), of(1, 1)}, fault.ReasonReturnTooLarge},
			"what has come back already": {[]order.LineQuantity{of(3, 2)}, fault.ReasonReturnTooLarge},
		} {
			_, err := order.RequestReturn(o, order.ReturnID{}, bad.lines, "", noon)
			require.Equal(t, bad.reason, fault.ReasonOf(err), "%s: %v", name, err)
		}
	})
	t.Run("only of an order that is confirmed or completed", func(t *testing.T) {
		for _, l := range lifecycles[1:] {
			o := in(l)
			o.Source = "shop"
			_, err := order.RequestReturn(o, order.ReturnID{}, []order.LineQuantity{of(1, 1)}, "", noon)
			if l == order.Confirmed || l == order.Completed {
				require.NoError(t, err, "%s", l)
			} else {
				require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err), "%s", l)
			}
		}
	})
	t.Run("of imported history comes back what was sold", func(t *testing.T) {
		o := begun(t, order.Imported{Delivered: true, Details: order.Details{
			CustomerID: "cus_1", Source: "shop", Number: "1", Currency: "GBP", Lines: threeLines(),
		}}, order.GoodsReturned{Lines: []order.LineQuantity{of(3, 4)}})
		require.Len(t, requested(t, o, of(1, 3), of(3, 1)).Lines, 2)
		_, err := order.RequestReturn(o, order.ReturnID{}, []order.LineQuantity{of(3, 2)}, "", noon)
		require.Equal(t, fault.ReasonReturnTooLarge, fault.ReasonOf(err))
	})
	t.Run("a card number is no reason, to ask or to refuse", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 2))
		const number = "4242 4242 4242 4242"
		_, err := order.RequestReturn(o, order.ReturnID{}, []order.LineQuantity{of(1, 1)}, number, noon)
		require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(err))
		_, err = requested(t, o, of(1, 1)).Reject(number)
		require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(err))
	})
}

func TestReturn_Moves(t *testing.T) {
	o := shipped(t, threeLines(), of(1, 2))
	moves := map[order.ReturnStatus]struct {
		move func(order.Return) (order.Return, error)
		from []order.ReturnStatus
	}{
		order.ReturnApproved: {order.Return.Approve, []order.ReturnStatus{order.ReturnRequested}},
		order.ReturnRejected: {
			func(r order.Return) (order.Return, error) { return r.Reject("worn") },
			[]order.ReturnStatus{order.ReturnRequested, order.ReturnApproved},
		},
		order.ReturnReceived: {
			func(r order.Return) (order.Return, error) { r, _, err := r.Receive(o); return r, err },
			[]order.ReturnStatus{order.ReturnRequested, order.ReturnApproved},
		},
		order.ReturnInspected: {
			func(r order.Return) (order.Return, error) { return r.Close(nil, nil) },
			[]order.ReturnStatus{order.ReturnReceived},
		},
		order.ReturnClosed: {order.Return.Finish, []order.ReturnStatus{order.ReturnInspected}},
	}
	for from := order.ReturnRequested; from <= order.ReturnRejected; from++ {
		for to, m := range moves {
			r := requested(t, o, of(1, 2))
			r.Status = from
			next, err := m.move(r)
			switch {
			case from == to:
				require.NoError(t, err, "%s to %s", from, to)
				require.True(t, next.Equal(r), "%s stays as it is", from)
			case slices.Contains(m.from, from):
				require.NoError(t, err, "%s to %s", from, to)
				require.Equal(t, to, next.Status)
			default:
				require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err), "%s to %s", from, to)
				require.True(t, next.Equal(r), "a return that is refused a change is as before")
			}
		}
	}
}

func TestReturn_Receive(t *testing.T) {
	t.Run("the goods are booked on their order", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 2), of(3, 5))
		r, changes, err := requested(t, o, of(3, 5), of(1, 1)).Receive(o)
		require.NoError(t, err)
		require.Equal(t, []order.Change{order.GoodsReturned{ReturnID: r.ID, Lines: []order.LineQuantity{of(1, 1), of(3, 5)}}}, changes)
		require.Equal(t, []int64{1, 0, 5}, after(t, o, changes...).Returned)
	})
	t.Run("goods that another return brought meanwhile are refused", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 2))
		first, second := requested(t, o, of(1, 2)), requested(t, o, of(1, 1))
		_, changes, err := first.Receive(o)
		require.NoError(t, err)
		_, _, err = second.Receive(after(t, o, changes...))
		require.Equal(t, fault.ReasonReturnTooLarge, fault.ReasonOf(err))
	})
	t.Run("an order that is held takes them, one that is undone does not", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 2))
		r := requested(t, o, of(1, 1))
		_, changes, err := r.Receive(after(t, o, order.PutOnHold{}))
		require.NoError(t, err)
		require.Len(t, changes, 1)
		o.Lifecycle = order.Canceling
		_, _, err = r.Receive(o)
		require.Equal(t, fault.ReasonTransitionRefused, fault.ReasonOf(err))
	})
	t.Run("the last goods complete a paid order", func(t *testing.T) {
		o := after(t, shipped(t, threeLines(), of(1, 3), of(3, 5)), order.PaymentChanged{Payment: order.PaymentPaid})
		_, changes, err := requested(t, o, of(1, 3), of(3, 5)).Receive(o)
		require.NoError(t, err)
		require.Len(t, changes, 2)
		require.Equal(t, order.Completed, after(t, o, changes...).Lifecycle)
	})
	t.Run("the order and the return that were given stay as they were", func(t *testing.T) {
		o := shipped(t, threeLines(), of(1, 3))
		r := requested(t, o, of(1, 1))
		o = after(t, o, order.GoodsReturned{Lines: []order.LineQuantity{of(1, 2)}})
		next, _, err := r.Receive(o)
		require.NoError(t, err)
		require.Equal(t, money.Minor(3), r.Lines[0].Discount)
		require.Equal(t, money.Minor(4), next.Lines[0].Discount, "the last of three bears the rest")
		require.Equal(t, []int64{2, 0, 0}, o.Returned)
	})
}

func TestReturn_Close(t *testing.T) {
	o := shipped(t, threeLines(), of(1, 3), of(3, 5))
	r, _, err := requested(t, o, of(1, 1), of(3, 2)).Receive(o)
	require.NoError(t, err)
	t.Run("refund and restock do not follow from each other", func(t *testing.T) {
		for name, want := range map[string]struct {
			refund  *money.Minor
			decided money.Minor
			restock []order.LineQuantity
			summed  []order.LineQuantity
		}{
			"what it is worth, nothing back": {nil, 97 + 2*255, nil, nil},
			"nothing, all back":              {total(0), 0, []order.LineQuantity{of(3, 1), of(1, 1), of(3, 1)}, []order.LineQuantity{of(1, 1), of(3, 2)}},
			"more than it is worth":          {total(1000), 1000, []order.LineQuantity{of(3, 1)}, []order.LineQuantity{of(3, 1)}},
		} {
			closed, err := r.Close(want.refund, want.restock)
			require.NoError(t, err, name)
			require.Equal(t, want.decided, closed.Refund, name)
			require.Equal(t, want.summed, closed.Restock, name)
			require.Equal(t, order.ReturnInspected, closed.Status, name)
		}
	})
	t.Run("what cannot be decided is refused with its reason", func(t *testing.T) {
		for reason, bad := range map[fault.Reason]struct {
			refund  *money.Minor
			restock order.LineQuantity
		}{
			fault.ReasonAmountInvalid:   {total(-1), of(1, 1)},
			fault.ReasonRestockTooLarge: {nil, of(1, 2)},
			fault.ReasonLineUnknown:     {nil, of(2, 1)},
			fault.ReasonQuantityInvalid: {nil, of(3, 0)},
		} {
			same, err := r.Close(bad.refund, []order.LineQuantity{bad.restock})
			require.Equal(t, reason, fault.ReasonOf(err))
			require.True(t, same.Equal(r))
		}
	})
}

// FuzzReturns lets chance ask and bring goods back in any order: when all are back, the returns that
// brought them add up to what the lines cost.
func FuzzReturns(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint8(20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) {
		chance := rand.New(rand.NewPCG(seed, 2))
		lines, left := make([]order.Line, 1+chance.IntN(3)), []order.LineQuantity{}
		for i := range lines {
			lines[i] = goods("A", 1+chance.Int64N(9))
			lines[i].UnitPrice = money.Minor(chance.Int64() >> chance.IntN(63) >> 8)
			lines[i].Discount = (lines[i].UnitPrice * money.Minor(lines[i].Quantity)).Part(chance.Int64N(100), 99)
			left = append(left, of(i+1, lines[i].Quantity))
		}
		o := shipped(t, lines, left...)
		var open []order.Return
		var worth money.Minor
		receive := func(r order.Return) bool {
			r, changes, err := r.Receive(o)
			if err != nil {
				require.Equal(t, fault.ReasonReturnTooLarge, fault.ReasonOf(err))
				return false
			}
			o = after(t, o, changes...)
			amount, err := r.Total()
			require.NoError(t, err)
			require.GreaterOrEqual(t, amount, money.Minor(0))
			worth += amount
			return true
		}
		for range steps {
			line := 1 + chance.IntN(len(lines))
			r, err := order.RequestReturn(o, order.NewReturnID(noon, o.ID),
				[]order.LineQuantity{of(line, 1+chance.Int64N(lines[line-1].Quantity))}, "", noon.Add(time.Hour))
			if err == nil {
				open = append(open, r)
			}
			if n := len(open); n > 0 && chance.IntN(2) == 0 {
				receive(open[chance.IntN(n)])
			}
		}
		for i, l := range lines {
			if rest := l.Quantity - o.ReturnedOf(i); rest > 0 {
				require.True(t, receive(requested(t, o, of(i+1, rest))), "the rest comes back")
			}
		}
		subtotal, err := o.Subtotal()
		require.NoError(t, err)
		require.Equal(t, subtotal, worth)
	})
}
