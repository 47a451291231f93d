package order_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

func TestFold(t *testing.T) {
	orderID := order.NewID(noon, "cus_1", "")
	_, sound, err := order.Order{}.Advance(orderID, noon,
		order.Drafted{Details: details()}, order.Edited{Details: details()}, order.Placed{Details: details()},
		order.CancelRequested{}, order.Undone{})
	require.NoError(t, err)
	t.Run("a sound history gives the order", func(t *testing.T) {
		o, err := order.Fold(sound)
		require.NoError(t, err)
		require.Equal(t, order.Canceled, o.Lifecycle)
		require.Equal(t, int64(5), o.Version)
	})
	t.Run("nothing gives nothing", func(t *testing.T) {
		o, err := order.Fold(nil)
		require.NoError(t, err)
		require.Zero(t, o)
	})
	t.Run("an event that is missing shows, unless it is the last", func(t *testing.T) {
		for i := range len(sound) - 1 {
			_, err := order.Fold(slices.Delete(slices.Clone(sound), i, i+1))
			require.Error(t, err)
		}
	})
	t.Run("an event that is there twice shows", func(t *testing.T) {
		for i := range sound {
			_, err := order.Fold(slices.Insert(slices.Clone(sound), i, sound[i]))
			require.Error(t, err)
		}
	})
	t.Run("events in another order show", func(t *testing.T) {
		for i := 1; i < len(sound); i++ {
			damaged := slices.Clone(sound)
			damaged[i-1], damaged[i] = damaged[i], damaged[i-1]
			_, err := order.Fold(damaged)
			require.Error(t, err)
		}
	})
	t.Run("a history that lost its beginning shows, even when it was numbered anew", func(t *testing.T) {
		for first := 1; first < len(sound); first++ {
			damaged := slices.Clone(sound[first:])
			for i := range damaged {
				damaged[i].Sequence = int64(i + 1)
			}
			_, err := order.Fold(damaged)
			if first == 2 { // it begins with an order that is placed, as many do
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		}
	})
	t.Run("more that comes back than was sold shows", func(t *testing.T) {
		for _, lines := range [][]order.LineQuantity{
			{{Position: 1, Quantity: 7}}, {{Position: 1, Quantity: 6}, {Position: 1, Quantity: 1}}, {{Position: 0, Quantity: 1}},
			{{Position: 3, Quantity: 1}}, {{Position: 1, Quantity: 0}}, {{Position: 1, Quantity: -1}}, {{Position: 1, Quantity: 1<<63 - 1}},
			{{Position: 1, Quantity: 1}, {Position: 1, Quantity: 1<<63 - 1}}, {{Position: -1 << 63, Quantity: 1}}, {},
		} {
			_, _, err := order.Order{}.Advance(orderID, noon, order.Placed{Details: details()}, order.GoodsReturned{Lines: lines})
			require.Error(t, err, "%v", lines)
		}
	})
	t.Run("an edit that takes away what came back shows", func(t *testing.T) {
		fewer := details()
		fewer.Lines = fewer.Lines[:1]
		back := order.GoodsReturned{Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}
		_, _, err := order.Order{}.Advance(orderID, noon, order.Placed{Details: details()}, back, order.Edited{Details: fewer})
		require.Error(t, err)
	})
	t.Run("earlier orders stay as they were", func(t *testing.T) {
		back := order.GoodsReturned{Lines: []order.LineQuantity{{Position: 1, Quantity: 1}}}
		once, _, err := order.Order{}.Advance(orderID, noon, order.Placed{Details: details()}, back)
		require.NoError(t, err)
		twice, _, err := once.Advance(orderID, noon, back)
		require.NoError(t, err)
		require.Equal(t, int64(1), once.ReturnedOf(0))
		require.Equal(t, int64(2), twice.ReturnedOf(0))
	})
}

// FuzzDecisions lets chance decide: whatever is decided, the events fold to the order, its total is
// exact, and it went only where it may.
func FuzzDecisions(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint8(20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8) {
		chance := rand.New(rand.NewPCG(seed, 1))
		first, err := order.Begin(randomDetails(chance), chance.IntN(2) == 0, "", nil)
		if err != nil {
			return
		}
		orderID := order.NewID(noon, "cus_1", "")
		o, events, err := order.Order{}.Advance(orderID, noon, first)
		require.NoError(t, err)
		for step := range steps {
			changes, err := decide(chance, o)
			if err != nil {
				continue
			}
			next, more, err := o.Advance(orderID, noon.Add(time.Duration(step)*time.Second), changes...)
			require.NoError(t, err, "what was decided can be done")
			require.Len(t, more, len(changes))
			o, events = next, append(events, more...)
		}
		folded, err := order.Fold(events)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(o, folded))
		require.Len(t, events, int(o.Version))
		requireExact(t, o)
		for i := range o.Lines {
			require.LessOrEqual(t, o.ReturnedOf(i), o.Lines[i].Quantity)
			require.LessOrEqual(t, o.ShippedOf(i), o.Lines[i].Quantity)
		}
		requireParcelsExact(t, o)
	})
}

func decide(chance *rand.Rand, o order.Order) ([]order.Change, error) {
	switch chance.IntN(16) {
	case 0:
		return o.Place(fmt.Sprint(chance.IntN(2)), nil)
	case 1:
		return o.Cancel(fmt.Sprint(chance.IntN(3)))
	case 2, 3:
		return goodsReturned(chance, o), nil
	case 4:
		return o.Edit(order.Edit{ShipTo: &order.Address{City: fmt.Sprint(chance.IntN(3))}})
	case 5:
		return o.Hold("why")
	case 6:
		return o.Resume()
	case 7:
		return o.Paid(order.PaymentStatus(1 + chance.IntN(8)))
	case 8, 9:
		if o.Lifecycle == order.Pending {
			return o.AndComplete(order.Accepted{Payment: order.PaymentAuthorized})
		}
		return nil, nil
	case 10, 11:
		return o.Allocate(someOf(chance, o))
	case 12, 13:
		if len(o.Shipments) > 0 {
			s := o.Shipments[chance.IntN(len(o.Shipments))]
			return o.MoveShipment(s.ID, order.Move{To: order.ShipmentState(1 + chance.IntN(6))})
		}
		return nil, nil
	default:
		d := randomDetails(chance)
		return o.Edit(order.Edit{Lines: &d.Lines, Shipping: &d.Shipping})
	}
}

// someOf gives a part of one line of the order, or nothing.
func someOf(chance *rand.Rand, o order.Order) []order.LineQuantity {
	if chance.IntN(2) == 0 {
		return nil
	}
	i := chance.IntN(len(o.Lines))
	return []order.LineQuantity{{Position: i + 1, Quantity: 1 + chance.Int64N(o.Lines[i].Quantity)}}
}

// goodsReturned traces a return of something like a line of the order.
func goodsReturned(chance *rand.Rand, o order.Order) []order.Change {
	l := o.Lines[chance.IntN(len(o.Lines))]
	l.Quantity = chance.Int64N(l.Quantity) + 1
	r := order.Return{Lines: []order.ReturnLine{{Line: l}, {Line: l}}}
	_, changes := r.Trace([]order.Order{o})
	if c, ok := changes[o.ID]; ok {
		return []order.Change{c}
	}
	return nil
}

func randomDetails(chance *rand.Rand) order.Details {
	amount := func() money.Minor { return money.Minor(chance.Int64() >> chance.IntN(63)) }
	d := order.Details{CustomerID: "cus_1", Currency: "GBP", Shipping: amount() >> 8, Lines: make([]order.Line, 1+chance.IntN(4))}
	for i := range d.Lines {
		d.Lines[i] = order.Line{
			SKU: fmt.Sprint(chance.IntN(3)), Quantity: 1 + chance.Int64N(9), UnitPrice: amount() >> 8,
			Discount: money.Minor(chance.IntN(2)), Service: chance.IntN(4) == 0,
		}
	}
	return d
}

// requireExact holds the total against exact arithmetic.
func requireExact(t *testing.T, o order.Order) {
	t.Helper()
	want := big.NewInt(int64(o.Shipping))
	for _, l := range o.Lines {
		line := new(big.Int).Mul(big.NewInt(l.Quantity), big.NewInt(int64(l.UnitPrice)))
		want.Add(want, line.Sub(line, big.NewInt(int64(l.Discount))))
	}
	got, err := o.Total()
	require.NoError(t, err)
	require.Equal(t, want.String(), big.NewInt(int64(got)).String())
}

// requireParcelsExact holds what the parcels cost against the total.
func requireParcelsExact(t *testing.T, o order.Order) {
	t.Helper()
	total, err := o.Total()
	require.NoError(t, err)
	var cost money.Minor
	last := false
	for _, s := range o.Shipments {
		cost, last = cost+s.Amount, last || s.Final
	}
	require.LessOrEqual(t, cost, total)
	if last {
		require.Equal(t, total, cost, "all parcels together cost the total")
	}
}
